package apps_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/console/consoletest"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestADeclaredAppSaysWhatItsFileSays: the page of an app compares what is stored with the clients file as it is now.
func TestADeclaredAppSaysWhatItsFileSays(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "clients.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const declared = "clients:\n  - client_id: wiki\n    client_name: Wiki\n    token_endpoint_auth_method: none\n" +
		"    redirect_uris: [https://wiki.example/cb]\n"
	write(declared)
	s := consoletest.Start(t, "VOUCHSAFE_CLIENTS", file)
	b := s.Browser(s.User(storage.DefaultTenant, "owner", storage.RoleOwner), time.Time{})
	const page = "/admin/apps/app?id=wiki"
	b.Open(page)
	b.Says("This app is declared in a file.", "The app is as the clients file says.", "Last use Never", "Open sessions 0",
		"Valid grants 0")
	a, err := s.Store.Client(t.Context(), storage.DefaultTenant, "wiki")
	if err != nil {
		t.Fatal(err)
	}
	a.ClientName = "Wiki & <b>more"
	if err := s.Store.PutClient(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	b.Open(page)
	b.Says("Where the clients file differs", `client_name "Wiki & <b>more" "Wiki"`)
	b.SaysNot("redirect_uris")
	write("clients: [] # it was here\n")
	b.Open(page)
	b.Says("The clients file no longer has this app: the next start of a server removes it.")
	write(declared + "    redirect: nowhere\n")
	b.Open(page)
	b.Says("The clients file can’t be read")
}
