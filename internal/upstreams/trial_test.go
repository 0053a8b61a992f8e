package upstreams

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/vouchsafe/vouchsafe/internal/fakeidp"
	"github.com/vouchsafe/vouchsafe/internal/outbound"
	"github.com/vouchsafe/vouchsafe/people/upstream"
	"github.com/vouchsafe/vouchsafe/storage"
)

const tried = "https://id.example.com/upstream/there/callback"

// said returns the outcomes of steps by their names, and all that they say.
func said(steps []upstream.Step) (outcomes map[string]string, text string) {
	outcomes = map[string]string{}
	for _, s := range steps {
		outcomes[s.Name] = s.Outcome
		text += s.Name + ": " + s.Says + "\n"
	}
	return outcomes, text
}

func TestATrialOfAProviderThatWorks(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{fakeidp.OpenID, fakeidp.Google, fakeidp.Microsoft, fakeidp.Apple, fakeidp.Facebook,
		fakeidp.GitHub, fakeidp.Discord} {
		th := serve(t, kind, time.Minute, nil)
		steps := th.caller.Try(t.Context(), th.Provider, tried)
		if _, text := said(steps); !upstream.Works(steps) || !strings.Contains(text, tried) {
			t.Errorf("%s: got %+v", kind, steps)
		}
	}
}

// TestTrialsDelayNoSignIn has as many trials run as there may be: sign-ins go on, and another trial is put off.
func TestTrialsDelayNoSignIn(t *testing.T) {
	t.Parallel()
	arrived, hold := make(chan struct{}, maxTrials), make(chan struct{})
	hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		arrived <- struct{}{}
		<-hold
	}))
	defer hanging.Close()
	th := serve(t, fakeidp.OpenID, time.Minute, nil)
	slow, err := th.caller.provider(storage.Upstream{ID: "slow", Issuer: hanging.URL, ClientID: "vouchsafe"}, "s3cret")
	if err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	defer running.Wait()
	defer close(hold)
	for range maxTrials {
		running.Go(func() { th.caller.Try(t.Context(), slow.Provider, tried) })
	}
	for range maxTrials {
		<-arrived
	}
	if n := len(th.caller.slots); n > 0 {
		t.Errorf("trials take %d places of users", n)
	}
	steps := th.caller.Try(t.Context(), th.Provider, tried)
	if _, text := said(steps); upstream.Works(steps) || !strings.Contains(text, "Too many trials") {
		t.Errorf("got %+v", steps)
	}
	if _, err := th.AuthURL(t.Context(), newRequest()); err != nil {
		t.Errorf("a user can't sign in: %v", err)
	}
}

func TestATrialSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	metadata := func(change func(map[string]any)) func(*fakeidp.Server, *storage.Upstream) {
		return func(s *fakeidp.Server, _ *storage.Upstream) { s.Metadata = change }
	}
	for name, c := range map[string]struct {
		change     func(*fakeidp.Server, *storage.Upstream)
		step, says string
		outcome    string
	}{
		"another issuer": {metadata(func(m map[string]any) { m["issuer"] = "https://login.example.org/" }),
			"discovery", `names another issuer: "https://login.example.org/"`, upstream.Failed},
		"no keys": {metadata(func(m map[string]any) { delete(m, "jwks_uri") }),
			"discovery", "has no jwks_uri", upstream.Failed},
		"a number as URL": {metadata(func(m map[string]any) { m["token_endpoint"] = 1 }),
			"discovery", "isn't a discovery document", upstream.Failed},
		"no https": {metadata(func(m map[string]any) { m["token_endpoint"] = "javascript:alert(1)" }),
			"discovery", "an endpoint is missing or not https", upstream.Failed},
		"secret algorithms": {metadata(func(m map[string]any) {
			m["id_token_signing_alg_values_supported"] = []string{"HS256", "none"}
		}), "keys", "HS256, none", upstream.Failed},
		"keys elsewhere": {metadata(func(m map[string]any) { m["jwks_uri"] = m["issuer"].(string) + "/none" }),
			"keys", "the answer is 404", upstream.Failed},
		"no such scope": {metadata(func(m map[string]any) { m["scopes_supported"] = []string{"openid", "email"} }),
			"scopes", "doesn't name the scopes profile", upstream.Warning},
		"no PKCE": {metadata(func(m map[string]any) { delete(m, "code_challenge_methods_supported") }),
			"PKCE", "doesn't say that it checks", upstream.Warning},
		"no openid": {func(_ *fakeidp.Server, u *storage.Upstream) { u.Scopes = []string{"profile"} },
			"scopes", "openid is missing", upstream.Failed},
		"another secret": {func(s *fakeidp.Server, _ *storage.Upstream) { s.ClientSecret = "another" },
			"client", "refuses the client", upstream.Failed},
		"another client": {func(s *fakeidp.Server, _ *storage.Upstream) { s.ClientID = "another" },
			"authorization", "doesn't know the client id", upstream.Failed},
		"another path": {func(_ *fakeidp.Server, u *storage.Upstream) { u.Issuer += "/realms/none" },
			"discovery", "answers 404", upstream.Failed},
	} {
		th := serve(t, fakeidp.OpenID, time.Minute, c.change)
		steps := th.caller.Try(t.Context(), th.Provider, tried)
		outcomes, text := said(steps)
		if outcomes[c.step] != c.outcome || !strings.Contains(text, c.says) {
			t.Errorf("%s: want %s of %s with %q, got\n%s", name, c.outcome, c.step, c.says, text)
		}
		if strings.Contains(text, th.Secret) {
			t.Errorf("%s: the secret is told: %s", name, text)
		}
	}
}

