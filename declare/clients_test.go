package declare

import (
	"encoding/json"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/storage"
)

const sampleClients = "../clients.yaml"

func TestSampleClientsWorkInDevelopmentOnly(t *testing.T) {
	t.Parallel()
	clients, err := ReadClients(sampleClients, true)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range clients {
		got = append(got, c.ClientID+" "+c.TokenEndpointAuthMethod+" "+strings.Join(c.GrantTypes, "+"))
	}
	want := []string{
		"spa none authorization_code+refresh_token",
		"mobile none authorization_code+refresh_token",
		"web  authorization_code+refresh_token",
		"service  client_credentials",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	_, err = ReadClients(sampleClients, false)
	if n := strings.Count(err.Error(), "client_secret: is a published sample secret"); n != 2 {
		t.Errorf("in production: got %v", err)
	}
}

func TestFaultsOfAClientsFileAreToldAtOnceWithTheirPlace(t *testing.T) {
	t.Parallel()
	text := `clients:
  - client_id: one
    client_id: again
    redirect_uri: [http://localhost/callback]
    scope: [openid, email]
    require_pkce: maybe
    default_max_age: soon
    access_token_lifetime: 10 minutes
    redirect_uris: http://localhost/callback
    jwks: nothing
  - client_id: two
    token_endpoint_auth_method: none
    client_secret: a-secret-of-a-public-client
    redirect_uris: ["http://evil.example/callback"]
  - client_id: three
    grant_types: [client_credentials]
  - client_id: two
    token_endpoint_auth_method: none
    redirect_uris: [https://two.example/callback]
  - client_id: four
    client_secret: short
    client_secret_hash: sha256$0123
    redirect_uris: [https://four.example/callback]
  - just text
users: []
`
	_, fs := Clients("clients.yaml", []byte(text), true)
	var places []string
	for _, f := range fs {
		places = append(places, f.Where)
	}
	want := []string{
		"clients.yaml:3:5", "clients.yaml:4:5", "clients.yaml:5:12", "clients.yaml:6:19", "clients.yaml:7:22",
		"clients.yaml:8:28", "clients.yaml:9:20", "clients.yaml:10:11",
		"clients.yaml:13:20", "clients.yaml:14:20", "clients.yaml:15:5", "clients.yaml:17:5",
		"clients.yaml:21:20", "clients.yaml:22:25",
		"clients.yaml:24:5", "clients.yaml:25:1",
	}
	slices.Sort(places)
	slices.Sort(want)
	if diff := cmp.Diff(want, places); diff != "" {
		t.Errorf("%s\n%v", diff, fs.Err())
	}
	for _, hint := range []string{
		"redirect_uri is not a field of a client: did you mean redirect_uris?",
		"scope: want text, not a list: write openid email",
		"redirect_uris: want a list, such as [http://localhost/callback]",
		"users is nothing that a clients file has",
	} {
		if !strings.Contains(fs.Error(), hint) {
			t.Errorf("missing: %s", hint)
		}
	}
}

// What leaves the file is removed: a file that was cut off must not remove everything.
func TestEmptyClientsFileIsAFault(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"": false, "# clients: []\n": false, "---\n": false, "{}\n": false, "clients:\n": false,
		"clients:\n#  - client_id: a\n": false,
		"clients: []\n":                 true,
	} {
		clients, fs := Clients("clients.yaml", []byte(text), true)
		if len(clients) != 0 || (fs.Err() == nil) != want || !want &&
			!strings.Contains(fs.Error(), "clients.yaml:1:1 declares no client") {
			t.Errorf("%q: got %v, want none: %v", text, fs.Err(), want)
		}
	}
}

// A hash that nothing can be compared with would make each of the client's requests fail.
func TestHashesThatCannotBeVerifiedAreFaults(t *testing.T) {
	t.Parallel()
	const entry = "clients:\n  - client_id: a\n    redirect_uris: [https://a.example/callback]\n    client_secret_hash: "
	for hash, want := range map[string]bool{
		"$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2U":   true,
		"$argon2id$v=19$m=4194304,t=1,p=1$c2FsdHNhbHRzYWx0c2FsdA$a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2V5a2U": false,
		"$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$a2V5":                                          false,
	} {
		if _, fs := Clients("clients.yaml", []byte(entry+hash+"\n"), true); (fs.Err() == nil) != want {
			t.Errorf("%s: got %v, want none: %v", hash, fs.Err(), want)
		}
	}
}

