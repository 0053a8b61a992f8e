package relay

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	netmail "net/mail"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/outbox"
	"github.com/vouchsafe/vouchsafe/internal/smtptest"
)

const acme = "Acme <no-reply@example.com>"

// through sends by a server that follows a script, as if the server were on another machine.
func through(t *testing.T, script smtptest.Script, from string) (*SMTP, *smtptest.Scripted) {
	t.Helper()
	conf, roots := authority(t)
	script.TLS = conf
	if script.Encrypted == nil {
		script.Encrypted = script.Offers
	}
	script.Offers = append([]string{"STARTTLS"}, script.Offers...)
	srv := smtptest.Follow(t, "127.0.0.1:0", script)
	return sends(t, "smtp://vouchsafe:right%2Fpassword@"+relayName+":25", from, roots, srv), srv
}

// sends sends as the URL says, but connects to the server.
func sends(t *testing.T, rawURL, from string, roots *x509.CertPool, srv *smtptest.Scripted) *SMTP {
	t.Helper()
	s, err := NewSMTP(rawURL, from, &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots})
	if err != nil {
		t.Fatal(err)
	}
	s.dial = srv.Addr
	return s
}

var right = map[string]smtptest.Auth{
	"PLAIN": smtptest.Plain("vouchsafe", "right/password"), "LOGIN": smtptest.Login("vouchsafe", "right/password"),
	"SCRAM-SHA-256": scram("right/password"),
}

// scram accepts a password by SCRAM-SHA-256 (RFC 7677), for every user.
func scram(password string) smtptest.Auth {
	return func(_ string, ask func(string) string) string {
		mac := func(key []byte, text string) []byte {
			h := hmac.New(sha256.New, key)
			h.Write([]byte(text))
			return h.Sum(nil)
		}
		bare := strings.TrimPrefix(ask(""), "n,,")
		_, nonce, _ := strings.Cut(bare, ",r=")
		first := "r=" + nonce + "server,s=" + base64.StdEncoding.EncodeToString([]byte("salt")) + ",i=4096"
		final := ask(first)
		bound, proof, _ := strings.Cut(final, ",p=")
		salted, err := pbkdf2.Key(sha256.New, password, []byte("salt"), 4096, sha256.Size)
		if err != nil {
			return "454 4.7.0 no"
		}
		signed := bare + "," + first + "," + bound
		clientKey := mac(salted, "Client Key")
		stored := sha256.Sum256(clientKey)
		want := mac(stored[:], signed)
		for i := range want {
			want[i] ^= clientKey[i]
		}
		if base64.StdEncoding.EncodeToString(want) != proof {
			return "535 5.7.8 wrong"
		}
		ask("v=" + base64.StdEncoding.EncodeToString(mac(mac(salted, "Server Key"), signed)))
		return "235 2.7.0 welcome"
	}
}

func with(change map[string]smtptest.Auth) map[string]smtptest.Auth {
	all := map[string]smtptest.Auth{}
	for name, way := range right {
		all[name] = way
	}
	for name, way := range change {
		all[name] = way
	}
	return all
}

