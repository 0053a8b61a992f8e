package server

import (
	"net/http"
	"testing"

	"github.com/vouchsafe/vouchsafe/internal/settings"
)

// TestCompatibleModesAreOff: without their settings, although their variables are there, the routes of Keratin AuthN
// and backend-auth are not made, no port is opened for them, and no request passes them.
func TestCompatibleModesAreOff(t *testing.T) {
	t.Parallel()
	cfg, err := settings.Load(nil, "", []string{"AUTHN_URL=http://localhost:7001", "APP_DOMAINS=localhost", "PORT=7001",
		"JWT_KEY=0123456789abcdef0123456789abcdef", "MAINTAIN_TLS_PORT=7002"})
	if err != nil {
		t.Fatal(err)
	}
	s := &Server{cfg: cfg}
	if err := s.wireKeratin(nil); err != nil || s.keratin != nil {
		t.Errorf("got %v, %v of Keratin AuthN", s.keratin, err)
	}
	if err := s.wireBackendAuth(nil); err != nil || s.backendAuth != nil {
		t.Errorf("got %v, %v of backend-auth", s.backendAuth, err)
	}
	own, err := listenKeratin(cfg)
	plain, maintenance, other := listenBackendAuth(cfg)
	if n := len(own) + len(plain) + len(maintenance); n > 0 || err != nil || other != nil {
		t.Errorf("got %d listeners, %v, %v", n, err, other)
	}
	next := http.NewServeMux()
	if got := s.withBackendAuth(s.withKeratin(next)); got != http.Handler(next) {
		t.Errorf("requests go through %T", got)
	}
}
