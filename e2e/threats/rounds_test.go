package threats

import (
	"crypto/rand"
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest/receiver"
	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/internal/passkeytest"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/smtptest"
)

// shownInRounds says for each purpose of a master secret's keys how the rounds show that earlier
// values still work. A new purpose must be added here. "in flight" are values that browsers and
// programs hold for minutes; secret.TestSealedValuesOpenOnlyWhereTheyBelong shows for all of them
// that both secrets open them while both are given.
var shownInRounds = map[secret.Purpose]string{
	secret.SigningKey: "access tokens of before, at userinfo", secret.UpstreamSecret: "coming from a provider",
	secret.TOTP: "people with an app", secret.RecoveryCodes: "their codes", secret.Passkey: "somebody with a passkey",
	secret.Mail: "a mail that waited", secret.MailedCode: "invitations, and a code that is typed",
	secret.DeviceRequest:        "sealed anew with the others: reseal.TestAllThatIsStoredIsSealedAnew",
	secret.AuthorizationRequest: "a sign-in under way", secret.AuthorizationCode: "a code",
	secret.PushedRequest: "in flight",
	secret.AccessToken:   "an opaque token",
	secret.RefreshToken:  "refreshing in each round", secret.PendingSignIn: "a first factor",
	secret.PasskeyChallenge: "a challenge",
	secret.LogoutRequest:    "in flight", secret.LogoutPosted: "in flight", secret.AuthSession: "in flight",
	secret.TOTPSetup:    "in flight",
	secret.UpstreamTrip: "in flight", secret.UpstreamPosted: "in flight", secret.UpstreamStranger: "in flight",
	secret.AuthorizedOnce: "in flight", secret.DeveloperPage: "in flight",
	secret.Disavowal: "in flight, for a week: round 3 is long after round 2", secret.ResetReview: "in flight",
	secret.KnownBrowser: "counts guesses only", secret.FirstAdministrator: "the first start only",
	secret.RefusedForm: "in flight", secret.TypedName: "in flight", secret.ShownCodes: "in flight",
	secret.ShownAPIKey: "in flight", secret.ConsoleNotice: "in flight",
	secret.ConsoleUse: "in flight", secret.ConsoleCursor: "in flight",
	secret.ListCursor: "in flight", secret.ActingTicket: "in flight",
	secret.GatewaySession: "in flight; later, users sign in again", secret.GatewayTrip: "in flight",
	secret.WebhookSecret:  "an app that is told of events",
	secret.DelegatedReset: "in flight", secret.DelegatedSignIn: "in flight",
	secret.DelegatedSession:  "in flight; later, users sign in again",
	secret.AppSession:        "sealed anew with the others: reseal.TestAllThatIsStoredIsSealedAnew",
	secret.PairwiseKey:       "sealed anew with the others: provider.TestPairwiseSubjectsSurviveSecrets",
	secret.AppUserToken:      "in flight, for JWT_KEY_EXP; later, users sign in again",
	secret.ImportedFile:      "in flight; an import whose file does not open ends, and says so",
	secret.DPoPNonce:         "in flight; a client gets another",
	secret.TokenOrigin:       "in flight; a client exchanges its token anew",
	secret.RepeatableRequest: "in flight, for a day: after that no answer is repeated",
}

func TestThreatRoundsShowEveryPurpose(t *testing.T) {
	for p := range secret.Purposes() {
		if shownInRounds[p] == "" {
			t.Errorf("%s: what becomes of it when the master secret is replaced? See shownInRounds", p)
		}
	}
}

// TestMasterSecretIsReplacedInRounds follows docs/secrets.md, with one row of every sealed kind
// in the database and one value of most other kinds in use.
func TestMasterSecretIsReplacedInRounds(t *testing.T) {
	for _, production := range []bool{false, true} {
		t.Run(map[bool]string{false: "embedded", true: "production"}[production], func(t *testing.T) {
			t.Parallel()
			w := newRounds(t, production)
			w.makeRows()
			for round, secrets := range []string{w.old + "," + w.new, w.new + "," + w.old, w.new} {
				w.begin()
				if secrets == w.new {
					w.refusedAtOnce(t)
					w.s.Command(t, "", "secret", "reseal", "--no-wait")
				}
				w.restart(secrets)
				w.finish(round)
				w.useRows(round)
			}
			w.mailThatWaited()
			w.lostSecret()
		})
	}
}

