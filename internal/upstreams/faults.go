package upstreams

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/oauth2"

	"github.com/vouchsafe/vouchsafe/people/upstream"
)

// refused returns upstream.ErrRefused with the reason, which is for the log and no user reads.
func refused(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{upstream.ErrRefused}, args...)...)
}

// unreachable returns upstream.ErrUnreachable without the address that was asked, whose query may hold a
// secret.
func unreachable(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("%w: %w", upstream.ErrUnreachable, err)
}

// exchangeError returns what went wrong at the token endpoint, without what it answered.
func exchangeError(err error) error {
	var r *oauth2.RetrieveError
	if !errors.As(err, &r) {
		return unreachable(err)
	}
	if r.Response.StatusCode >= 500 || r.Response.StatusCode == http.StatusTooManyRequests {
		return fmt.Errorf("%w: token endpoint: status %d", upstream.ErrUnreachable, r.Response.StatusCode)
	}
	return refused("token endpoint: status %d, error %.40q", r.Response.StatusCode, strings.TrimSpace(r.ErrorCode))
}
