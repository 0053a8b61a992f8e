package apikeys

import (
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Shown is an API key as the APIs show it.
type Shown struct {
	ID         string     `json:"id" doc:"The id."`
	Name       string     `json:"name" doc:"What its owner calls it."`
	Start      string     `json:"start" doc:"The first characters of the key."`
	Scopes     []string   `json:"scopes" doc:"What it may do, as far as its owner may."`
	ReplacedBy string     `json:"replaced_by,omitempty" doc:"The id of the key that replaces it."`
	CreatedAt  time.Time  `json:"created_at" doc:"When it was added."`
	ExpiresAt  time.Time  `json:"expires_at" doc:"When it ends."`
	UsedAt     *time.Time `json:"used_at,omitempty" doc:"When it was used last, to an hour; left out for never."`
}

// ShownOf returns a key as the APIs show it.
func ShownOf(k storage.APIKey) Shown {
	out := Shown{k.ID, k.Name, k.Start, append([]string{}, k.Scopes...), k.ReplacedBy, k.CreatedAt, k.ExpiresAt, nil}
	if !k.UsedAt.IsZero() {
		out.UsedAt = &k.UsedAt
	}
	return out
}