// TestWaysToAuthenticateAreTriedInTurn, against servers that behave as users have reported.
func TestWaysToAuthenticateAreTriedInTurn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		offers []string
		auth   map[string]smtptest.Auth
		tried  string // the mechanisms, in turn
		wrong  string // what the error says; "" for none
	}{
		"NTLM is offered first": {[]string{"AUTH NTLM GSSAPI LOGIN"}, nil, "LOGIN", ""},
		"SCRAM":                 {[]string{"AUTH PLAIN SCRAM-SHA-256"}, nil, "SCRAM-SHA-256", ""},
		"SCRAM is refused": {[]string{"AUTH SCRAM-SHA-256 SCRAM-SHA-1 LOGIN PLAIN"},
			map[string]smtptest.Auth{"SCRAM-SHA-256": smtptest.Say("535 5.7.8 no")}, "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN", ""},
		"PLAIN is offered and unknown": {[]string{"AUTH LOGIN PLAIN"},
			map[string]smtptest.Auth{"PLAIN": smtptest.Say("502 Invalid input")}, "PLAIN LOGIN", ""},
		"PLAIN fails": {[]string{"AUTH LOGIN PLAIN"},
			map[string]smtptest.Auth{"PLAIN": smtptest.Say("553 5.3.0 Auth failure")}, "PLAIN LOGIN", ""},
		"PLAIN is not recognized": {[]string{"AUTH PLAIN LOGIN"}, map[string]smtptest.Auth{"PLAIN": nil}, "PLAIN LOGIN", ""},
		"PLAIN is hung up on": {[]string{"AUTH PLAIN LOGIN"},
			map[string]smtptest.Auth{"PLAIN": smtptest.Say(smtptest.HangUp)}, "PLAIN LOGIN", ""},
		"PLAIN closes the channel": {[]string{"AUTH PLAIN LOGIN"},
			map[string]smtptest.Auth{"PLAIN": smtptest.Say("421 4.7.0 bye")}, "PLAIN LOGIN", ""},
		"the old spelling":    {[]string{"AUTH=LOGIN PLAIN"}, nil, "PLAIN", ""},
		"both spellings":      {[]string{"AUTH LOGIN", "AUTH=LOGIN"}, nil, "LOGIN", ""},
		"small letters":       {[]string{"auth login"}, nil, "LOGIN", ""},
		"NTLM alone, refused": {[]string{"AUTH NTLM"}, nil, "NTLM", "AUTH NTLM: 504"},
		"none is known":       {[]string{"AUTH GSSAPI X-OWN"}, nil, "", "takes GSSAPI, X-OWN alone"},
		"none is offered":     {[]string{"8BITMIME"}, nil, "", "offers no AUTH"},
		"an empty offer":      {[]string{"AUTH"}, nil, "", "offers no AUTH"},
		"all are refused": {
			[]string{"AUTH PLAIN LOGIN"},
			map[string]smtptest.Auth{"PLAIN": smtptest.Say("535 5.7.8 wrong"),
				"LOGIN": smtptest.Say("535 5.7.3 Authentication unsuccessful")},
			"PLAIN LOGIN", "AUTH LOGIN: 535 5.7.3 Authentication unsuccessful",
		},
		"it asks for ever": {[]string{"AUTH LOGIN"},
			map[string]smtptest.Auth{"LOGIN": func(_ string, ask func(string) string) string {
				for range 100 {
					ask("Username:")
				}
				return "235 2.7.0 welcome"
			}}, "LOGIN", "AUTH LOGIN: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, srv := through(t, smtptest.Script{Offers: c.offers, Auth: with(c.auth)}, acme)
			err := s.Send(t.Context(), aMessage)
			if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("got %v, want an error of %q", err, c.wrong)
			}
			if errors.Is(err, outbox.ErrPermanent) || err != nil && strings.Contains(err.Error(), "right") {
				t.Errorf("got %v: it is no fault of the mail, and quotes no password", err)
			}
			var tried []string
			for _, line := range srv.Begin("AUTH ") {
				tried = append(tried, strings.Fields(line)[1])
			}
			if got := strings.Join(tried, " "); got != c.tried {
				t.Errorf("it tried %q, want %q", got, c.tried)
			}
			if err != nil {
				return
			}
			if err := s.Send(t.Context(), aMessage); err != nil {
				t.Error(err)
			}
			if again := srv.Begin("AUTH ")[len(tried):]; len(again) != 1 || strings.Fields(again[0])[1] != tried[len(tried)-1] {
				t.Errorf("the next mail tried %q, want at once what was taken the last time", again)
			}
		})
	}
}

// TestPromptsForPeople: LOGIN is not standardised, and some servers send their prompts without
// base64.
func TestPromptsForPeople(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"AUTH LOGIN": "334 Username:", base64.StdEncoding.EncodeToString([]byte("vouchsafe")): "334 Password:",
		base64.StdEncoding.EncodeToString([]byte("right/password")): "235 welcome",
	}
	s, srv := through(t, smtptest.Script{Offers: []string{"AUTH LOGIN"}, Answer: func(line string) string {
		return answers[line]
	}}, acme)
	if err := s.Send(t.Context(), aMessage); err != nil || len(srv.Mails()) != 1 {
		t.Errorf("got %v, and %d mails", err, len(srv.Mails()))
	}
}

// TestServersFromBeforeExtensions are greeted with HELO: some relays on the same machine are that
// old.
func TestServersFromBeforeExtensions(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{"500 what?", "501 Syntax error", "502 5.5.1 not implemented", "504 no"} {
		srv := smtptest.Follow(t, "127.0.0.1:0", smtptest.Script{Answer: func(line string) string {
			if strings.HasPrefix(line, "EHLO") {
				return answer
			}
			return ""
		}})
		if err := sends(t, "smtp://127.0.0.1", acme, nil, srv).Send(t.Context(), aMessage); err != nil ||
			len(srv.Begin("HELO ")) != 1 || len(srv.Mails()) != 1 {
			t.Errorf("%s: got %v, %v", answer, err, srv.Lines())
		}
	}
}

