package login

import (
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/internal/passkeytest"
	"github.com/vouchsafe/vouchsafe/login/account"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/storagetest"
)

// matter is something that a page of the account does.
type matter struct {
	path   string
	fields []string // none: the page itself is asked for; KEY is the user's passkey
	done   string   // what comes of it with a fresh proof
}

// matters are all that a proof of long ago is not enough for.
var matters = []matter{
	{"/account/email", nil, "200"},
	{"/account/email", []string{"email", "new@example.com"}, "/account/email/confirm"},
	{"/account/phone", nil, "200"},
	{"/account/phone", []string{"phone", "+491701234599"}, "/account/phone/confirm"},
	{"/account/phone", []string{"remove", "1"}, "/account"},
	{"/account/passkeys", nil, "200"},
	{"/account/passkeys", []string{"remove", "KEY"}, "/account/passkeys"},
	{"/account/passkeys/options", nil, "200"},
	{"/account/identities", []string{"add", fakeidp.OpenID}, "PROVIDER"},
	{"/account/identities", []string{"provider", fakeidp.Google, "subject", "SUBJECT"}, "/account/identities"},
	{"/account/second-factor", []string{"do", "codes"}, "/account/second-factor/codes"},
	{"/account/second-factor", []string{"do", "off"}, "/account/second-factor"},
	{"/account/second-factor/app", nil, "200"},
	{"/account/second-factor/app", []string{"setup", "x", "code", "123456"}, "422"},
	{"/account/second-factor/passkey", nil, "200"},
	{"/account/second-factor/passkey", []string{"state", "x", "answer", "{}"}, "422"},
	{"/account/data", nil, "200"},
	{"/account/data", []string{"x", "1"}, "200"},
	{"/account/api-keys", []string{"rotate", "APIKEY"}, "/account/api-keys/shown"},
	{"/account/api-keys/new", nil, "200"},
	{"/account/api-keys/new", []string{"name", "job", "scope openid", "1", "expires", "720h"}, "/account/api-keys/shown"},
	{"/account/delete", nil, "200"},
	{"/account/delete", []string{"sure", "1"}, "/account/deleted"},
}

// unproven are the forms that take a proof of any age: what they change, a thief of the
// session cannot use, or they bring a proof of their own.
var unproven = []string{"/account/profile", "/account/email/confirm", "/account/phone/confirm", "/account/password",
	"/account/sessions", "/account/apps"}

// TestAnOldProofDoesNothing is for H12: each matter leads to the sign-in, and back to its
// page, and changes nothing. With a fresh proof the same form does what it says.
func TestAnOldProofDoesNothing(t *testing.T) {
	t.Parallel()
	f := &federatedSite{idps: map[string]*fakeidp.Server{}}
	f.site = startAt(t, "http", "localhost", func(c *Config) {
		free(c)
		f.configure(t, c, nil, fakeidp.Google, fakeidp.OpenID)
	})
	f.withKeys()
	for i, m := range matters {
		email, subject := "p"+strconv.Itoa(i)+"@example.com", strconv.Itoa(i)
		u := f.phoned(email, "", "+4917012345"+strconv.Itoa(10+i))
		key := f.passkey(u, passkeytest.New(t, f.url))
		must(t, storagetest.AddIdentity(t.Context(), f.store,
			storage.Identity{TenantID: u.TenantID, Provider: fakeidp.Google, Subject: subject, UserID: u.ID,
				CreatedAt: time.Now()}))
		v := f.signedIn(email)
		v.at("/account/profile")
		_, own := f.apiKey(u)
		do := func() answer {
			if m.fields == nil {
				return v.get(m.path)
			}
			fields := make([]string, len(m.fields))
			for i, field := range m.fields {
				fields[i] = strings.NewReplacer("APIKEY", own.ID, "KEY", key.ID(), "SUBJECT", subject).Replace(field)
			}
			return v.post(m.path, fields...)
		}
		stored := func() []any {
			return []any{f.keysOf(u), f.stored(u), mustCreds(t, f.site, u), f.identities(storage.DefaultTenant, email)}
		}
		before := stored()
		v.ages(people.Freshness + time.Second)
		section := strings.Join(strings.SplitN(m.path, "/", 4)[:3], "/")
		if account.IsPage(m.path) {
			section = m.path
		}
		if p := do(); p.leads() != "/login?next="+strings.ReplaceAll(section, "/", "%2F") {
			t.Errorf("%s %v with an old proof: got %d to %q", m.path, m.fields, p.status, p.location())
		}
		if !reflect.DeepEqual(stored(), before) {
			t.Errorf("%s %v with an old proof: changed the account", m.path, m.fields)
			continue
		}
		v.ages(-people.Freshness)
		p := do()
		if got := p.outcome(); got != m.done &&
			!(m.done == "PROVIDER" && strings.HasPrefix(got, f.idps[fakeidp.OpenID].Issuer)) {
			t.Errorf("%s %v with a fresh proof: got %s, want %s: %s", m.path, m.fields, got, m.done, alertOf(p))
		}
	}
}

// Every form of the account is among the matters, or may be sent with any proof.
func TestEveryFormOfTheAccountIsAMatterOrNot(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	known := map[string]bool{}
	for _, path := range unproven {
		known[path] = true
	}
	known["/account/sign-in-as"] = true // administrators' alone: TestSigningInAsAUserNeedsAFreshProof asks for its proof
	for _, m := range matters {
		known[m.path] = known[m.path] || m.fields != nil
	}
	for _, route := range s.accountPages() {
		if route.form && !known[route.path] {
			t.Errorf("%s: say whether it wants a fresh proof", route.path)
		}
	}
}
