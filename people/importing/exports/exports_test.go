package exports

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/golden"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

// tenant has the upstreams of the samples.
var tenant = []storage.Upstream{{ID: "google", Preset: "google"}, {ID: "octocat", Preset: "github"}}

// samples are exports in testdata: the file of the users, and the further files.
var samples = []struct {
	product string
	file    string
	further []string
}{
	{"keycloak", "keycloak.json", nil},
	{"auth0", "auth0.jsonl", []string{"auth0-hashes.jsonl"}},
	{"auth0", "auth0-hashes.jsonl", nil},
	{"firebase", "firebase.json", nil},
	{"firebase", "firebase.csv", nil},
	{"supabase", "supabase.csv", []string{"supabase-identities.csv", "supabase-factors.csv"}},
	{"kratos", "kratos.json", nil},
	{"django", "django.json", []string{"django-more.json"}},
	{"wordpress", "wordpress.json", []string{"wordpress-meta.csv"}},
	{"laravel", "laravel.csv", nil},
	{"laravel", "laravel-batch.tsv", nil}, // as mysql --batch writes it
	{"aspnet", "aspnet.json", []string{"aspnet-tokens.csv", "aspnet-logins.csv"}},
	{"aspnet", "aspnet.csv", []string{"aspnet-tokens.csv", "aspnet-logins.csv"}}, // as Export-Csv writes it
	{"keratin", "keratin.csv", []string{"keratin-oauth.csv"}},
	{"pocketid", "pocketid.csv", []string{"pocketid-passkeys.csv"}},
}

// TestSamples reads the samples, and compares what comes of them with a file beside each.
func TestSamples(t *testing.T) {
	t.Parallel()
	for _, s := range samples {
		var further []File
		for _, name := range s.further {
			f, err := os.Open(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			further = append(further, File{name, f})
		}
		e, err := Open(Options{Product: s.product, Upstreams: tenant, PasskeyHost: "id.example.com"}, further)
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.Open(filepath.Join("testdata", s.file))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var got strings.Builder
		for r := range e.Read(f) {
			got.WriteString(shown(t, r))
		}
		golden.Check(t, filepath.Join("testdata", s.file+".want"), func(string) string { return got.String() })
	}
}

// shown returns what was read as a text.
func shown(t *testing.T, r importing.Read) string {
	t.Helper()
	row, err := json.MarshalIndent(r.Row, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("line %d: %s\n", r.Line, row)
	if r.Err != nil {
		text += fmt.Sprintf("refused: %v\n", r.Err)
	}
	if r.Skip != nil {
		text += fmt.Sprintf("left out: %v\n", r.Skip)
	}
	for _, l := range r.Lost {
		text += fmt.Sprintf("lost: %v\n", l)
	}
	return text
}
