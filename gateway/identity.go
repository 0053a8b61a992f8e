package gateway

import (
	"net/http"
	"strings"

	"github.com/vouchsafe/vouchsafe/gateway/rules"
	"github.com/vouchsafe/vouchsafe/internal/web"
)

// allow lets the request pass, and tells the app who asks. A header that the rule names is always there, if need be
// without a value, so that a proxy that copies what it finds overwrites what the browser sent.
func (x *exchange) allow() error {
	h := x.w.Header()
	if err := x.rename(); err != nil {
		return err
	}
	if who := x.who; who != nil {
		for _, what := range x.rule.Headers {
			name := x.s.names[what]
			if what != "identity" {
				h[name] = []string{safe(who.tells(what))}
				continue
			}
			token, err := x.identity()
			if err != nil {
				return err
			}
			if name == "Authorization" {
				token = "Bearer " + token
			}
			h[name] = []string{token}
		}
		if who.actor != "" {
			h[x.s.names["actor"]] = []string{who.actor}
		}
		if who.user != nil {
			web.Note(x.r.Context(), "user", who.user.ID)
		}
	}
	h["Content-Length"] = noBytes
	x.w.WriteHeader(http.StatusOK)
	return nil
}

// rename gives the caller the names of the app's sector, if the rule says so: its host, as for clients that return
// there (OpenID Connect Core section 8.1). What was decided before was about the user's id.
func (x *exchange) rename() error {
	if x.who == nil || x.who.user == nil || !x.rule.Pairwise() {
		return nil
	}
	names, err := x.s.Names(x.r.Context(), x.t.ID, rules.HostOf(x.asked.Host))
	if err != nil {
		return err
	}
	who := *x.who // a cache has it, too
	who.subject, who.sid, who.actor = names.User(who.user.ID), names.Session(who.session), names.User(who.actor)
	x.who = &who
	return nil
}

var noBytes = []string{"0"}

// safe returns a value that no proxy and no app can take for something else: printable ASCII without spaces at its
// ends. All other bytes of its UTF-8, and percent signs, are escaped as in URLs.
func safe(s string) string {
	const digits = "0123456789ABCDEF"
	plain := !strings.HasPrefix(s, " ") && !strings.HasSuffix(s, " ")
	for i := 0; plain && i < len(s); i++ {
		plain = s[i] >= ' ' && s[i] < 0x7f && s[i] != '%'
	}
	if plain {
		return s
	}
	out := make([]byte, 0, len(s)+16)
	for i := range len(s) {
		c := s[i]
		if c > ' ' && c < 0x7f && c != '%' || c == ' ' && i > 0 && i < len(s)-1 {
			out = append(out, c)
			continue
		}
		out = append(out, '%', digits[c>>4], digits[c&15])
	}
	return string(out)
}
