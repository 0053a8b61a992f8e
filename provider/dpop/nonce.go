package dpop

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// nonceRotation is how long the same nonce is given.
	nonceRotation = time.Minute
	// nonceLife is how long a nonce is accepted after its rotation began.
	nonceLife = 5 * time.Minute
)

// strict reads base64url in its one spelling.
var strict = base64.RawURLEncoding.Strict()

// errNonce means that a nonce is missing, too old, or not of this server.
var errNonce = errors.New("the nonce is missing or not current")

// nonceAt returns the nonce that is given at that time. It is always the same.
func nonceAt(box *secret.Box, now time.Time) string {
	minute := binary.BigEndian.AppendUint64(nil, uint64(now.Unix()/int64(nonceRotation/time.Second)))
	return strict.EncodeToString(append(minute, box.MAC(minute)...))
}

// openNonce returns the time after which no replica accepts the nonce any more, or errNonce.
func openNonce(box *secret.Box, nonce string, now time.Time) (until time.Time, err error) {
	raw, err := strict.DecodeString(nonce)
	if err != nil || len(raw) <= 8 || !box.VerifyMAC(raw[:8], raw[8:]) {
		return until, errNonce
	}
	given := time.Unix(int64(binary.BigEndian.Uint64(raw[:8]))*int64(nonceRotation/time.Second), 0)
	if !storage.Within(given, now, nonceLife) {
		return until, errNonce
	}
	return given.Add(nonceLife + storage.ClockSkew), nil // the clocks of other replicas may be behind
}
