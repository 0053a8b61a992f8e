package relay

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wneessen/go-mail/smtp"
)

// mechanism is a way to authenticate to a mail server (RFC 4954).
type mechanism struct {
	name string
	make func(s *SMTP, token string) smtp.Auth
}

// withPassword are the mechanisms with a password. Those that do not reveal it to the server come
// first.
var withPassword = []mechanism{
	{"SCRAM-SHA-256", func(s *SMTP, _ string) smtp.Auth { return smtp.ScramSHA256Auth(s.user, s.password) }},
	{"SCRAM-SHA-1", func(s *SMTP, _ string) smtp.Auth { return smtp.ScramSHA1Auth(s.user, s.password) }},
	{"PLAIN", func(s *SMTP, _ string) smtp.Auth { return smtp.PlainAuth("", s.user, s.password, s.host, true) }},
	{"LOGIN", func(s *SMTP, _ string) smtp.Auth { return smtp.LoginAuth(s.user, s.password, s.host, true) }},
	{"CRAM-MD5", func(s *SMTP, _ string) smtp.Auth { return smtp.CRAMMD5Auth(s.user, s.password) }},
	{"NTLM", func(s *SMTP, _ string) smtp.Auth {
		domain, user, ok := strings.Cut(s.user, `\`)
		if !ok {
			domain, user = "", s.user
		}
		return smtp.NTLMAuth(user, s.password, domain)
	}},
}

// withToken are the mechanisms with an access token.
var withToken = []mechanism{
	{"OAUTHBEARER", func(s *SMTP, token string) smtp.Auth { return &bearer{s.user, s.host, s.port, token} }},
	{"XOAUTH2", func(s *SMTP, token string) smtp.Auth { return smtp.XOAuth2Auth(s.user, token) }},
}

// shared returns the mechanisms that both the server and this program know. The one that the server
// accepted last comes first. It returns an error that names both lists if there is none.
func (s *SMTP) shared(c *conversation) ([]mechanism, error) {
	known := withPassword
	if s.Tokens != nil {
		known = withToken
	}
	offered := strings.Fields(strings.ToUpper(c.offers["AUTH"]))
	var both []mechanism
	for _, m := range known {
		if slices.Contains(offered, m.name) {
			both = append(both, m)
		}
	}
	if last := s.works.Load(); last != nil {
		slices.SortStableFunc(both, func(a, b mechanism) int {
			return boolInt(b.name == *last) - boolInt(a.name == *last)
		})
	}
	if len(both) > 0 {
		return both, nil
	}
	if len(offered) == 0 {
		return nil, errors.New("the server does not ask for authentication (it offers no AUTH), but " +
			"smtp_url has a user: take " +
			"that out, or use the port for submission, 587 or 465")
	}
	var names []string
	for _, m := range known {
		names = append(names, m.name)
	}
	return nil, fmt.Errorf("the server takes %s alone to authenticate: of those none is among %s",
		strings.Join(offered, ", "), strings.Join(names, ", "))
}

// boolInt returns 1 for true.
func boolInt(b bool) int {
	if b {
		return 1
	}
	return 0
}

// prove authenticates, with each mechanism in turn until the server accepts one. Servers refuse
// mechanisms that they offer, and some then close the connection. Each mechanism therefore gets a
// conversation of its own.
func (s *SMTP) prove(ctx context.Context, c *conversation, tell Tell) (*conversation, error) {
	ways, err := s.shared(c)
	if err != nil {
		c.close()
		return nil, err
	}
	token := ""
	if s.Tokens != nil {
		if token, err = s.Tokens.get(ctx); err != nil {
			c.close()
			return nil, err
		}
	}
	var errs []error
	for i, way := range ways {
		if i > 0 {
			if c, err = s.greet(ctx, tell); err != nil {
				return nil, errors.Join(append(errs, err)...)
			}
		}
		if err = c.prove(way.name, way.make(s, token), s.host); err == nil {
			s.works.Store(&way.name)
			return c, nil
		}
		c.close()
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	if s.Tokens != nil {
		s.Tokens.forget()
	}
	return nil, errors.Join(errs...)
}

// mostRounds bounds how many challenges a server may send.
const mostRounds = 8

// prove authenticates with one mechanism (RFC 4954 section 4).
func (c *conversation) prove(name string, way smtp.Auth, host string) error {
	refused := func(err error) error {
		if r, ok := errors.AsType[*refusal](err); ok {
			r.to = "AUTH " + name
			return r
		}
		return fmt.Errorf("AUTH %s: %w", name, err)
	}
	_, first, err := way.Start(&smtp.ServerInfo{Name: host, TLS: c.encrypted})
	if err != nil {
		return refused(err)
	}
	command := "AUTH " + name
	if len(first) > 0 {
		command += " " + base64.StdEncoding.EncodeToString(first)
	}
	shown := "AUTH " + name + " …"
	for range mostRounds {
		code, said, err := c.ask(command, shown, 0)
		switch {
		case err != nil:
			return refused(err)
		case code == 235:
			return nil
		case code != 334:
			return refused(&refusal{"", code, strings.ReplaceAll(said, "\n", " ")})
		}
		challenge, err := base64.StdEncoding.DecodeString(strings.TrimSpace(said))
		if err != nil {
			challenge = []byte(said) // a prompt for humans, which LOGIN ignores
		}
		next, err := way.Next(challenge, true)
		if err != nil {
			_, _, _ = c.ask("*", "*", 501)
			return refused(err)
		}
		command, shown = base64.StdEncoding.EncodeToString(next), "…"
	}
	return refused(errors.New("the server asks for ever"))
}

// bearer is the mechanism OAUTHBEARER (RFC 7628).
type bearer struct{ user, host, port, token string }

// Start implements smtp.Auth.
func (b *bearer) Start(*smtp.ServerInfo) (string, []byte, error) {
	user := strings.NewReplacer("=", "=3D", ",", "=2C").Replace(b.user)
	return "OAUTHBEARER", []byte("n,a=" + user + ",\x01host=" + b.host + "\x01port=" + b.port + "\x01auth=Bearer " +
		b.token + "\x01\x01"), nil
}

// Next implements smtp.Auth. The server sends a challenge only to refuse, and expects this answer
// before its error.
func (b *bearer) Next([]byte, bool) ([]byte, error) { return []byte("\x01"), nil }