func TestEntryBecomesTheClient(t *testing.T) {
	t.Parallel()
	_, hash := clients.NewSecret()
	text := `clients:
  - client_id: a
    redirect_uris: &uris [https://a.example/callback]
    client_secret: [first-secret-of-mine, second-secret-of-mine]
    client_secret_hash: ` + hash + `
    default_max_age: 0
    require_pkce: false
    access_token_lifetime: 5m
    id_token_signed_response_alg: ES256
  - client_id: b
    redirect_uris: *uris
    token_endpoint_auth_method: private_key_jwt
    jwks:
      - {kty: OKP, crv: Ed25519, x: 11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo, kid: k1}
`
	read, fs := Clients("clients.yaml", []byte(text), false)
	if err := fs.Err(); err != nil {
		t.Fatal(err)
	}
	a, b := read[0], read[1]
	if *a.DefaultMaxAge != 0 || *a.RequirePKCE || a.AccessTokenLifetime.Or(0).String() != "5m0s" ||
		a.IDTokenSignedResponseAlg != "ES256" {
		t.Errorf("got %+v", a.Client)
	}
	if !slices.Equal(a.Secrets, []string{"first-secret-of-mine", "second-secret-of-mine"}) ||
		!slices.Equal(a.Hashes, []string{hash}) {
		t.Errorf("secrets: got %v, %v", a.Secrets, a.Hashes)
	}
	if got := b.RedirectURIs; !slices.Equal(got, a.RedirectURIs) {
		t.Errorf("alias: got %v", got)
	}
	if got := string(b.JWKS); !strings.HasPrefix(got, `{"keys":[{`) || !strings.Contains(got, `"kid":"k1"`) {
		t.Errorf("got jwks %s", got)
	}
}

// TestSchemaKnowsEveryField keeps the schema that editors use in step with the record.
func TestSchemaKnowsEveryField(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../clients.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	var schema struct {
		Defs struct {
			Client struct {
				Properties map[string]struct {
					Type, Description string
				}
			}
		} `json:"$defs"`
	}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	fields := schema.Defs.Client.Properties
	have := map[string]reflect.Value{}
	yamlFields(reflect.ValueOf(&clientEntry{}).Elem(), have)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(have)), slices.Sorted(maps.Keys(fields))); diff != "" {
		t.Error(diff)
	}
	types := map[reflect.Kind]string{reflect.String: "string", reflect.Slice: "array", reflect.Bool: "boolean",
		reflect.Int64: "integer"}
	for name, field := range fields {
		if field.Description == "" {
			t.Errorf("%s has no description", name)
		}
		if field.Type == "" || readsItself(have[name]) && have[name].Kind() == reflect.Slice { // in more than one form
			continue
		}
		goType := have[name].Type()
		if goType.Kind() == reflect.Pointer {
			goType = goType.Elem()
		}
		want := types[goType.Kind()]
		if goType == reflect.TypeFor[storage.Duration]() {
			want = "string"
		}
		if field.Type != want {
			t.Errorf("%s: got type %s, want %s", name, field.Type, want)
		}
	}
}

// canaryWord is a secret that must not be told.
var canaryWord = regexp.MustCompile(`(Canary7)+`)

// FuzzClientsFile: of any file come clients that are good, or faults, in which no secret
// stands.
func FuzzClientsFile(f *testing.F) {
	sample, err := os.ReadFile(sampleClients)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(sample))
	f.Add("clients: [{client_id: a, jwks: [{}], redirect_uris: [x], client_secret: [a, b], default_max_age: 1}]")
	f.Add("clients:\n- &a {client_id: a, redirect_uris: [*a]}\n---\n")
	for _, secret := range []string{"*Canary7", "&Canary7", "!Canary7", "sample-Canary7", "[Canary7, {a: b}]",
		"{Canary7: a}", "'Canary7", "Canary7: a", "Canary7Canary7Canary7\n  client_secret: b",
		"Canary7Canary7Canary7\n  token_endpoint_auth_method: none"} {
		f.Add("clients:\n- client_id: a\n  redirect_uris: [https://a.example/]\n  client_secret: " + secret + "\n")
		f.Add("clients:\n- client_id: a\n  client_secret_hash: " + secret + "\n")
	}
	f.Fuzz(func(t *testing.T, text string) {
		read, fs := Clients("f", []byte(text), true)
		// A secret may be anything that stands behind its name, but for what YAML takes for
		// another's.
		if _, secret, ok := strings.Cut(text, "client_secret: "); ok && len(fs) > 0 {
			secret, _, _ = strings.Cut(secret, "\n")
			if word := canaryWord.FindString(secret); word != "" &&
				strings.Count(text, "Canary7") == strings.Count(word, "Canary7") && strings.Contains(fs.Error(), word) &&
				!strings.ContainsAny(secret, "{}[],&?:") {
				t.Errorf("%q: %v", secret, fs)
			}
		}
		if len(fs) > 0 {
			return
		}
		// What was found good stays good, and says the same.
		for _, c := range read {
			again := c.Client
			if faults := clients.Validate(&again); len(faults) > 0 {
				t.Errorf("%q: %v", c.ClientID, faults)
			}
			if changes := clients.Compare(c.Client, again); len(changes) > 0 {
				t.Errorf("%q: %v", c.ClientID, changes)
			}
		}
	})
}

