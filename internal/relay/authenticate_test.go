package relay

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/outbox"
	"github.com/vouchsafe/vouchsafe/internal/smtptest"
)

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
