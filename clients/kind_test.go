package clients

import (
	"slices"
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

func TestEveryKindOfClientIsValid(t *testing.T) {
	t.Parallel()
	for kind, public := range map[string]bool{Web: false, SPA: true, Native: true, Service: false} {
		c := storage.Client{ClientID: "app",
			RedirectURIs: []string{"https://app.example/callback", "https://app.example/other", "http://localhost:3000/"}}
		if kind == Service {
			c.RedirectURIs = nil
		}
		SetKind(&c, kind)
		if faults := Validate(&c); len(faults) > 0 || c.Public() != public {
			t.Errorf("%s: got %v, public: %t", kind, faults, c.Public())
		}
		if want := []string{"https://app.example", "http://localhost:3000"}; kind == SPA &&
			!slices.Equal(c.AllowedCORSOrigins, want) {
			t.Errorf("%s: got origins %v, want %v", kind, c.AllowedCORSOrigins, want)
		}
	}
}
