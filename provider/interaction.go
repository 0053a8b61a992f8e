package provider

import (
	"net/http"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Interaction opens the letter that a page was given as i.
func (p *Provider) Interaction(r *http.Request) (storage.Interaction, error) {
	return storage.Interaction{}, nil
}
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) error { return nil }
