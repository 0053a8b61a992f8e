package api

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Problem is an error that the server answers (RFC 9457).
type Problem struct {
	Status   int     `json:"status"`
	Code     string  `json:"code"`
	Detail   string  `json:"detail"`
	Title    string  `json:"title"`
	Instance string  `json:"instance"`
	Scope    string  `json:"scope"`
	Errors   []fault `json:"errors"`
	server   string
}

// fault is what is wrong with a member.
type fault struct {
	Field   string `json:"field"`
	Message string `json:"message"`
}

// Error says what was wrong, and what the operator can do about it.
func (p *Problem) Error() string {
	switch {
	case p.Code == "insufficient_scope":
		return fmt.Sprintf("this needs the scope %s: register the client for it, or use the token of an administrator whose "+
			"role has it", p.Scope)
	case p.Status == http.StatusUnauthorized:
		return fmt.Sprintf("%s doesn't accept the access token: %s Get a new one, or let the command get its own: see "+
			"VOUCHSAFE_CLIENT_ID", p.server, p.Detail)
	case len(p.Errors) > 0:
		lines := make([]string, len(p.Errors))
		for i, f := range p.Errors {
			lines[i] = f.Field + ": " + f.Message
		}
		return strings.Join(lines, "\n")
	case p.Status >= 500:
		return fmt.Sprintf("%s answers %d: its log has the cause under %s", p.server, p.Status, p.Instance)
	case p.Detail != "":
		return p.Detail
	}
	return p.Title
}

// Unwrap returns the error of storage that stands for the same.
func (p *Problem) Unwrap() error {
	switch p.Code {
	case "not_found":
		return storage.ErrNotFound
	case "exists":
		return storage.ErrExists
	case "last_owner":
		return storage.ErrLastOwner
	case "precondition_failed":
		return storage.ErrStale
	}
	return nil
}

// again reports whether the request may be sent again, after which time.
func (p *Problem) again(h http.Header, try int) (time.Duration, bool) {
	if p.Status != http.StatusTooManyRequests && p.Status != http.StatusServiceUnavailable &&
		p.Code != "idempotency_key_in_use" {
		return 0, false
	}
	d := max(retryAfter(h), time.Second)
	return d, try < mostTries && d <= longestWait
}
