package threats

import (
	"net/url"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
)

func linkRows() []row {
	return []row{
		{"G6 an account with that address", g6},
		{"G7 a stranger registered the address first", g7},
		{"G8 G9 G10 what a stranger left behind", g8},
		{"G11 linked by another site", g11},
		{"G12 linked elsewhere, and the last way in", g12},
	}
}

// g6: the account is linked once its owner has proven it and has confirmed.
func g6(t *testing.T, s *vouchsafetest.Server) {
	w := socialOf(t, s)
	owner := w.member(t)
	who := atProvider(owner.Email)
	b := w.Browser(t, owner)
	if page := w.come(t, b, "google", who); !strings.HasSuffix(page.URL.Path, "/federated/link") {
		t.Fatalf("got to %s, want to be asked to sign in: %s", page.URL.Path, page.Text(t))
	}
	wantSignedOut(t, "before the proof", b)
	page := b.SignIn(t, b.Get(t, "/login"), owner)
	if !strings.HasSuffix(page.URL.Path, "/federated/link") {
		t.Fatalf("after the proof: got to %s, want to be asked whether to link", page.URL.Path)
	}
	stranger := w.Browser(t, vouchsafetest.Person{})
	w.come(t, stranger, "google", who)
	wantSignedOut(t, "before the yes", stranger)
	f := page.Forms(t)[0]
	b.Submit(t, f, &f.Buttons[0])
	again := w.Browser(t, vouchsafetest.Person{})
	w.come(t, again, "google", who)
	if _, email := signedInAs(t, w.Server, again); email != owner.Email {
		t.Errorf("linked: got %q, want %s", email, owner.Email)
	}
}

// g7: the address was registered by another user, who could not prove it, or was imported.
func g7(t *testing.T, s *vouchsafetest.Server) {
	w := socialOf(t, s)
	t.Run("registered", func(t *testing.T) {
		email := newAddress("example.com")
		mallory := w.Browser(t, vouchsafetest.Person{Email: email, Password: "mallory-knows-this 7Rq"})
		f := mallory.Get(t, "/signup").Forms(t)[0]
		f.Fields.Set("email", email)
		f.Fields.Set("password", mallory.Person.Password)
		mallory.Submit(t, f, firstOf(f))
		b := w.Browser(t, vouchsafetest.Person{})
		w.come(t, b, "google", atProvider(email))
		if _, got := signedInAs(t, w.Server, b); got != email {
			t.Fatalf("the owner is kept out: got %q", got)
		}
		mallory.SignIn(t, mallory.Get(t, "/login"), mallory.Person)
		wantSignedOut(t, "who registered the address", mallory)
	})
	t.Run("unproven", func(t *testing.T) {
		p := w.unproven(t, newAddress("example.com"))
		mallory := w.Browser(t, p)
		mallory.SignIn(t, mallory.Get(t, "/login"), p)
		if sub, _ := signedInAs(t, w.Server, mallory); sub == "" {
			t.Fatal("an unproven account is no account: the test shows nothing")
		}
		b := w.Browser(t, vouchsafetest.Person{})
		proveAddress(t, b, w.come(t, b, "google", atProvider(p.Email)), p.Email)
		if _, got := signedInAs(t, w.Server, b); got != p.Email {
			t.Fatalf("the owner is kept out: got %q", got)
		}
		wantSignedOut(t, "the session from before", mallory)
		mallory.SignIn(t, mallory.Get(t, "/login"), p)
		wantSignedOut(t, "the password from before", mallory)
	})
}

// g8: a session, a linked identity and a change of address that a stranger began are void when the
// owner proves the address by a new password.
func g8(t *testing.T, s *vouchsafetest.Server) {
	w := socialOf(t, s)
	p := w.unproven(t, newAddress("example.com"))
	mallory := w.Browser(t, p)
	mallory.SignIn(t, mallory.Get(t, "/login"), p)

	evil := atProvider(newAddress("evil.example"))
	linked := link(t, w, mallory, "google", evil)
	if linked.Status != 200 || !strings.Contains(linked.Text(t), evil.Email) {
		t.Fatalf("the stranger could link nothing: %d %s", linked.Status, linked.Text(t))
	}
	mails.Next(t, p.Email) // of which the owner is told
	target := newAddress("evil.example")
	page := mallory.Get(t, "/account/email")
	fill(t, mallory, page, url.Values{"email": {target}})
	change := mails.Next(t, target)

	owner := w.Browser(t, vouchsafetest.Person{Email: p.Email, Password: "the owner's own 5Xw"})
	reset(t, w.Server, owner, owner.Person)
	wantSignedOut(t, "the session", mallory)
	if page := mallory.Get(t, change.Link); strings.HasSuffix(page.URL.Path, "/account/email/confirm") {
		for _, f := range page.Forms(t) {
			mallory.Submit(t, f, firstOf(f))
		}
	}
	again := w.Browser(t, vouchsafetest.Person{})
	w.come(t, again, "google", evil)
	if _, email := signedInAs(t, w.Server, again); email == p.Email || email == target {
		t.Errorf("the linked identity leads into the account: %s", email)
	}
	owner.SignIn(t, owner.Get(t, "/login"), owner.Person)
	if _, email := signedInAs(t, w.Server, owner); email != p.Email {
		t.Errorf("the owner is %q, want %s", email, p.Email)
	}
	if text := owner.Get(t, "/account/identities").Text(t); strings.Contains(text, evil.Email) {
		t.Error("the stranger's identity is linked still")
	}
}