// rounds is a server whose master secret is replaced.
type rounds struct {
	*testing.T
	s        *vouchsafetest.Server
	api      *vouchsafetest.API
	mails    *smtptest.Server
	google   *vouchsafetest.StandIn
	old, new string

	apps     []*withApp             // one for each round, and one for the end
	invited  []string               // links
	signedIn *vouchsafetest.Browser // since before
	device   *passkeytest.Key       // of a person
	access   string                 // a JWT
	refresh  string                 // the newest
	social   fakeidp.Person         // linked
	waiting  string                 // the user for which a mail waits
	told     *receiver.App          // is told of new users
	hook     string                 // its secret
	flight   func(*rounds, int)     // finishes what was begun
}

// withApp is a user with an authenticator app and recovery codes.
type withApp struct {
	vouchsafetest.Person
	seed  string
	codes []string
	used  time.Time // the time step of the last code
	// trusted is a browser that is not asked for a second factor.
	trusted *vouchsafetest.Browser
}

func newRounds(t *testing.T, production bool) *rounds {
	w := &rounds{T: t, mails: smtptest.Start(t), old: rand.Text() + rand.Text(), new: rand.Text() + rand.Text()}
	w.s = vouchsafetest.Start(t, vouchsafetest.Options{Production: production, Env: map[string]string{
		"VOUCHSAFE_SECRET": w.old, "VOUCHSAFE_SMTP_URL": w.mails.URL, "VOUCHSAFE_MAIL_FROM": "no-reply@id.example",
		// Starting takes long on a busy machine.
		"VOUCHSAFE_ALLOW_PRIVATE_FETCH": "true",
		"VOUCHSAFE_CODE_LIFETIME":       "10m", "VOUCHSAFE_ACCESS_TOKEN_LIFETIME": "1h",
		"VOUCHSAFE_REFRESH_TOKEN_GRACE": "1m",
	}})
	w.api = w.s.API(t)
	w.google = vouchsafetest.NewStandIn(t, fakeidp.Google, nil)
	w.s.ApplyTenant(t, map[string]any{"upstreams": []any{w.google.Upstream}})
	return w
}

func (w *rounds) restart(secrets string) {
	w.Helper()
	if err := w.s.Stop(); err != nil {
		w.Fatal(err)
	}
	w.s.Set("VOUCHSAFE_SECRET", secrets)
	w.s.Restart(w)
}

// makeRows stores what has to outlive the secret.
func (w *rounds) makeRows() {
	t := w.T
	for range 4 {
		w.apps = append(w.apps, w.enrol())
		w.invited = append(w.invited, strings.TrimSpace(w.s.Command(t, "", "user", "invite", newAddress("example.com"))))
	}
	w.waiting = newAddress("example.com")
	w.mails.Refuse(w.waiting)
	w.s.Command(t, "", "user", "invite", w.waiting)
	within(t, time.Minute, "the mail is not given up", func() bool {
		return strings.Contains(w.s.Command(t, "", "mail", "dead"), w.waiting)
	})

	w.told = receiver.New(t, nil)
	w.hook = strings.TrimSpace(w.s.Command(t, "", "webhook", "add", w.told.URL, "--kind", "user.added"))
	jo := w.s.Person(t)
	w.signedIn = w.s.Browser(t, jo)
	r := vouchsafetest.NewRequest(web, "scope", "openid offline_access", "prompt", "consent")
	got := w.api.Redeem(t, r, w.signedIn.Code(t, r)).Want(t, 200, "")
	w.access, w.refresh = got.Access(), got.Refresh()
	w.device = addPasskey(t, w.s, w.signedIn)

	w.social = atProvider(newAddress("gmail.com"))
	w.comeFromGoogle()
}

