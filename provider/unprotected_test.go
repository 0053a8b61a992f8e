package provider

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// lockedBuffer is a log that requests write to at once.
type lockedBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

// A confidential client that protects its codes by nothing is named once a day, and no
// other client is.
func TestClientsWithoutChallengeAndNonceAreNamedOnceADay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &lockedBuffer{}
		s := startTokens(t, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(io.MultiWriter(log), nil)) })
		plain, hash := clients.NewSecret()
		c := s.client(func(c *storage.Client) {
			c.ClientID, c.TokenEndpointAuthMethod, c.SecretHashes = "bare", "", []string{hash}
		})
		redeem := func(verifier string, change func(*tokens.Code)) {
			t.Helper()
			form := values("grant_type", "authorization_code", "code", s.code(c, change), "redirect_uri", testRedirect)
			if verifier != "" {
				form.Set("code_verifier", verifier)
			}
			if a := s.post(form, basic(c.ClientID, plain)); a.status != http.StatusOK {
				t.Fatalf("got %d %s, want tokens", a.status, a.raw)
			}
		}
		named := func() int { return strings.Count(log.String(), "sends neither code_challenge nor nonce") }
		redeem("", func(k *tokens.Code) { k.CodeChallenge = "" })
		redeem(testVerifier, func(k *tokens.Code) { k.Nonce = "" })
		if n := named(); n != 0 {
			t.Errorf("named %d times for codes with one of the two, want never", n)
		}
		for day := 1; day <= 2; day++ {
			for range 3 {
				redeem("", func(k *tokens.Code) { k.CodeChallenge, k.Nonce = "", "" })
			}
			if n := named(); n != day {
				t.Errorf("day %d: named %d times, want once a day", day, n)
			}
			if n := s.events("client.unprotected"); n != day {
				t.Errorf("day %d: on record %d times, want once a day", day, n)
			}
			time.Sleep(24 * time.Hour)
		}
		if !strings.Contains(log.String(), "client=bare") {
			t.Errorf("got %s, want the client's id", log.String())
		}
	})
}
