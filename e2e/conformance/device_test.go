package conformance

import (
	"context"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// deviceGrant is the grant type of RFC 8628.
const deviceGrant = "urn:ietf:params:oauth:grant-type:device_code"

// tv is a device that waits for its user.
type tv struct {
	*plan
	code, userCode string
}

// turnOn asks for codes, as the app of a device does.
func turnOn(t *testing.T, p *plan, scope string) *tv {
	t.Helper()
	r := p.api.As(t, p.client, "/device_authorization", vouchsafetest.Values("scope", scope)).Want(t, 200, "")
	d := &tv{p, r.String("device_code"), r.String("user_code")}
	letters := regexp.MustCompile(`^[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}$`)
	if !letters.MatchString(d.userCode) || len(d.code) < 43 ||
		r.String("verification_uri") != p.Issuer+"/device" ||
		fmt.Sprintf("%v %v", r.Body["expires_in"], r.Body["interval"]) != "600 5" {
		t.Fatalf("got %s, want the codes and where to type one", r.Raw)
	}
	if r.Body["verification_uri_complete"] != nil {
		t.Error("a link has the code: an attacker can send it to a victim")
	}
	return d
}

// asks asks for tokens once.
func (d *tv) asks(t *testing.T, more ...string) *vouchsafetest.Reply {
	t.Helper()
	return d.api.Token(t, d.client, append([]string{"grant_type", deviceGrant, "device_code", d.code}, more...)...)
}

// waits asks until the user has decided, at the interval that it was told.
func (d *tv) waits(t *testing.T) *vouchsafetest.Reply {
	t.Helper()
	for {
		r := d.asks(t)
		if r.Error() != "authorization_pending" && r.Error() != "slow_down" {
			return r
		}
		time.Sleep(5 * time.Second)
	}
}

// typed has the user type the code, and returns where that leads.
func typed(t *testing.T, b *vouchsafetest.Browser, code string) *vouchsafetest.Page {
	t.Helper()
	page := b.Get(t, "/device")
	for _, f := range page.Forms(t) {
		if f.Fields.Has("code") {
			f.Fields.Set("code", code)
			return b.Submit(t, f, nil)
		}
	}
	t.Fatalf("the page has no field for the code:\n%s", page.Text(t))
	return nil
}

// decides has the user type the code and go through all pages to the end.
func (d *tv) decides(t *testing.T, b *vouchsafetest.Browser, code string) (seen []string, end *vouchsafetest.Page) {
	t.Helper()
	a := b.Walk(t, vouchsafetest.Plain(vouchsafetest.Web), typed(t, b, code))
	return a.Shown, a.Page
}

// TestDevice: RFC 8628, as a device, its user and an attacker go through it.
func TestDevice(t *testing.T) {
	run(t, "", vouchsafetest.TV, []module{
		{"a user allows a device", allowsDevice}, {"a user denies a device", deniesDevice},
		{"a device stays connected", staysConnected}, {"a device asks too often", asksTooOften},
		{"two users allow one device", allowedTwice}, {"golang.org/x/oauth2", oauth2Device},
		{"what is not a device's", notTheDevices}, {"a device that asks for nothing", asksForNothing},
		{"what ends before the device asks", endsBefore},
	})
}

func allowsDevice(t *testing.T, p *plan) {
	d := turnOn(t, p, "openid email")
	d.asks(t).Want(t, 400, "authorization_pending")
	b := p.browser(t)
	wrong := typed(t, b, "BBBB-BBBB")
	if wrong.Status != 422 || !strings.Contains(wrong.Text(t), "This code doesn’t work.") {
		t.Errorf("a wrong code: got %d %s", wrong.Status, wrong.Text(t))
	}
	lower := strings.ToLower(strings.ReplaceAll(d.userCode, "-", " "))
	asked := b.Walk(t, vouchsafetest.Plain(vouchsafetest.Web), typed(t, p.browser(t), "")) // an empty code leads nowhere
	if asked.Page.URL.Path != "/device" {
		t.Errorf("no code: got %s", asked.Page.URL)
	}
	page := typed(t, b, lower)
	page = b.SignIn(t, page, b.Person)
	for _, want := range []string{"The TV app", d.userCode, "If someone sent you the code",
		"from the address 127."} {
		if !strings.Contains(page.Text(t), want) {
			t.Errorf("the page before the user allows lacks %q:\n%s", want, page.Text(t))
		}
	}
	end := b.Walk(t, vouchsafetest.Plain(vouchsafetest.Web), page).Page
	if end.URL.Path != "/device/done" || !strings.Contains(end.Text(t), "Your device is connected") {
		t.Fatalf("got %s, want the page that says it is done:\n%s", end.URL, end.Text(t))
	}
	if again := typed(t, b, d.userCode); again.Status != 422 {
		t.Errorf("the code once more: got %d, want it refused", again.Status)
	}
	got := d.waits(t).Want(t, 200, "")
	if info := p.api.Userinfo(t, got.Access()); info.String("email") != b.Person.Email {
		t.Errorf("got %s, want the user's claims", info.Raw)
	}
	next := p.api.Renew(t, p.client, got.Refresh()).Want(t, 200, "")
	d.asks(t).Want(t, 400, "invalid_grant")
	if info := p.api.Userinfo(t, next.Access()); info.Status != 401 {
		t.Errorf("a device code was used twice, and its tokens live: got %d", info.Status)
	}
}

func deniesDevice(t *testing.T, p *plan) {
	d, b := turnOn(t, p, "openid email"), p.browser(t)
	b.Deny = true
	if _, end := d.decides(t, b, d.userCode); !strings.Contains(end.Text(t), "The device isn’t connected") {
		t.Errorf("got %s:\n%s", end.URL, end.Text(t))
	}
	d.asks(t).Want(t, 400, "access_denied")
	b.Deny = false
	if p := typed(t, b, d.userCode); p.Status != 422 {
		t.Errorf("got %d, want a code that was denied refused", p.Status)
	}
	// Allowing one device allows no other, also none whose code was typed before: the user is asked for each.
	waiting := turnOn(t, p, "openid email")
	open := typed(t, b, waiting.userCode)
	d = turnOn(t, p, "openid email")
	d.decides(t, b, d.userCode)
	again := b.Get(t, open.URL.String())
	if again.URL.Path != "/consent" || !strings.Contains(again.Text(t), waiting.userCode) {
		t.Fatalf("got %s, want the user asked about each device", again.URL)
	}
	for _, past := range []string{"/authorize?" + again.URL.RawQuery, "/authorize?" + again.URL.RawQuery + "&allow=1",
		"/authorize?" + again.URL.RawQuery + "&allow=" + again.URL.Query().Get("i")} {
		if page := b.Get(t, past); page.URL.Path != "/consent" {
			t.Errorf("%s: got %s, want the user asked", past, page.URL)
		}
	}
	waiting.asks(t).Want(t, 400, "authorization_pending")
}

// staysConnected: signing out in the browser does not turn the TV off, if the user agreed.
func staysConnected(t *testing.T, p *plan) {
	d, b := turnOn(t, p, "openid email offline_access"), p.browser(t)
	d.decides(t, b, d.userCode)
	got := d.waits(t).Want(t, 200, "")
	b.ConfirmSignOut(t, b.Get(t, "/logout"))
	p.api.Renew(t, p.client, got.Refresh()).Want(t, 200, "")
}

func asksTooOften(t *testing.T, p *plan) {
	d := turnOn(t, p, "openid email")
	d.asks(t).Want(t, 400, "authorization_pending")
	d.asks(t).Want(t, 400, "slow_down")
	d.asks(t, "scope", "openid email profile phone").Want(t, 400, "slow_down")
	// One that goes on too fast is told so, and is not shut out: it hears of the user, too.
	for end := time.Now().Add(time.Minute); d.asks(t).Error() != "authorization_pending"; {
		if time.Now().After(end) {
			t.Fatal("a device that asked too often is told to slow down for ever")
		}
		time.Sleep(500 * time.Millisecond)
	}
	d.decides(t, p.browser(t), d.userCode)
	d.asks(t).Want(t, 200, "")
}

// asksForNothing: without scopes there is nothing to consent to, and the user is asked all the same, each time.
func asksForNothing(t *testing.T, p *plan) {
	b := p.browser(t)
	for range 2 {
		d := turnOn(t, p, "")
		seen, end := d.decides(t, b, d.userCode)
		if !slices.Contains(seen, "/consent") || end.URL.Path != "/device/done" {
			t.Errorf("got %v to %s, want the user asked", seen, end.URL)
		}
		if got := d.waits(t).Want(t, 200, ""); got.Body["id_token"] != nil {
			t.Error("a device that did not ask for openid has an ID token")
		}
	}
}

// endsBefore: what ended between the user's decision and the device's next question gives no tokens.
func endsBefore(t *testing.T, p *plan) {
	b := p.Browser(t, p.Person(t))
	d := turnOn(t, p, "openid email offline_access")
	d.decides(t, b, d.userCode)
	p.Command(t, "", "user", "disable", b.Person.Email)
	d.waits(t).Want(t, 400, "expired_token")
	p.Command(t, "", "user", "enable", b.Person.Email)
	d.asks(t).Want(t, 400, "expired_token")
}

// allowedTwice: of two users who type one code at the same time, one connects the device.
func allowedTwice(t *testing.T, p *plan) {
	d := turnOn(t, p, "openid email")
	var pages [2]*vouchsafetest.Page
	var browsers [2]*vouchsafetest.Browser
	for i := range pages {
		browsers[i] = p.Browser(t, p.Person(t))
		pages[i] = browsers[i].SignIn(t, typed(t, browsers[i], d.userCode), browsers[i].Person)
	}
	var done [2]bool
	var all sync.WaitGroup
	for i := range pages {
		all.Go(func() {
			end := browsers[i].Walk(t, vouchsafetest.Plain(vouchsafetest.Web), pages[i]).Page
			done[i] = strings.Contains(end.Text(t), "Your device is connected")
		})
	}
	all.Wait()
	if done[0] == done[1] {
		t.Fatalf("got %v, want one of the two", done)
	}
	who := browsers[0]
	if done[1] {
		who = browsers[1]
	}
	got := d.waits(t).Want(t, 200, "")
	if info := p.api.Userinfo(t, got.Access()); info.String("email") != who.Person.Email {
		t.Errorf("got %s, want who was told so", info.Raw)
	}
}

func notTheDevices(t *testing.T, p *plan) {
	d := turnOn(t, p, "openid email")
	other := *d.plan
	other.client = vouchsafetest.Console
	(&tv{&other, d.code, ""}).asks(t).Want(t, 400, "invalid_grant")
	for name, q := range map[string]url.Values{
		"no code":       vouchsafetest.Values("grant_type", deviceGrant),
		"an unknown":    vouchsafetest.Values("grant_type", deviceGrant, "device_code", strings.Repeat("A", 52)),
		"the user code": vouchsafetest.Values("grant_type", deviceGrant, "device_code", d.userCode),
	} {
		if r := p.api.As(t, p.client, "/token", q); r.Status != 400 {
			t.Errorf("%s: got %d %s", name, r.Status, r.Raw)
		}
	}
	p.api.As(t, vouchsafetest.Web, "/device_authorization", vouchsafetest.Values("scope", "openid")).
		Want(t, 400, "unauthorized_client")
	p.api.As(t, p.client, "/device_authorization", vouchsafetest.Values("scope", "reports:read")).
		Want(t, 400, "invalid_scope")
	p.api.As(t, vouchsafetest.Client{"client_id": "none-such", "token_endpoint_auth_method": "none"},
		"/device_authorization", vouchsafetest.Values("scope", "openid")).Want(t, 401, "invalid_client")
	// The page takes no code from its address: a link is not enough.
	b := p.browser(t)
	for _, f := range b.Get(t, "/device?code="+d.userCode+"&user_code="+d.userCode).Forms(t) {
		if f.Fields.Get("code") != "" {
			t.Errorf("the address gave the code: %v", f.Fields)
		}
	}
	// An authorization request cannot pretend to be a device's.
	a := b.Authorize(t, vouchsafetest.NewRequest(vouchsafetest.Web, "request_uri", "device:"+strings.Repeat("0", 64)))
	if a.Error() != "request_uri_not_supported" {
		t.Errorf("got %v at %s, want request_uri_not_supported", a.Params, a.Page.URL)
	}
	d.asks(t).Want(t, 400, "authorization_pending") // all of that has harmed the device in nothing
}

// oauth2Device: the library of Go's own repositories, by its documentation.
func oauth2Device(t *testing.T, p *plan) {
	ctx := context.WithValue(t.Context(), oauth2.HTTPClient, p.HTTP(t))
	issuer, err := oidc.NewProvider(ctx, p.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	app := oauth2.Config{ClientID: p.client.ID(), Endpoint: issuer.Endpoint(), Scopes: []string{"openid", "email"}}
	codes, err := app.DeviceAuth(ctx)
	if err != nil {
		t.Fatal(err)
	}
	b := p.browser(t)
	(&tv{plan: p}).decides(t, b, codes.UserCode)
	got, err := app.DeviceAccessToken(ctx, codes)
	if err != nil {
		t.Fatal(err)
	}
	user, err := issuer.UserInfo(ctx, app.TokenSource(ctx, got))
	if err != nil || user.Email != b.Person.Email {
		t.Errorf("got %v, %v, want the user who allowed the device", user, err)
	}
}