// enrol adds a user with an app, and a browser that is trusted.
func (w *rounds) enrol() *withApp {
	t := w.T
	p := &withApp{Person: w.s.Person(t)}
	r := vouchsafetest.NewRequest(web, "acr_values", mfa)
	b := w.s.Browser(t, p.Person)
	page := b.SignIn(t, b.Get(t, r.Path()), p.Person)
	page = b.Get(t, page.URL.RequestURI()+"&app=1") // rather than a passkey
	key := secretKey.FindStringSubmatch(page.Body)
	if key == nil {
		t.Fatalf("there is no key to set up at %s", page.URL)
	}
	p.seed = strings.ReplaceAll(key[1], " ", "")
	p.used = time.Now()
	code, err := totp.GenerateCode(p.seed, p.used)
	if err != nil {
		t.Fatal(err)
	}
	page = types(t, b, page, code)
	for _, c := range recoveryCode.FindAllStringSubmatch(page.Body, -1) {
		p.codes = append(p.codes, c[1])
	}
	p.trusted = w.s.Browser(t, p.Person)
	page = p.trusted.SignIn(t, p.trusted.Get(t, "/login"), p.Person)
	for _, f := range p.trusted.Get(t, page.URL.RequestURI()+"?recovery=1").Forms(t) {
		if _, ok := f.Fields["code"]; ok {
			f.Fields.Set("code", p.codes[0])
			f.Fields.Set("remember", "1")
			page = p.trusted.Submit(t, f, nil)
		}
	}
	if page.URL.Path != "/" && page.URL.Path != "/account" {
		t.Fatalf("a recovery code led to %s: %d", page.URL, page.Status)
	}
	p.codes = p.codes[1:]
	return p
}

// addPasskey adds a passkey to the account that is signed in.
func addPasskey(t *testing.T, s *vouchsafetest.Server, b *vouchsafetest.Browser) *passkeytest.Key {
	t.Helper()
	page := b.Get(t, "/account/passkeys")
	device := passkeytest.New(t, s.Origin())
	var asked struct {
		State   string          `json:"state"`
		Options json.RawMessage `json:"options"`
	}
	if err := json.Unmarshal([]byte(b.Get(t, "/account/passkeys/options").Body), &asked); err != nil {
		t.Fatal(err)
	}
	fields := page.Forms(t)[0].Fields
	form := url.Values{"form": fields["form"], "session": fields["session"], "state": {asked.State},
		"answer": {string(device.Register(t, asked.Options))}, "name": {"phone"}}
	if page := b.Post(t, "/account/passkeys", form); page.Status != 200 ||
		!strings.Contains(page.URL.RawQuery, "passkey-added") {
		t.Fatalf("a passkey: got %d at %s", page.Status, page.URL)
	}
	return device
}

func (w *rounds) comeFromGoogle() {
	w.Helper()
	b := w.s.Browser(w, vouchsafetest.Person{})
	page := b.Take(w, b.Leave(w, fakeidp.Google, w.social))
	if page.URL.Path != "/account" && page.URL.Path != "/" {
		w.Errorf("coming from the provider led to %s: %d %s", page.URL, page.Status, page.Text(w))
	}
}

