package login

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/people/password"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestImportedPasswordsSignInAndBecomeOurs signs in with one hash of each kind that
// other products export. What of them is verified, and what refused, package password
// tests.
func TestImportedPasswordsSignInAndBecomeOurs(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for email, test := range map[string]struct{ hash, password string }{
		"auth0@example.com":  {"$2b$10$OmzpustoVa2B/vLHNTMFpOn/yJresNBj7eiWbU7Mgkp.lhj5B7zaK", "correct horse"},
		"php@example.com":    {"$2y$07$usesomesillystringfore2uDLvp1Ii2e./U9C8sBjqp8I90dH6hi", "rasmuslerdorf"},
		"phpass@example.com": {"$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0", "test12345"},
		"django@example.com": {"scrypt$16384$yezruSIMS9fRUzanBvdQ05$8$5$QmnfzonZO/1ZvWqWqIyYZT+eiDnAJnnxRsHm25m857BXM60tezBcW026K0jsD7l8jGEkldsPEmUfASrI+FTC8A==", "l\u00e8tmein 4 real"},
		"keycloak@example.com": {`{"secretData":"{\"value\":\"xKjWvB9+0sSP6wTqI1JoEI7w+iA0x9VDhPgmrOHRG80=\",` +
			`\"salt\":\"LRScGShC7shkdoU5B1UgUQ==\"}","credentialData":"{\"hashIterations\":5,\"algorithm\":\"argon2\",` +
			`\"additionalParameters\":{\"memory\":[\"7168\"],\"type\":[\"id\"],\"version\":[\"1.3\"],\"parallelism\":[\"1\"]}}"}`, "secret"},
		"argon2d@example.com": {"$argon2d$v=19$m=4096,t=3," +
			"p=2$c29tZXNhbHQxMjM0NTY3OA$FbYO5dj8ojHyGXRSEN2viEJrS4TMF2E5/1poXqg7WEs", "l\u00e8tmein 4 real"},
		"passlib@example.com": {"$pbkdf2-sha512$1000$AUDovTcG4FxrjXFOyRnj3A$v4tfuKJya3eX1cDQd34J49H2VyRqwTh6bB/7snmdS1pYI9dGJAN9twzsobptYWEDX6hyfcJJ/MsI0PvJXhsCKQ", "l\u00e8tmein 4 real"},
		"firebase@example.com": {"$firebase-scrypt$ln=14," +
			"r=8$42xEC+ixf3L2lw$Bw$jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ", "user1password"},
	} {
		stored, err := password.Import(test.hash)
		if err != nil {
			t.Fatalf("%s: %v", email, err)
		}
		user := s.user("default", email, "", "")
		now := time.Now()
		cred := storage.Credential{TenantID: "default", UserID: user.ID, Kind: storage.PasswordCredential, Data: stored,
			CreatedAt: now, UpdatedAt: now}
		if err := s.store.PutCredential(t.Context(), cred, nil); err != nil {
			t.Fatal(err)
		}
		is := func() string {
			t.Helper()
			c, err := s.store.Credential(t.Context(), "default", user.ID, storage.PasswordCredential, "")
			if err != nil {
				t.Fatal(err)
			}
			return string(c.Data)
		}
		if p := s.visitor().signIn(email, test.password+"x"); p.status != http.StatusUnprocessableEntity ||
			is() != string(stored) {
			t.Errorf("%s: got %d for a wrong password, stored %s", email, p.status, is())
		}
		for range 2 {
			if p := s.visitor().signIn(email, test.password); p.leads() != "/" {
				t.Errorf("%s: got %d", email, p.status)
			}
			if !strings.HasPrefix(is(), "$argon2id$v=19$m=64,t=1,p=1$") {
				t.Errorf("%s: stored is %s, want a hash of ours", email, is())
			}
		}
	}
}