// TestClearTextIsForThisMachineAlone.
func TestClearTextIsForThisMachineAlone(t *testing.T) {
	t.Parallel()
	conf, _ := smtptest.Certificate(t, "somebody.example") // of another name and by an authority that is not trusted
	const user = "vouchsafe:right%2Fpassword@"
	for name, c := range map[string]struct {
		script         smtptest.Script
		host           string
		sent, password bool
	}{
		"127.0.0.1": {smtptest.Script{Offers: []string{"AUTH PLAIN"}, Auth: right},
			"127.0.0.1", true, true},
		"localhost": {smtptest.Script{Offers: []string{"AUTH LOGIN"}, Auth: right},
			"localhost", true, true},
		"without a user": {smtptest.Script{}, "127.0.0.1", true, false},
		"a certificate of its own": {smtptest.Script{Offers: []string{"STARTTLS"}, Encrypted: []string{"AUTH PLAIN"},
			Auth: right, TLS: conf}, "127.0.0.1", true, true},
		"elsewhere": {smtptest.Script{Offers: []string{"AUTH PLAIN"}, Auth: right},
			relayName, false, false},
		"elsewhere, without a user": {smtptest.Script{}, relayName, false, false},
		"elsewhere, another's certificate": {smtptest.Script{Offers: []string{"STARTTLS"}, Encrypted: []string{"AUTH PLAIN"},
			Auth: right, TLS: conf}, relayName, false, false},
		"elsewhere, STARTTLS does not work": {smtptest.Script{Offers: []string{"STARTTLS"}, Answer: func(line string) string {
			return map[string]string{"STARTTLS": "454 4.7.0 TLS not available"}[line]
		}}, relayName, false, false},
		"elsewhere, TLS is stripped off": {smtptest.Script{Offers: []string{"XXXXXXXX", "AUTH PLAIN"}, Auth: right},
			relayName, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := smtptest.Follow(t, "127.0.0.1:0", c.script)
			as := user
			if !c.password && c.sent {
				as = ""
			}
			err := sends(t, "smtp://"+as+c.host+":25", acme, nil, srv).Send(t.Context(), aMessage)
			if (err == nil) != c.sent || len(srv.Mails()) == 1 != c.sent {
				t.Errorf("got %v, and %d mails", err, len(srv.Mails()))
			}
			if got := len(srv.Begin("AUTH")) > 0; got != c.password {
				t.Errorf("it authenticated: %v", got)
			}
			if !c.sent && len(srv.Begin("MAIL")) > 0 {
				t.Error("it revealed the sender of the mail")
			}
			if strings.HasSuffix(name, "stripped off") && !errors.Is(err, errNoTLS) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestWhatIsCalledThisMachineIsIt: a name of this machine must not lead elsewhere, even if an
// attacker controls the name server.
func TestWhatIsCalledThisMachineIsIt(t *testing.T) {
	t.Parallel()
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addrs {
		ip, ok := a.(*net.IPNet)
		if !ok || ip.IP.IsLoopback() || ip.IP.To4() == nil {
			continue
		}
		srv := smtptest.Follow(t, ip.IP.String()+":0", smtptest.Script{Offers: []string{"AUTH PLAIN"}, Auth: right})
		if err := sends(t, "smtp://vouchsafe:right%2Fpassword@localhost", acme, nil, srv).Send(t.Context(),
			aMessage); err == nil || len(srv.Lines()) > 0 {
			t.Errorf("got %v, and it was told %v", err, srv.Lines())
		}
		return
	}
	t.Skip("this machine has loopback addresses alone")
}

// TestAnAttackerBeforeTLSSaysNothing: answers that arrive before TLS do not count after it.
func TestAnAttackerBeforeTLSSaysNothing(t *testing.T) {
	t.Parallel()
	s, srv := through(t, smtptest.Script{Offers: []string{"AUTH PLAIN"}, Auth: right, Answer: func(line string) string {
		return map[string]string{"STARTTLS": "220 go ahead\n250-mail.example.com\n250 AUTH LOGIN"}[line]
	}}, acme)
	if err := s.Send(t.Context(), aMessage); err == nil || len(srv.Begin("AUTH")) > 0 {
		t.Errorf("got %v, and %v", err, srv.Lines())
	}
}

// TestAServerThatSaysNoEndIsLeft: an endless answer ends the conversation.
func TestAServerThatSaysNoEndIsLeft(t *testing.T) {
	t.Parallel()
	s, _ := through(t, smtptest.Script{Answer: func(line string) string {
		if strings.HasPrefix(line, "EHLO") {
			return strings.Repeat("250-"+strings.Repeat("x", 1000)+"\n", 4000) + "250 STARTTLS"
		}
		return ""
	}}, acme)
	if err := s.Send(t.Context(), aMessage); err == nil {
		t.Error("4 MB of answer were read")
	}
}

// TestUnicodeIsAskedForWhereItIsNeeded, because servers further on may not support it.
func TestUnicodeIsAskedForWhereItIsNeeded(t *testing.T) {
	t.Parallel()
	knows, not := []string{"SMTPUTF8", "8BITMIME", "AUTH PLAIN"}, []string{"8BITMIME", "AUTH PLAIN"}
	for name, c := range map[string]struct {
		offers           []string
		from, to         string
		mail, rcpt       string
		failed, for_good bool
	}{
		"letters of ASCII": {knows, acme, "jo@example.com", "MAIL FROM:<no-reply@example.com>",
			"RCPT TO:<jo@example.com>", false, false},
		"a subject and a name that do not": {knows, "Büro <no-reply@example.com>", "jo@example.com",
			"MAIL FROM:<no-reply@example.com>", "RCPT TO:<jo@example.com>", false, false},
		"a recipient": {knows, acme, "jörg@example.com", "MAIL FROM:<no-reply@example.com> SMTPUTF8",
			"RCPT TO:<jörg@example.com>", false, false},
		"a sender": {knows, "büro@example.com", "jo@example.com", "MAIL FROM:<büro@example.com> SMTPUTF8",
			"RCPT TO:<jo@example.com>", false, false},
		"a recipient's domain": {not, acme, "jo@bücher.example", "MAIL FROM:<no-reply@example.com>",
			"RCPT TO:<jo@xn--bcher-kva.example>", false, false},
		"a domain of IDNA 2008": {not, acme, "jo@faß.example", "MAIL FROM:<no-reply@example.com>",
			"RCPT TO:<jo@xn--fa-hia.example>", false, false},
		"a sender's domain": {not, "Bücher <no-reply@Bücher.example>", "jo@example.com",
			"MAIL FROM:<no-reply@xn--bcher-kva.example>", "RCPT TO:<jo@example.com>", false, false},
		"a recipient it cannot have": {not, acme, "jörg@bücher.example", "", "", true, true},
		"a sender it cannot have":    {not, "büro@example.com", "jo@example.com", "", "", true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, srv := through(t, smtptest.Script{Offers: c.offers, Auth: right}, c.from)
			m := *aMessage
			m.To, m.Subject = c.to, "Grüße"
			err := s.Send(t.Context(), &m)
			if (err != nil) != c.failed || errors.Is(err, outbox.ErrPermanent) != c.for_good {
				t.Fatalf("got %v", err)
			}
			if c.failed {
				if !errors.Is(err, errNoUTF8) || len(srv.Begin("MAIL")) > 0 {
					t.Errorf("got %v", err)
				}
				return
			}
			mail, rcpt := strings.Replace(srv.Begin("MAIL")[0], " BODY=8BITMIME", "", 1), srv.Begin("RCPT")[0]
			if mail != c.mail || rcpt != c.rcpt {
				t.Errorf("got %q, %q, want %q, %q", mail, rcpt, c.mail, c.rcpt)
			}
		})
	}
}

// TestHeadersOfAMail: the sender's domain is in A-labels in every header, text outside of ASCII is
// encoded, and no header names the software.
func TestHeadersOfAMail(t *testing.T) {
	t.Parallel()
	s, srv := through(t, smtptest.Script{Offers: []string{"AUTH PLAIN"}, Auth: right}, "Bücher <no-reply@bücher.example>")
	m := *aMessage
	m.Subject, m.Text = "Grüße", "Grüße\n.\nline\n"
	if err := s.Send(t.Context(), &m); err != nil {
		t.Fatal(err)
	}
	raw := srv.Mails()[0]
	if at := strings.IndexFunc(raw, func(r rune) bool { return r > 126 }); at >= 0 {
		t.Errorf("it has what is no ASCII: %q", raw[max(0, at-40):at+10])
	}
	parsed, err := netmail.ReadMessage(bytes.NewBufferString(raw))
	if err != nil {
		t.Fatal(err)
	}
	h := parsed.Header
	if got := h.Get("Message-ID"); got != "<1@xn--bcher-kva.example>" {
		t.Errorf("Message-ID %s", got)
	}
	if from, err := h.AddressList("From"); err != nil || from[0].Address != "no-reply@xn--bcher-kva.example" ||
		from[0].Name != "Bücher" {
		t.Errorf("From %v, %v", from, err)
	}
	for _, name := range []string{"X-Mailer", "User-Agent"} {
		if got := h.Get(name); got != "" {
			t.Errorf("%s: %s", name, got)
		}
	}
	if strings.Contains(strings.ToLower(raw), "go-mail") {
		t.Error("it names a library")
	}
	if hello := strings.TrimPrefix(srv.Begin("EHLO ")[0], "EHLO "); !strings.Contains(hello, ".") {
		t.Errorf("it introduces itself as %q, which servers refuse that want a whole name", hello)
	}
}

func TestSMTPURLs(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{ // where it connects to, and the name that the certificate must have
		"smtp://mail.example.com":  "mail.example.com:587 mail.example.com",
		"smtps://mail.example.com": "mail.example.com:465 mail.example.com",
		"smtp://[::1]:2525":        "[::1]:2525 ::1", "smtps://u:p@[2001:db8::25]": "[2001:db8::25]:465 2001:db8::25",
		"smtp://[fe80::1%25eth0]":       "[fe80::1%eth0]:587 fe80::1",
		"smtp://127.0.0.1:25/":          "127.0.0.1:25 127.0.0.1",
		"smtp://mail.bücher.example":    "mail.xn--bcher-kva.example:587 mail.xn--bcher-kva.example",
		"smtps://mail.example.com.:465": "mail.example.com.:465 mail.example.com",
		"smtp://::1:2525":               "", "smtp://mail.example.com:0": "", "smtp://mail.example.com:70000": "",
		"smtp://mail.example.com:x": "", "mail.example.com:587": "",
		"smtp://": "", "http://mail.example.com": "", "smtp://mail.example.com/inbox": "",
		"smtp://mail.example.com?tls=no": "",
	} {
		s, err := NewSMTP(raw, acme, nil)
		if (err != nil) != (want == "") || err == nil && s.dial+" "+s.tls.ServerName != want {
			t.Errorf("%s: got %+v, %v, want %q", raw, s, err, want)
		}
	}
	for _, from := range []string{"", "Acme", "no-reply@", "a@b@c", "Acme <no-reply@example.com>\r\nBcc: x@example.com",
		"x@bü cher.example", "x@.bücher"} {
		if _, err := NewSMTP("smtp://mail.example.com", from, nil); err == nil {
			t.Errorf("%q is taken for a sender", from)
		}
	}
}

// TestIPv6Servers.
func TestIPv6Servers(t *testing.T) {
	t.Parallel()
	probe, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		t.Skip("this machine has no IPv6")
	}
	_ = probe.Close()
	conf, roots := smtptest.Certificate(t, "::1")
	for scheme, script := range map[string]smtptest.Script{"smtp": {Offers: []string{"AUTH PLAIN"}, Auth: right},
		"smtps": {Encrypted: []string{"AUTH PLAIN"}, Auth: right, TLS: conf, FromStart: true}} {
		srv := smtptest.Follow(t, "[::1]:0", script)
		s, err := NewSMTP(scheme+"://vouchsafe:right%2Fpassword@"+srv.Addr, acme,
			&tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Send(t.Context(), aMessage); err != nil || len(srv.Mails()) != 1 {
			t.Errorf("%s: got %v, and %d mails", scheme, err, len(srv.Mails()))
		}
	}
}

// TestAccessTokensInPlaceOfPasswords, as Microsoft 365 and Google demand.
func TestAccessTokensInPlaceOfPasswords(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	tokens := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		id, secret, _ := r.BasicAuth()
		if id != "mailer" || secret != "secret-of-it" || r.FormValue("grant_type") != "client_credentials" ||
			r.FormValue("scope") != "https://outlook.example/.default" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"error":"invalid_client"}`))
			return
		}
		_, _ = w.Write([]byte(`{"access_token":"token-` + string(rune('0'+asked.Add(1))) +
			`","token_type":"Bearer","expires_in":3600}`))
	}))
	t.Cleanup(tokens.Close)
	live := "token-1"
	verdict := func(ok bool, ask func(string) string) string {
		if ok {
			return "235 2.7.0 welcome"
		}
		ask(`{"status":"401"}`)
		return "535 5.7.3 Authentication unsuccessful"
	}
	auth := map[string]smtptest.Auth{
		"XOAUTH2": func(first string, ask func(string) string) string {
			return verdict(first == "user=vouch@safe\x01auth=Bearer "+live+"\x01\x01", ask)
		},
		"OAUTHBEARER": func(first string, ask func(string) string) string {
			return verdict(first == "n,a=vouch@safe,\x01host="+relayName+"\x01port=25\x01auth=Bearer "+live+"\x01\x01", ask)
		},
		"PLAIN": smtptest.Say("235 2.7.0 welcome"),
	}
	for _, way := range []string{"XOAUTH2", "OAUTHBEARER"} {
		asked.Store(0)
		live = "token-1"
		conf, roots := authority(t)
		srv := smtptest.Follow(t, "127.0.0.1:0",
			smtptest.Script{Offers: []string{"STARTTLS"}, Encrypted: []string{"AUTH PLAIN " + way}, TLS: conf, Auth: auth})
		s := sends(t, "smtp://vouch%40safe@"+relayName+":25", acme, roots, srv)
		s.Tokens = NewTokens(http.DefaultClient, tokens.URL, "mailer", "secret-of-it", "https://outlook.example/.default")
		for range 3 {
			if err := s.Send(t.Context(), aMessage); err != nil {
				t.Fatalf("%s: %v", way, err)
			}
		}
		if got := asked.Load(); got != 1 || len(srv.Begin("AUTH PLAIN")) > 0 {
			t.Errorf("%s: %d tokens were asked for, and %v", way, got, srv.Begin("AUTH"))
		}
		live = "token-2" // the first was revoked
		err := s.Send(t.Context(), aMessage)
		if err == nil || errors.Is(err, outbox.ErrPermanent) || strings.Contains(err.Error(), "token-1") {
			t.Errorf("%s, revoked: got %v", way, err)
		}
		if err := s.Send(t.Context(), aMessage); err != nil {
			t.Errorf("%s, once more: got %v", way, err)
		}
		s.Tokens = NewTokens(http.DefaultClient, tokens.URL, "mailer", "another-secret", "https://outlook.example/.default")
		if err := s.Send(t.Context(), aMessage); err == nil || !strings.Contains(err.Error(), "invalid_client") ||
			strings.Contains(err.Error(), "another-secret") {
			t.Errorf("%s, refused: got %v", way, err)
		}
	}
}

