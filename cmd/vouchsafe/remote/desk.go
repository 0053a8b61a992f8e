// Package remote answers what commands ask from a server, by its management API.
package remote

import (
	"errors"
	"iter"
	"net/http"
	"strings"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/desk"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/remote/api"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Desk asks a server. It implements desk.Desk.
type Desk struct{ api *api.Client }

var _ desk.Desk = Desk{}

// New returns the Desk of a tenant at a server. It calls nothing.
func New(c api.Config) (Desk, error) {
	to, err := api.New(c)
	return Desk{to}, err
}

// Issuer returns the issuer of the tenant.
func (d Desk) Issuer() string { return d.api.Issuer() }

// records returns the entries of a list as records, after the one with an id. The server's cursors are sealed, so
// that those before it have to be read, too.
func records[T, R any](
	all iter.Seq2[T, error], after string, record func(T) R, id func(R) string,
) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		for v, err := range all {
			r := record(v)
			if err == nil && after != "" && id(r) <= after {
				continue
			}
			if !yield(r, err) || err != nil {
				return
			}
		}
	}
}

// dry returns the path for a request that changes nothing.
func dry(path string) string { return path + "?dry_run=true" }

// missing reports whether the error says that there is no such thing.
func missing(err error) bool { return errors.Is(err, storage.ErrNotFound) }

// lostSecret returns an error if an answer is a repetition, which has no secret.
func lostSecret(h http.Header, secret, text string) error {
	if h.Get("Idempotency-Replayed") != "" && strings.TrimSpace(secret) == "" {
		return errors.New("the connection broke before the answer came: " + text)
	}
	return nil
}
