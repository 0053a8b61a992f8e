// Package breaches asks a service on the net whether a password is known from a breach. It is apart
// from package password, which makes no calls.
package breaches

import (
	"bufio"
	"context"
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// timeout is how long a user who chooses a password waits for the service at most.
const timeout = time.Second

// maxRange bounds an answer, in bytes. Padded answers have some 40 KB.
const maxRange = 1 << 20

// Service knows the passwords of many breaches, and answers by the protocol of Pwned Passwords. It
// gets the first five hexadecimal digits of the password's SHA-1, which hundreds of other passwords
// share, and returns the rest of each hash that it knows. Answers are padded, so that an observer
// cannot tell from their length what was asked.
//
// If the service does not answer, the password counts as unknown: an outage must not keep users
// from choosing one.
type Service struct {
	// URL is the address below which the service has /range/, such as
	// https://api.pwnedpasswords.com.
	URL string
	// Client makes the requests. The default follows no redirects.
	Client *http.Client
	// Log gets a warning for each request that fails. It may be nil.
	Log *slog.Logger
}

// Knows reports whether the password is known. It implements password.Breaches.
func (s *Service) Knows(ctx context.Context, password string) bool {
	sum := sha1.Sum([]byte(password))
	digits := strings.ToUpper(hex.EncodeToString(sum[:]))
	known, err := s.ask(ctx, digits[:5], digits[5:])
	if err != nil && s.Log != nil {
		s.Log.WarnContext(ctx, "breached passwords not asked for", "error", err)
	}
	return known
}

// ask requests the hashes that begin with prefix, and reports whether rest is among their endings.
func (s *Service) ask(ctx context.Context, prefix, rest string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(s.URL, "/")+"/range/"+prefix, nil)
	if err != nil {
		return false, err
	}
	req.Header.Set("Add-Padding", "true")
	req.Header.Set("User-Agent", "Vouchsafe")
	resp, err := s.client().Do(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return false, fmt.Errorf("got %s", resp.Status)
	}
	lines := bufio.NewScanner(io.LimitReader(resp.Body, maxRange))
	for lines.Scan() {
		// Padding has the count 0.
		suffix, count, ok := strings.Cut(strings.TrimSpace(lines.Text()), ":")
		if ok && strings.EqualFold(suffix, rest) {
			return count != "0", nil
		}
	}
	return false, lines.Err()
}

// client returns the Client or its default.
func (s *Service) client() *http.Client {
	if s.Client != nil {
		return s.Client
	}
	return defaultClient
}

// defaultClient follows no redirect: the password's hash goes to the configured address only.
var defaultClient = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
	return http.ErrUseLastResponse
}}