// link links an identity on the account page, as the user who is signed in.
func link(t *testing.T, w *social, b *vouchsafetest.Browser, id string, who fakeidp.Person) *vouchsafetest.Page {
	t.Helper()
	page := b.Get(t, "/account/identities")
	for _, f := range page.Forms(t) {
		for _, button := range f.Buttons {
			if button.Name == "add" && button.Value == id {
				left := b.Submit(t, f, &button)
				if left.Left == nil {
					t.Fatalf("adding %s: got %d at %s: %s", id, left.Status, left.URL, left.Text(t))
				}
				return b.Get(t, visit(t, left.Left, who))
			}
		}
	}
	t.Fatalf("%s offers no %s: %s", page.URL, id, page.Text(t))
	return nil
}

// signedIn returns a browser in which a new user has just signed in.
func (w *social) signedIn(t *testing.T) *vouchsafetest.Browser {
	t.Helper()
	p := w.member(t)
	b := w.Browser(t, p)
	b.SignIn(t, b.Get(t, "/login"), p)
	return b
}

func g11(t *testing.T, s *vouchsafetest.Server) {
	w := socialOf(t, s)
	victim, mallory := w.signedIn(t), w.signedIn(t)
	evil := atProvider(newAddress("evil.example"))
	form := victim.Get(t, "/account/identities").Forms(t)[0]
	fields := form.Fields
	fields.Set("add", "google")
	if page := victim.PostFrom(t, "https://evil.example", form.Action, fields); page.Status != 403 || page.Left != nil {
		t.Errorf("begun by another site: got %d, %v, want 403", page.Status, page.Left)
	}
	mine := mallory.Get(t, "/account/identities").Forms(t)[0]
	left := mallory.Submit(t, mine, &mine.Buttons[0])
	back := visit(t, left.Left, evil)
	if page := victim.Get(t, back); page.Status != 400 {
		t.Errorf("a stranger's answer: got %d at %s, want 400", page.Status, page.URL.Path)
	}
	if strings.Contains(victim.Get(t, "/account/identities").Text(t), evil.Email) {
		t.Error("a stranger's identity is linked")
	}
}

func g12(t *testing.T, s *vouchsafetest.Server) {
	w := socialOf(t, s)
	first, second := w.signedIn(t), w.signedIn(t)
	who := atProvider(newAddress("example.com"))
	if page := link(t, w, first, "google", who); !strings.Contains(page.Text(t), who.Email) {
		t.Fatalf("got %s", page.Text(t))
	}
	link(t, w, second, "google", who)
	if strings.Contains(second.Get(t, "/account/identities").Text(t), who.Email) {
		t.Error("one identity is linked to two accounts")
	}
	b := w.Browser(t, vouchsafetest.Person{})
	w.come(t, b, "google", who)
	if _, email := signedInAs(t, w.Server, b); email != first.Person.Email {
		t.Errorf("the identity leads to %q, want %s", email, first.Person.Email)
	}

	// A user without any other proof keeps the identity.
	social := w.Browser(t, vouchsafetest.Person{})
	only, asked := atProvider(newAddress("example.com")), false
	w.come(t, social, "google", only)
	for _, f := range social.Get(t, "/account/identities").Forms(t) {
		if f.Fields.Get("subject") != "" {
			if page := social.Submit(t, f, firstOf(f)); page.Status != 409 {
				t.Errorf("removing it: got %d at %s, want 409", page.Status, page.URL.Path)
			}
			asked = true
		}
	}
	if !asked {
		t.Error("nothing could be removed")
	}
	again := w.Browser(t, vouchsafetest.Person{})
	w.come(t, again, "google", only)
	if _, email := signedInAs(t, w.Server, again); email != only.Email {
		t.Errorf("the last way in is gone: got %q", email)
	}
}