// begin starts what the next round has to finish.
func (w *rounds) begin() {
	t := w.T
	jo := w.s.Person(t)
	letter := vouchsafetest.NewRequest(web)
	waits := w.s.Browser(t, jo)
	page := waits.Get(t, letter.Path())

	coded := vouchsafetest.NewRequest(web)
	code := w.s.Browser(t, jo).Code(t, coded)

	opaque := vouchsafetest.NewRequest(vouchsafetest.Opaque)
	token := w.api.Redeem(t, opaque, w.s.Browser(t, jo).Code(t, opaque)).Want(t, 200, "").Access()

	forgot := w.s.Browser(t, jo)
	f := forgot.Get(t, "/forgot").Forms(t)[0]
	f.Fields.Set("login", jo.Email)
	reset := forgot.Submit(t, f, firstOf(f))
	mail := w.mails.Next(t, jo.Email)

	half := w.s.Browser(t, w.apps[3].Person)
	second := half.SignIn(t, half.Get(t, "/login"), w.apps[3].Person)
	recovery := w.apps[3].codes[0]
	w.apps[3].codes = w.apps[3].codes[1:]

	w.flight = func(w *rounds, round int) {
		if a := waits.Walk(t, letter, page); a.Code() == "" {
			t.Errorf("round %d: a sign-in that was under way ends at %s: %d", round, a.Page.URL, a.Page.Status)
		}
		w.api.Redeem(t, coded, code).Want(t, 200, "")
		if !w.api.Active(t, vouchsafetest.Opaque, token) {
			t.Errorf("round %d: an opaque token is refused", round)
		}
		f := reset.Forms(t)[0]
		f.Fields.Set("code", mail.Code)
		f.Fields.Set("password", "quite another "+rand.Text())
		if page := forgot.Submit(t, f, firstOf(f)); page.URL.Path != "/reset/done" {
			t.Errorf("round %d: a code that was mailed before leads to %s: %d", round, page.URL, page.Status)
		}
		page := types(t, half, half.Get(t, second.URL.RequestURI()+"?recovery=1"), recovery)
		if page.URL.Path != "/" && page.URL.Path != "/account" {
			t.Errorf("round %d: a second factor after the first leads to %s: %d", round, page.URL, page.Status)
		}
	}
}

func (w *rounds) finish(round int) { w.flight(w, round) }

// useRows signs in with everything that was stored before the first round.
func (w *rounds) useRows(round int) {
	t, p := w.T, w.apps[round]
	for name, code := range map[string]string{"": w.digits(p), "?recovery=1": p.codes[0]} {
		b := w.s.Browser(t, p.Person)
		page := b.SignIn(t, b.Get(t, "/login"), p.Person)
		if page = types(t, b, b.Get(t, page.URL.RequestURI()+name), code); page.URL.Path != "/" &&
			page.URL.Path != "/account" {
			t.Errorf("round %d: the second factor %s leads to %s: %d %s", round, name, page.URL, page.Status, page.Text(t))
		}
	}
	trusted := w.s.Browser(t, p.Person)
	for _, c := range p.trusted.Cookies() {
		if strings.HasSuffix(c.Name, "remembered") || strings.HasSuffix(c.Name, "browser") {
			trusted.SetCookies(append(trusted.Cookies(), c))
		}
	}
	if page := trusted.SignIn(t, trusted.Get(t, "/login"), p.Person); page.URL.Path != "/" && page.URL.Path != "/account" {
		t.Errorf("round %d: a remembered device is asked for a second factor at %s", round, page.URL)
	}
	if page := w.signedIn.Get(t, "/account"); page.URL.Path != "/account" {
		t.Errorf("round %d: the session ended", round)
	}
	if got := w.api.Userinfo(t, w.access); got.Status != 200 {
		t.Errorf("round %d: an access token of before: %d", round, got.Status)
	}
	user := strings.TrimSpace(w.s.Command(t, "", "user", "add", newAddress("example.com")))
	within(t, time.Minute, "the app is not told of a new user", func() bool {
		return slices.ContainsFunc(w.told.Got(), func(e receiver.Told) bool {
			return e.Data.Subject == user && e.SignedBy(w.hook)
		})
	})
	w.refresh = w.api.Renew(t, web, w.refresh).Want(t, 200, "").Refresh()
	w.byPasskey(round)
	w.comeFromGoogle()
	link, err := url.Parse(w.invited[round])
	if err != nil {
		t.Fatal(err)
	}
	b := w.s.Browser(t, vouchsafetest.Person{})
	f := b.Get(t, link.RequestURI()).Forms(t)[0]
	f.Fields.Set("password", "invited "+rand.Text())
	if page := b.Submit(t, f, firstOf(f)); page.Status != 200 || strings.HasPrefix(page.URL.Path, "/signup") {
		t.Errorf("round %d: an invitation leads to %s: %d %s", round, page.URL, page.Status, page.Text(t))
	}
}

