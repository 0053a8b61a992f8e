package login

import (
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/limit"
	"github.com/vouchsafe/vouchsafe/internal/web"
)

// limited says that an attempt came too early.
type limited struct{ wait time.Duration }

func (*limited) Error() string { return "too many attempts" }

// allowAddress counts an attempt from the request's address.
func (s *Server) allowAddress(r *http.Request) error {
	ctx := r.Context()
	if wait, ok := s.Limits.Allow(ctx, web.TenantOf(ctx).ID, s.PerAddress, limit.Network(web.RequestOf(ctx).IP)); !ok {
		return &limited{wait}
	}
	return nil
}

// allowAccount counts an attempt at an account: by the person's id when there is such
// a person, so that user name and e-mail share one counter, else by the name that was
// tried. A browser that signed in to the account before has a counter of its own.
// forgive forgets the attempts, for a person who has proven themselves.
func (s *Server) allowAccount(r *http.Request, userID, name string) (forgive func(), err error) {
	ctx, tenant := r.Context(), web.TenantOf(r.Context()).ID
	rule, subject, known := s.PerAccount, "name\x00"+name, false
	if userID != "" {
		subject = "user\x00" + userID
		var device string
		if device, known = s.devices.Known(r, userID); known {
			rule, subject = s.PerDevice, userID+"\x00"+device
		}
	}
	if !known {
		if wait, ok := s.Limits.Allow(ctx, tenant, s.PerTenant, ""); !ok {
			return nil, &limited{wait}
		}
	}
	if wait, ok := s.Limits.Allow(ctx, tenant, rule, subject); !ok {
		return nil, &limited{wait}
	}
	return func() { s.Limits.Forgive(ctx, tenant, rule, subject) }, nil
}
