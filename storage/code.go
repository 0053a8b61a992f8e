package storage

import (
	"context"
	"time"
)

// Purposes of a Code.
const (
	CodeSignUp = "sign-up" // Data has the registration that waits
	CodeReset  = "reset-password"
	CodeEmail  = "change-email"
	CodeSignIn = "sign-in"
	CodeInvite = "invitation"
	CodePhone  = "phone"
)

// Code is what was sent to an address or a number, and comes back from whoever reads
// what is sent there.
type Code struct {
	TenantID string
	// ID is 128 random bits: the flow that the code belongs to. What is typed counts only
	// together with it, so that a stranger's guesses do not use up anybody's tries.
	ID      string
	Purpose string
	// Target is the normalised address or number, and Asker names the browser that asked, or
	// is "". One code at a time lives for a purpose, target and asker.
	Target string
	Asker  string
	UserID string // whom it is about, or ""
	// CodeHash is a keyed MAC of what can be typed, LinkHash the SHA-256 of what stands in
	// the link.
	CodeHash  []byte
	LinkHash  []byte
	Data      []byte // sealed: what the code sets in motion
	Tries     int64  // so far
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Codes keeps the codes that were sent. A Change stores them, and uses one up: reading spends nothing.
type Codes interface {
	// Code is the code while it has not expired.
	Code(ctx context.Context, tenant, id string, now time.Time) (Code, error)
	// TryCode is Code, and counts a try in the same statement. ErrNotFound also when it
	// was tried most times already.
	TryCode(ctx context.Context, tenant, id string, most int64, now time.Time) (Code, error)
}
