package provider

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/jws"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// FuzzTampered cuts out a part of what was issued and puts something else there. Of all
// the strings that come of it, the issuer takes that one which it issued: a token has one
// spelling, and none of one kind passes for another (F1, F2, G2).
func FuzzTampered(f *testing.F) {
	s := startTokens(f)
	t := s.tenant
	// No RSA: every worker would make a key of its own first.
	client := func(id, format string) *storage.Client {
		return s.client(func(c *storage.Client) {
			c.ClientID, c.AccessTokenFormat, c.IDTokenSignedResponseAlg = id, format, "ES256"
		})
	}
	jwt, opaque := s.tokens(client("web", "")), s.tokens(client("opaque", "opaque"))
	code := s.code(client("other", ""))
	issued := []string{jwt.str("access_token"), opaque.str("access_token"), jwt.str("id_token"), code,
		jwt.str("refresh_token")}
	for i, token := range issued {
		if token == "" {
			f.Fatalf("token %d is missing", i)
		}
	}
	ctx, now := context.Background(), time.Now()
	open := []func(string) error{
		func(v string) error { _, err := s.p.tokens.OpenAccessToken(ctx, t, v, now); return err },
		func(v string) error { _, err := s.p.tokens.OpenIDTokenHint(ctx, t, v); return err },
		func(v string) error { _, err := s.p.tokens.OpenCode(t, v, now); return err },
		func(v string) error { _, err := s.p.tokens.OpenRefreshToken(t.ID, v); return err },
	}
	// Which of them opens which.
	opener := []int{0, 0, 1, 2, 3}
	reasons := []error{jws.ErrInvalid, jws.ErrInvalid, tokens.ErrCodeInvalid, tokens.ErrRefreshToken}
	// Few: each is tried, one by one, before the first change is made to any.
	for i := range issued {
		f.Add(uint8(i), uint16(0), uint16(0), "")
		f.Add(uint8(i), uint16(0xffff), uint16(0), "=")
		f.Add(uint8(i), uint16(40), uint16(1), "\n")
	}
	for _, put := range []string{".", "eyJhbGciOiJub25lIn0", "eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCJ9", "vat_"} {
		f.Add(uint8(0), uint16(0), uint16(36), put)
	}
	f.Add(uint8(0), uint16(0), uint16(0xffff), "")
	f.Fuzz(func(t *testing.T, which uint8, at, cut uint16, put string) {
		i := int(which) % len(issued)
		from := min(int(at), len(issued[i]))
		to := min(from+int(cut), len(issued[i]))
		token := issued[i][:from] + put + issued[i][to:]
		for j, with := range open {
			err := with(token)
			for k, known := range issued {
				if token == known && opener[k] == j {
					if err != nil {
						t.Errorf("what was issued does not open: %v", err)
					}
					err = reasons[j]
				}
			}
			if !errors.Is(err, reasons[j]) {
				t.Errorf("opener %d takes %q: %v", j, token, err)
			}
		}
	})
}
