package login

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// The name that a user typed on the first page of the sign-in travels to the second one as the parameter as, sealed:
// addresses of pages are kept by browsers, proxies and logs, and users type their password into the wrong field.

const (
	typedNameLife = time.Hour
	// maxTypedName bounds the name, in bytes. It is more than any name that an account can have.
	maxTypedName = 320
)

// typedName is the name in the parameter.
type typedName struct {
	Name    string `json:"n"`
	Browser string `json:"b"` // see people.Asker
	At      int64  `json:"t"` // Unix time
}

// sealName returns the parameter for a name that was typed in the browser of the request.
func (s *Server) sealName(r *http.Request, name string) string {
	name = strings.TrimSpace(name)
	if len(name) > maxTypedName {
		name = strings.ToValidUTF8(name[:maxTypedName], "")
	}
	plain, err := json.Marshal(typedName{name, s.askerOf(r).Browser, time.Now().Unix()})
	if err != nil {
		panic(err) // strings and a number
	}
	return s.Secrets.Box(web.TenantOf(r.Context()).ID, secret.TypedName).SealString(plain)
}

// TypedName returns the name that the user typed on the first page, or "". It returns "" for a name that was typed
// in another browser, so that an attacker cannot lead a user to a page with the name of another account.
func (s *Server) TypedName(r *http.Request) string {
	sealed := r.FormValue("as")
	if sealed == "" {
		return ""
	}
	var t typedName
	plain, err := s.Secrets.Box(web.TenantOf(r.Context()).ID, secret.TypedName).OpenString(sealed)
	if err != nil || json.Unmarshal(plain, &t) != nil || !s.askerOf(r).Began(t.Browser) ||
		!storage.Within(time.Unix(t.At, 0), time.Now(), typedNameLife) {
		return ""
	}
	return t.Name
}
