package load

import (
	"fmt"
	"net/http"
	"time"
)

const (
	// RequestTimeout is that of cmd/vouchsafe: no request waits for longer, whatever hangs.
	RequestTimeout = 20 * time.Second
	// Slack is what a busy machine may add to the times that are promised.
	Slack = 5 * time.Second
)

// Refusal judges an answer that a client got in the place of the one it asked for, and
// says what is wrong with it. After a refusal that is allowed, the client asks again.
type Refusal func(status int, header http.Header) error

// WhileItLasts is what a client may be told while a fault lasts: that the service is not
// there, and when to ask again. Anything else, an error of the client's or the server's,
// would be a lie that it acts on.
func WhileItLasts(status int, header http.Header) error {
	if status != http.StatusServiceUnavailable {
		return fmt.Errorf("got %d, want what was asked for, or 503", status)
	}
	if header.Get("Retry-After") == "" {
		return fmt.Errorf("got 503 without Retry-After")
	}
	return nil
}

// Never allows no refusal: for what nobody is to notice.
func Never(status int, _ http.Header) error {
	return fmt.Errorf("got %d, want what was asked for", status)
}