// TestWhatIsToldHoldsNoSecrets: the report of a conversation has no secrets, and has all answers of
// the server.
func TestWhatIsToldHoldsNoSecrets(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"PLAIN", "LOGIN", "SCRAM-SHA-256"} {
		s, srv := through(t, smtptest.Script{Offers: []string{"AUTH " + way}, Auth: right}, acme)
		var told strings.Builder
		if err := s.SendTelling(context.Background(), aMessage, func(sent, answer string) {
			told.WriteString(sent + "\n" + answer + "\n")
		}); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"connecting to ", "220 mail.example.com ESMTP", "EHLO ", "STARTTLS", "TLS 1.3",
			"AUTH " + way, "235 2.7.0 welcome", "RCPT TO:<jo@example.com>", "250 2.0.0 taken"} {
			if !strings.Contains(told.String(), want) {
				t.Errorf("%s: nothing was told of %s:\n%s", way, want, told.String())
			}
		}
		for _, line := range srv.Begin("") {
			if secret := strings.TrimPrefix(line, "AUTH "+way+" "); len(secret) > 20 && !strings.Contains(line, "@") &&
				strings.Contains(told.String(), secret) {
				t.Errorf("%s: it tells %q", way, secret)
			}
		}
		if strings.Contains(told.String(), "right") ||
			strings.Contains(told.String(), base64.StdEncoding.EncodeToString([]byte("right/password"))) {
			t.Errorf("%s: it tells the password:\n%s", way, told.String())
		}
	}
}
