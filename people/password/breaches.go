package password

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

// breachesTimeout is how long somebody who chooses a password waits for the service.
const breachesTimeout = time.Second

// maxRange bounds an answer. Padded ones have some 40 KB.
const maxRange = 1 << 20

// Breaches asks a service that knows the passwords of many breaches, in the protocol of
// Pwned Passwords: it is told the first five digits of the password's SHA-1, which
// hundreds of others share, and answers with the rest of all that it knows. Its answer
// has padding, so that nobody learns from its length what was asked.
//
// A service that does not answer keeps nobody from choosing a password.
type Breaches struct {
	// URL is where the service has /range/, such as https://api.pwnedpasswords.com.
	URL string
	// Client asks. Default: one of its own.
	Client *http.Client
	// Log hears of the questions that got no answer.
	Log *slog.Logger
}

// know says whether the password is known. A nil service knows none.
func (b *Breaches) know(ctx context.Context, password string) bool {
	if b == nil || b.URL == "" {
		return false
	}
	sum := sha1.Sum([]byte(password))
	digits := strings.ToUpper(hex.EncodeToString(sum[:]))
	known, err := b.ask(ctx, digits[:5], digits[5:])
	if err != nil && b.Log != nil {
		b.Log.WarnContext(ctx, "breached passwords not asked for", "error", err)
	}
	return known
}

func (b *Breaches) ask(ctx context.Context, prefix, rest string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, breachesTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(b.URL, "/")+"/range/"+prefix, nil)
	if err != nil {
		return false, err
	}
	req.Header.Set("Add-Padding", "true")
	req.Header.Set("User-Agent", "Vouchsafe")
	resp, err := b.client().Do(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return false, fmt.Errorf("got %s", resp.Status)
	}
	lines := bufio.NewScanner(io.LimitReader(resp.Body, maxRange))
	for lines.Scan() {
		// Padding is counted nought times.
		suffix, count, ok := strings.Cut(strings.TrimSpace(lines.Text()), ":")
		if ok && strings.EqualFold(suffix, rest) {
			return count != "0", nil
		}
	}
	return false, lines.Err()
}

func (b *Breaches) client() *http.Client {
	if b.Client != nil {
		return b.Client
	}
	return breachesClient
}

// breachesClient follows no redirect: the service answers where it is said to be.
var breachesClient = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
