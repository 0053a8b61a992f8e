package login

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/vouchsafe/vouchsafe/internal/browser"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// rememberFor is how long a device is remembered when the tenant does not say.
	rememberFor = 30 * 24 * time.Hour
	// maxRemembered bounds the devices of a person, and the people of a device.
	maxRemembered = 10

	rememberedCookie = "remembered"
)

// device is the data of a storage.DeviceCredential: a browser whose owner gave a second
// factor there and does not want to be asked each time.
type device struct {
	SecretHash []byte `json:"h"`
	// Version is that of the person's credentials: a new password ends it.
	Version   int64  `json:"v"`
	UserAgent string `json:"a"`
}

// rememberedFor is how long the tenant lets devices be remembered; 0 is never.
func rememberedFor(r *http.Request) time.Duration {
	if d := web.TenantOf(r.Context()).Settings.SecondFactor.RememberDevice; d != nil {
		return time.Duration(*d)
	}
	return rememberFor
}

// remembers opens a device of the person, while it counts.
func remembers(r *http.Request, user storage.User, cred storage.Credential) (device, bool) {
	var d device
	ok := cred.Kind == storage.DeviceCredential && json.Unmarshal(cred.Data, &d) == nil &&
		d.Version == user.CredentialVersion && rememberedFor(r) > 0 && storage.Within(cred.CreatedAt, time.Now(), rememberedFor(r))
	return d, ok
}

// remembered says whether the browser is one of the person's remembered devices. That it
// is counts for people who have a second factor, until they switch it off.
func (s *Server) remembered(r *http.Request, user storage.User, creds []storage.Credential) bool {
	if !storage.HasSecondFactor(creds) {
		return false
	}
	held := deviceTokens(r)
	return slices.ContainsFunc(creds, func(c storage.Credential) bool {
		d, ok := remembers(r, user, c)
		sum := sha256.Sum256([]byte(held[c.ID]))
		return ok && held[c.ID] != "" && subtle.ConstantTimeCompare(sum[:], d.SecretHash) == 1
	})
}

// remember makes the browser one of the person's remembered devices.
func (s *Server) remember(w http.ResponseWriter, r *http.Request, user storage.User, creds []storage.Credential) error {
	if rememberedFor(r) <= 0 {
		return nil
	}
	id, token, now := uuid.Must(uuid.NewV7()).String(), secret.Token(), time.Now()
	sum := sha256.Sum256([]byte(token))
	agent := r.UserAgent()
	data, err := json.Marshal(device{SecretHash: sum[:], Version: user.CredentialVersion, UserAgent: strings.ToValidUTF8(agent[:min(len(agent), 256)], "")})
	if err != nil {
		return err
	}
	ch := storage.Change{
		Credentials: []storage.Credential{{Kind: storage.DeviceCredential, ID: id, Data: data, CreatedAt: now, UpdatedAt: now}},
	}
	// Ids are in the order of time. What this browser held before is replaced, and what
	// lapsed goes.
	held, left := deviceTokens(r), 0
	for _, c := range slices.Backward(creds) {
		if c.Kind != storage.DeviceCredential {
			continue
		}
		_, counts := remembers(r, user, c)
		if left++; !counts || held[c.ID] != "" || left >= maxRemembered {
			ch.RemoveCredentials = append(ch.RemoveCredentials, storage.CredentialKey{Kind: c.Kind, ID: c.ID})
			delete(held, c.ID)
		}
	}
	if err := s.apply(r, user, ch); err != nil {
		return err
	}
	held[id] = token
	setDeviceTokens(w, r, held)
	return nil
}

// deviceTokens are what the browser holds, by the ids of credentials: "id.secret" joined
// by "~", for all people who use it.
func deviceTokens(r *http.Request) map[string]string {
	held := map[string]string{}
	for part := range strings.SplitSeq(browser.Cookie(r, rememberedCookie), "~") {
		id, token, ok := strings.Cut(part, ".")
		if ok && len(id) == 36 && len(token) == 43 && len(held) < maxRemembered {
			held[id] = token
		}
	}
	return held
}

func setDeviceTokens(w http.ResponseWriter, r *http.Request, held map[string]string) {
	var parts []string
	for id, token := range held {
		parts = append(parts, id+"."+token)
	}
	slices.Sort(parts)
	slices.Reverse(parts)
	parts = parts[:min(len(parts), maxRemembered)]
	browser.SetCookie(w, r, rememberedCookie, strings.Join(parts, "~"), rememberedFor(r))
}
