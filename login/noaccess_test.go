package login

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// TestNoAccess: the page says why, names the contacts, and says what the user can do. It names no group.
func TestNoAccess(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	user := s.user("default", "jo@example.com", "", right)
	user.EmailVerified = true
	if err := storagetest.UpdateUser(t.Context(), s.store, user); err != nil {
		t.Fatal(err)
	}
	client := storage.Client{
		ClientID: "boats", ClientName: "Paper Boats", Contacts: []string{"it@boats.example", "Desk 12 <b>"},
		Allow: storage.ClientAllow{Groups: []string{"secret-admirals"}},
	}
	q := s.ask("", storage.Interaction{Client: client})
	v := s.visitor()
	if p := v.get("/no-access?" + q); p.location() != "/authorize?"+q {
		t.Errorf("no user signed in: got %d to %q", p.status, p.location())
	}
	v.signIn("jo@example.com", right)
	p := v.get("/no-access?" + q)
	if p.status != http.StatusForbidden {
		t.Errorf("got %d, want 403", p.status)
	}
	for _, want := range []string{
		"You can’t use Paper Boats with this account.", english["access.group"], "jo@example.com",
		`<a href="mailto:it@boats.example">it@boats.example</a>`, "<li>Desk 12 &lt;b&gt;</li>",
		"/select?" + strings.ReplaceAll(q, "&", "&amp;"), "cancel=1",
	} {
		if !strings.Contains(p.body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	if strings.Contains(p.body, "admirals") {
		t.Error("the page names the group")
	}
	refused := func(e storage.Event) bool { return e.Kind == storage.EventAccessRefused && e.UserID == user.ID }
	if !slices.ContainsFunc(s.events("default"), refused) {
		t.Error("there is no event")
	}
	if err := s.store.AddGroup(t.Context(), storage.Group{TenantID: "default", ID: "secret-admirals"}); err != nil {
		t.Fatal(err)
	}
	if err := s.store.Apply(t.Context(), storage.Change{TenantID: "default", UserID: user.ID,
		Join: []storage.Membership{{GroupID: "secret-admirals"}}}); err != nil {
		t.Fatal(err)
	}
	if p := v.get("/no-access?" + q); p.location() != "/authorize?"+q {
		t.Errorf("let in meanwhile: got %d to %q", p.status, p.location())
	}
	client.Allow, client.Contacts = storage.ClientAllow{EmailDomains: []string{"boats.example"}}, nil
	q = s.ask("", storage.Interaction{Client: client})
	for _, lang := range texts.Languages() {
		p := v.get("/no-access?ui_locales=" + lang + "&" + q)
		for _, id := range []string{"access.title", "access.domain", "access.ask_administrator"} {
			if want := texts.In(lang).Must(id); !strings.Contains(p.body, want) {
				t.Errorf("%s: the page lacks %q", lang, want)
			}
		}
	}
}