// digits returns the code that the app shows, in a time step that was not used.
func (w *rounds) digits(p *withApp) string {
	w.Helper()
	at := time.Now()
	if at.Unix()/30 <= p.used.Unix()/30 {
		at = p.used.Add(30 * time.Second)
	}
	p.used = at
	code, err := totp.GenerateCode(p.seed, at)
	if err != nil {
		w.Fatal(err)
	}
	return code
}

func (w *rounds) byPasskey(round int) {
	t := w.T
	b := w.s.Browser(t, vouchsafetest.Person{})
	page := b.Get(t, "/login")
	var asked struct {
		State   string          `json:"state"`
		Options json.RawMessage `json:"options"`
	}
	if err := json.Unmarshal([]byte(b.Get(t, "/login/passkey").Body), &asked); err != nil {
		t.Fatal(err)
	}
	form := url.Values{"form": page.Forms(t)[0].Fields["form"], "state": {asked.State},
		"answer": {string(w.device.SignIn(t, asked.Options))}}
	if page := b.Post(t, "/login/passkey", form); page.URL.Path != "/" && page.URL.Path != "/account" {
		t.Errorf("round %d: the passkey leads to %s: %d %s", round, page.URL, page.Status, page.Text(t))
	}
}

// refusedAtOnce: a server that gets the new secret alone too early says what is missing.
func (w *rounds) refusedAtOnce(t *testing.T) {
	if err := w.s.Stop(); err != nil {
		t.Fatal(err)
	}
	both := w.s.Setting("VOUCHSAFE_SECRET")
	w.s.Set("VOUCHSAFE_SECRET", w.new)
	if err := w.s.TryRestart(); err == nil || !strings.Contains(err.Error(), "vouchsafe secret reseal") {
		t.Errorf("with the new secret alone it says %v", err)
	}
	w.s.Set("VOUCHSAFE_SECRET", both)
	w.s.Restart(t)
}

func (w *rounds) mailThatWaited() {
	w.mails.Refuse("")
	w.s.Command(w, "", "mail", "retry", "--all")
	if m := w.mails.Next(w, w.waiting); m.Link == "" {
		w.Errorf("the mail that waited has no link: %s", m.Text)
	}
}

// lostSecret: an operator who has lost the secret may start without it. No sign-in then needs less
// proof than before, and no answer is a 500.
func (w *rounds) lostSecret() {
	t, p := w.T, w.apps[3]
	if err := w.s.Stop(); err != nil {
		t.Fatal(err)
	}
	w.s.Set("VOUCHSAFE_SECRET", rand.Text()+rand.Text())
	err := w.s.TryRestart()
	if err == nil {
		t.Fatal("it starts without the secret that all hangs on")
	}
	_, after, _ := strings.Cut(err.Error(), "vouchsafe secret forget ")
	print, _, _ := strings.Cut(after, "\n")
	w.s.Refuses(t, "", "secret", "forget", print)
	w.s.Command(t, "", "secret", "forget", "--yes", print)
	for _, line := range strings.Split(w.s.Command(t, "", "key", "list"), "\n")[1:] {
		if kid, _, _ := strings.Cut(line, " "); kid != "" {
			w.s.Command(t, "", "key", "remove", "--yes", "--", kid)
		}
	}
	w.s.Restart(t)
	b := w.s.Browser(t, p.Person)
	page := b.SignIn(t, b.Get(t, "/login"), p.Person)
	if page = types(t, b, page, w.digits(p)); page.Status != 422 || page.URL.Path != "/second-factor" {
		t.Errorf("a second factor that cannot be read leads to %s: %d", page.URL, page.Status)
	}
	if a := w.s.Browser(t, w.s.Person(t)).Authorize(t, vouchsafetest.NewRequest(web)); a.Code() == "" {
		t.Errorf("a user with a password alone comes to %s: %d", a.Page.URL, a.Page.Status)
	}
}
