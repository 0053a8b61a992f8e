package browser_test

import (
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/sessions"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// start signs the browser in as a use case does.
func start(s *browser.Sessions, w http.ResponseWriter, r *http.Request, u storage.User, acr string, amr ...string) (
	storage.Session, error,
) {
	sess, held, err := (*sessions.Keeper)(s).Begin(r.Context(), browser.Held(r), storage.Session{
		TenantID: web.TenantOf(r.Context()).ID, UserID: u.ID, CredentialVersion: u.CredentialVersion,
		AuthTime: time.Now(), ACR: acr, AMR: amr, UserAgent: r.UserAgent(),
	}, nil)
	if err == nil {
		s.Hold(w, r, held)
	}
	return sess, err
}

// raise notes more proof as a use case does.
func raise(s *browser.Sessions, w http.ResponseWriter, r *http.Request, a sessions.Account, acr string,
	amr ...string,
) error {
	held, err := (*sessions.Keeper)(s).Raise(r.Context(), browser.Held(r), a.Session, nil, acr, amr...)
	if err == nil {
		s.Hold(w, r, held)
	}
	return err
}