// TestRulesAboutClaims: rules are read with their places, and their faults have the line.
func TestRulesAboutClaims(t *testing.T) {
	t.Parallel()
	const begin = "clients:\n  - client_id: a\n    redirect_uris: [https://a.example/]\n    first_party: true\n" +
		"    token_endpoint_auth_method: none\n    claims:\n"
	read, fs := Clients("clients.yaml", []byte(begin+
		"      - {claim: tier, value: gold, in: [access_token]}\n"+
		"      - claim: since\n        value: 2024-05-01\n"+
		"      - {claim: teams, value: [a, b], scope: email}\n      - {claim: level, value: 7}\n"), false)
	if err := fs.Err(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range read[0].Claims {
		got = append(got, r.Claim+" "+string(r.Value)+" "+read[0].ClaimPlaces[r.Claim])
	}
	if diff := cmp.Diff([]string{`tier "gold" clients.yaml:7:9`, `since "2024-05-01" clients.yaml:8:9`,
		`teams ["a","b"] clients.yaml:10:9`, `level 7 clients.yaml:11:9`}, got); diff != "" {
		t.Error(diff)
	}
	for entry, want := range map[string]string{
		"{claim: iss, from: profile.name}":               `clients.yaml:7:17 claims.0.claim: "iss" is reserved`,
		"{claim: x, form: profile.name}":                 "clients.yaml:7:20 claims.0.form isn't a field of a rule",
		"{claim: x, value: {a: b}}":                      "clients.yaml:7:27 claims.0.value: want a text, a number",
		"{claim: x, from: profile.name, in: [a]}":        `clients.yaml:7:45 claims.0.in.0: "a" isn't allowed`,
		"{claim: x, from: profile.name, scope: nothing}": "clients.yaml:7:47 claims.0.scope: nothing isn't among",
	} {
		if entry == "{claim: x, from: profile.name, scope: nothing}" {
			entry += "\n    scope: openid"
		}
		_, fs := Clients("clients.yaml", []byte(begin+"      - "+entry+"\n"), false)
		if err := fs.Err(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", entry, fs.Err(), want)
		}
	}
	third := strings.Replace(begin, "    first_party: true\n", "", 1) + "      - {claim: x, from: external_id}\n"
	if _, fs := Clients("clients.yaml", []byte(third), false); !strings.Contains(fs.Error(), "0.scope: is missing") {
		t.Errorf("a client that is not first-party: got %v", fs.Err())
	}
	third = strings.Replace(begin, "    first_party: true\n", "", 1) + "      - {claim: nickname, from: profile.email}\n"
	if _, fs := Clients("clients.yaml", []byte(third), false); !strings.Contains(fs.Error(),
		"0.scope: users who consent to profile don't know that the app sees profile.email") {
		t.Errorf("a client whose users consent to another scope: got %v", fs.Err())
	}
	const tenant = "tenants:\n  default:\n    claims:\n      - {claim: gh, from: upstream.github.subject, scope: hr}\n"
	if _, fs := Tenants("tenants.yaml", "https://id.example.com", []byte(tenant)); !strings.Contains(fs.Error(),
		"tenants.yaml:4:27") || !strings.Contains(fs.Error(), "no upstream github") {
		t.Errorf("a tenant without the upstream: got %v", fs.Err())
	}
}
