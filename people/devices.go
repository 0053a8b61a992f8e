package people

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

// A device (a browser, or a copy of an app) holds marks of the accounts that it has signed in to.
// Guesses from such a device are counted apart, so that a stranger who uses up an account's
// guesses does not lock its owner out. Nothing is stored: the device holds an id and, for each
// account, a MAC of both. They prove nothing else. The form is "id.MAC.MAC…".
const (
	// maxDeviceAccounts bounds the names of accounts that a device is known by: an account whose
	// second factor was given there has two.
	maxDeviceAccounts = 16
	maxMarks          = maxDeviceAccounts + 1 // and that it signed in at all
	idLength          = 43                    // of secret.Token
	markLength        = 43                    // of a MAC in base64url
)

// anyAccount is the account by which a device is known that has signed in to some account.
const anyAccount = ""

// deviceOf names the account for a device in which the user has signed in. The version of the
// credentials is part of it, so that a new password ends what devices were known for.
func deviceOf(u storage.User) string {
	return u.ID + "\x00" + strconv.FormatInt(u.CredentialVersion, 10)
}

// factorDevice names the account for a device in which the user gave a second factor.
func factorDevice(u storage.User) string { return "factor:" + deviceOf(u) }

// known reports whether the asker's device has signed in to the account, and the id of the device
// to count its attempts by.
func (s *Service) known(a Asker, account string) (device string, ok bool) {
	id, marks := readMarks(a.Kept.Known)
	return id, slices.ContainsFunc(marks, func(mark string) bool { return s.isMark(a, id, account, mark) })
}

// knownDevice reports whether the user has signed in with the asker's device since the
// credentials changed, and the id of the device.
func (s *Service) knownDevice(a Asker, user storage.User) (device string, ok bool) {
	if user.ID == "" {
		return "", false
	}
	return s.known(a, deviceOf(user))
}

// KnowsDevice reports whether the user has signed in with the asker's device since the credentials
// changed.
func (s *Service) KnowsDevice(a Asker, user storage.User) bool {
	_, ok := s.knownDevice(a, user)
	return ok
}

// HasSignedIn is KnowsDevice, and counts marks that were made before marks had a version.
func (s *Service) HasSignedIn(a Asker, user storage.User) bool {
	_, known := s.knownDevice(a, user)
	if !known && user.ID != "" {
		_, known = s.known(a, user.ID)
	}
	return known
}

// isSignedIn reports whether the user is signed in where the request comes from: in a browser with
// a session of the user, or in an app that holds what came with a sign-in.
func (s *Service) isSignedIn(ctx context.Context, a Asker, user storage.User) (bool, error) {
	if a.Browser == "" {
		return s.HasSignedIn(a, user), nil
	}
	current, err := s.Keeper.Current(ctx, a.Tenant.ID, a.Kept.Sessions)
	if errors.Is(err, storage.ErrNotFound) {
		return false, nil
	}
	return err == nil && current.UserID == user.ID, err
}

// MarkDevice returns what the asker's device is to keep when the user has signed in there by acr.
func (s *Service) MarkDevice(a Asker, u storage.User, acr string) Kept {
	kept, accounts := a.Kept, []string{deviceOf(u), anyAccount}
	if storage.ReachesACR(acr, storage.ACRMultiFactor) {
		accounts = []string{factorDevice(u), deviceOf(u), anyAccount}
	}
	kept.Known = s.mark(a, accounts...)
	return kept
}

// mark returns the asker's marks with those of the accounts, the last first.
func (s *Service) mark(a Asker, accounts ...string) string {
	id, marks := readMarks(a.Kept.Known)
	if id == "" {
		id = secret.Token()
	}
	for _, account := range accounts {
		marks = slices.DeleteFunc(marks, func(mark string) bool { return s.isMark(a, id, account, mark) })
		mac := s.Secrets.Box(a.Tenant.ID, secret.KnownBrowser).MAC([]byte(id + "\x00" + account))
		marks = append([]string{base64.RawURLEncoding.EncodeToString(mac)}, marks...)
	}
	return id + "." + strings.Join(marks[:min(len(marks), maxMarks)], ".")
}

// isMark reports whether the mark says that the account was signed in to on the device with the id. It compares in
// constant time.
func (s *Service) isMark(a Asker, id, account, mark string) bool {
	mac, err := base64.RawURLEncoding.DecodeString(mark)
	return err == nil && s.Secrets.Box(a.Tenant.ID, secret.KnownBrowser).VerifyMAC([]byte(id+"\x00"+account), mac)
}

// readMarks returns the id of a device and its marks, as the device keeps them; "" if what it keeps is not ours.
func readMarks(held string) (id string, marks []string) {
	parts := strings.Split(held, ".")
	if len(parts[0]) != idLength || len(parts) > 1+maxMarks {
		return "", nil
	}
	// What is no mark is not given back: a browser keeps no cookie that is too long.
	marks = slices.DeleteFunc(parts[1:], func(mark string) bool { return len(mark) != markLength })
	return parts[0], marks
}

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

// newRemembered returns the change that makes the asker's device one of the user's remembered devices,
// and what the device is to hold then.
func newRemembered(a Asker, user storage.User, creds []storage.Credential) (held string, ch storage.Change, err error) {
	id, token, now := uuid.Must(uuid.NewV7()).String(), secret.Token(), time.Now()
	sum := sha256.Sum256([]byte(token))
	agent := strings.ToValidUTF8(a.UserAgent[:min(len(a.UserAgent), 256)], "")
	data, err := json.Marshal(remembered{SecretHash: sum[:], Version: user.CredentialVersion, UserAgent: agent})
	if err != nil {
		return "", ch, err
	}
	ch = storage.Change{
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
	return joinRemembered(tokens), ch, nil
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

// joinRemembered returns what a device keeps of the users who had it remembered: at most maxRemembered of them.
func joinRemembered(tokens map[string]string) string {
	var parts []string
	for id, token := range tokens {
		parts = append(parts, id+"."+token)
	}
	slices.Sort(parts)
	slices.Reverse(parts)
	return strings.Join(parts[:min(len(parts), maxRemembered)], "~")
}
