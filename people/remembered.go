package people

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// rememberFor is how long a device is remembered when the tenant does not say.
	rememberFor = 30 * 24 * time.Hour
	// maxRemembered bounds the remembered devices of a user, and the users of a device.
	maxRemembered = 10
)

// remembered is the data of a storage.DeviceCredential: a device in which the user gave a second
// factor and does not want to be asked each time.
type remembered struct {
	SecretHash []byte `json:"h"`
	// Version is that of the user's credentials: a new password ends it.
	Version   int64  `json:"v"`
	UserAgent string `json:"a"`
}

// RememberedFor returns how long the tenant lets devices be remembered; 0 is never.
func (a Asker) RememberedFor() time.Duration {
	if d := a.Tenant.Settings.SecondFactor.RememberDevice; d != nil {
		return time.Duration(*d)
	}
	return rememberFor
}

// openRemembered opens a remembered device of the user; ok says that it counts.
func openRemembered(a Asker, user storage.User, cred storage.Credential) (d remembered, ok bool) {
	ok = cred.Kind == storage.DeviceCredential && json.Unmarshal(cred.Data, &d) == nil &&
		d.Version == user.CredentialVersion && a.RememberedFor() > 0 &&
		storage.Within(cred.CreatedAt, time.Now(), a.RememberedFor())
	return d, ok
}

// isRemembered reports whether the asker's device is one of the user's remembered devices. It
// counts for users who have a second factor, until they switch it off.
func isRemembered(a Asker, user storage.User, creds []storage.Credential) bool {
	if !storage.HasSecondFactor(creds) {
		return false
	}
	held := parseRemembered(a.Kept.Remembered)
	return slices.ContainsFunc(creds, func(c storage.Credential) bool {
		d, ok := openRemembered(a, user, c)
		sum := sha256.Sum256([]byte(held[c.ID]))
		return ok && held[c.ID] != "" && subtle.ConstantTimeCompare(sum[:], d.SecretHash) == 1
	})
}

// RememberedDevice is a device that is not asked for the second factor.
type RememberedDevice struct {
	ID        string
	UserAgent string // of the browser or app
	Since     time.Time
	Here      bool // it is the asker's
}

// RememberedDevices returns the user's remembered devices that count, from all credentials.
func RememberedDevices(a Asker, user storage.User, creds []storage.Credential) (all []RememberedDevice) {
	held := parseRemembered(a.Kept.Remembered)
	for _, c := range creds {
		if d, ok := openRemembered(a, user, c); ok {
			all = append(all, RememberedDevice{ID: c.ID, UserAgent: d.UserAgent, Since: c.CreatedAt, Here: held[c.ID] != ""})
		}
	}
	return all
}

// remember makes the asker's device one of the user's remembered devices, unless the tenant does
// not let devices be remembered. Its refusal is ErrChangedMeanwhile.
func (s *Service) remember(ctx context.Context, a Asker, user storage.User,
	creds []storage.Credential,
) (held string, err error) {
	if a.RememberedFor() <= 0 {
		return a.Kept.Remembered, nil
	}
	id, token, now := uuid.Must(uuid.NewV7()).String(), secret.Token(), time.Now()
	sum := sha256.Sum256([]byte(token))
	agent := strings.ToValidUTF8(a.UserAgent[:min(len(a.UserAgent), 256)], "")
	data, err := json.Marshal(remembered{SecretHash: sum[:], Version: user.CredentialVersion, UserAgent: agent})
	if err != nil {
		return "", err
	}
	ch := storage.Change{
		Credentials: []storage.Credential{{Kind: storage.DeviceCredential, ID: id, Data: data,
			CreatedAt: now, UpdatedAt: now}},
	}
	// Ids are in the order of time. What this device held before is replaced, and what lapsed goes.
	tokens, left := parseRemembered(a.Kept.Remembered), 0
	for _, c := range slices.Backward(creds) {
		if c.Kind != storage.DeviceCredential {
			continue
		}
		_, counts := openRemembered(a, user, c)
		if left++; !counts || tokens[c.ID] != "" || left >= maxRemembered {
			ch.RemoveCredentials = append(ch.RemoveCredentials, storage.CredentialKey{Kind: c.Kind, ID: c.ID})
			delete(tokens, c.ID)
		}
	}
	tokens[id] = token
	return joinRemembered(tokens), s.apply(ctx, user, ch)
}

// parseRemembered reads what a device holds, by the ids of credentials: "id.secret" joined by "~",
// for all users of the device.
func parseRemembered(held string) map[string]string {
	tokens := map[string]string{}
	for part := range strings.SplitSeq(held, "~") {
		id, token, ok := strings.Cut(part, ".")
		if ok && len(id) == 36 && len(token) == 43 && len(tokens) < maxRemembered {
			tokens[id] = token
		}
	}
	return tokens
}

func joinRemembered(tokens map[string]string) string {
	var parts []string
	for id, token := range tokens {
		parts = append(parts, id+"."+token)
	}
	slices.Sort(parts)
	slices.Reverse(parts)
	return strings.Join(parts[:min(len(parts), maxRemembered)], "~")
}
