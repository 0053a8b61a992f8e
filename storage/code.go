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
	// CodeDeviceSettled is no code of a message: it keeps what a user decided about a device, until the device asks.
	CodeDeviceSettled = "device-settled"
)

// Code is a code that was sent to an address or a phone number. Its bearer reads what is sent there.
type Code struct {
	TenantID string
	// ID is 128 random bits: the flow that the code belongs to. What is typed counts only together
	// with it, so that an attacker's guesses do not use up the user's tries.
	ID      string
	Purpose string
	// Target is the normalised address or number. Asker names the browser that asked for the code, or
	// is "". For a purpose, target and asker there is one code at a time.
	Target string
	Asker  string
	UserID string // the user that it is about, or ""
	// CodeHash is a keyed MAC of the code that can be typed, LinkHash the SHA-256 of the token in the
	// link.
	CodeHash  []byte
	LinkHash  []byte
	Data      []byte // sealed: what the code is for
	Tries     int64  // so far
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Codes keeps the codes that were sent. A Change stores them, and uses one up: reading spends nothing.
type Codes interface {
	// Code returns the code unless it has expired.
	Code(ctx context.Context, tenant, id string, now time.Time) (Code, error)
	// TryCode is Code, and counts a try in the same statement. ErrNotFound also if the code was tried
	// most times already.
	TryCode(ctx context.Context, tenant, id string, most int64, now time.Time) (Code, error)
	// CodeFor returns the code for a purpose and a target that is no asker's own, unless it has expired.
	CodeFor(ctx context.Context, tenant, purpose, target string, now time.Time) (Code, error)
	// CodesFor lists the codes for a purpose that are no asker's own and have not expired, by target: at most limit
	// after the given target.
	CodesFor(ctx context.Context, tenant, purpose, after string, limit int, now time.Time) ([]Code, error)
}