// TestATrialSaysWhyNothingAnswers tries names, certificates, clocks and networks.
func TestATrialSaysWhyNothingAnswers(t *testing.T) {
	t.Parallel()
	idp := &fakeidp.Server{Kind: fakeidp.OpenID, ClientID: "vouchsafe", ClientSecret: "s3cret"}
	late := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat))
		idp.ServeHTTP(w, r)
	})
	slow := httptest.NewServer(late)
	defer slow.Close()
	idp.Issuer = slow.URL
	secure := httptest.NewUnstartedServer(late)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // which complains of the handshake
	secure.StartTLS()
	defer secure.Close()
	elsewhere := httptest.NewServer(http.RedirectHandler("https://login.example.org/", http.StatusFound))
	defer elsewhere.Close()
	closed := httptest.NewServer(late)
	closed.Close()
	nameless := answerNames(t)
	for name, c := range map[string]struct {
		issuer string
		reach  outbound.Config
		says   string
	}{
		"a clock":          {slow.URL, outbound.Config{AllowPrivate: true}, "The clocks are 1h0m"},
		"a certificate":    {secure.URL, outbound.Config{AllowPrivate: true}, "an authority that this server doesn't trust"},
		"a redirect":       {elsewhere.URL, outbound.Config{AllowPrivate: true}, "leads elsewhere (status 302)"},
		"no server":        {closed.URL, outbound.Config{AllowPrivate: true}, "refuses the connection"},
		"a private server": {secure.URL, outbound.Config{}, "leads into a private network"},
		"in clear":         {"http://login.example.org", outbound.Config{}, "Only https addresses"},
		"no such name": {"https://no-such-name.example", outbound.Config{Resolver: nameless},
			"The name no-such-name.example doesn't exist"},
	} {
		c.reach.Timeout = 5 * time.Second
		caller := New(outbound.Client(c.reach))
		p, err := caller.provider(storage.Upstream{ID: "there", Issuer: c.issuer, ClientID: "vouchsafe"}, "s3cret")
		if err != nil {
			t.Fatal(err)
		}
		steps := caller.Try(t.Context(), p.Provider, tried)
		_, text := said(steps)
		if upstream.Works(steps) || !strings.Contains(text, c.says) {
			t.Errorf("%s: want %q, got\n%s", name, c.says, text)
		}
		if strings.Contains(text, "s3cret") {
			t.Errorf("%s: too much is told: %s", name, text)
		}
	}
}

// TestATrialTellsNoAddresses has the connection break where the document is read for the second time: the error of the
// network names both ends.
func TestATrialTellsNoAddresses(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	ends := make(chan string, 20)
	th := serve(t, fakeidp.OpenID, time.Minute, nil)
	idp := th.idp
	breaking := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked.Add(1) == 1 {
			w.Header().Set("Connection", "close") // so that the client does not try again
			idp.ServeHTTP(w, r)
			return
		}
		ends <- r.RemoteAddr
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = conn.(*net.TCPConn).SetLinger(0)
		_ = conn.Close()
	}))
	defer breaking.Close()
	idp.Issuer, th.Issuer = breaking.URL, breaking.URL
	steps := th.caller.Try(t.Context(), th.Provider, tried)
	outcomes, text := said(steps)
	if len(ends) == 0 || outcomes["discovery"] != upstream.Failed || !strings.Contains(text, "can't be reached") {
		t.Errorf("got %d broken connections and\n%s", len(ends), text)
	}
	breaking.Close() // no more connections
	for range len(ends) {
		if end := <-ends; strings.Contains(text, end) || strings.Contains(text, "->") {
			t.Errorf("the local address %s is told: %s", end, text)
		}
	}
}

// answerNames returns a resolver whose name server knows no name.
func answerNames(t *testing.T) *net.Resolver {
	t.Helper()
	server, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	go func() {
		buf := make([]byte, 512)
		for {
			n, from, err := server.ReadFrom(buf)
			if err != nil {
				return
			}
			buf[2], buf[3] = 0x81, 0x83 // an answer: there is no such name (RFC 1035 section 4.1.1)
			buf[11] = 0                 // without the additional record of the question
			_, _ = server.WriteTo(buf[:n], from)
		}
	}()
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", server.LocalAddr().String())
	}}
}

// TestATrialQuotesNoFreeText has a provider answer with the secret that it was sent.
func TestATrialQuotesNoFreeText(t *testing.T) {
	t.Parallel()
	for _, code := range []string{"s3cret_Value", "invalid_request"} {
		_, says := clientOutcome(&oauth2.RetrieveError{Response: &http.Response{StatusCode: 400}, ErrorCode: code})
		if strings.Contains(says, "s3cret") {
			t.Errorf("got %s", says)
		}
	}
}
