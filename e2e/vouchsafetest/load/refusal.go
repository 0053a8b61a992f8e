package load

import (
	"fmt"
	"net/http"
	"time"
)

const (
	// RequestTimeout is the timeout of cmd/vouchsafe: no request waits for longer.
	RequestTimeout = 20 * time.Second
	// Slack is how much a busy machine may exceed promised times.
	Slack = 5 * time.Second
)

// Refusal judges an answer that a client got instead of the expected one, and returns an error if
// it is not acceptable. After an acceptable one, the client repeats the request.
type Refusal func(status int, header http.Header) error

// WhileItLasts accepts what a client may be told during a fault: that the service is not available,
// and when to try again. Every other error would be false, and the client would act on it.
func WhileItLasts(status int, header http.Header) error {
	if status != http.StatusServiceUnavailable {
		return fmt.Errorf("got %d, want what was asked for, or 503", status)
	}
	if header.Get("Retry-After") == "" {
		return fmt.Errorf("got 503 without Retry-After")
	}
	return nil
}

// Never accepts no refusal, for changes that users must not notice.
func Never(status int, _ http.Header) error {
	return fmt.Errorf("got %d, want what was asked for", status)
}
