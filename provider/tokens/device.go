package tokens

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// DeviceInterval is how long a device has to wait before it asks again whether the user has decided.
	DeviceInterval = 5 * time.Second
	// DeviceAsks and DeviceSettled are the purposes of the code of a device that waits for the user, and of one about
	// which the user has decided.
	DeviceAsks, DeviceSettled = "device", storage.CodeDeviceSettled
)

// userCodeLetters are those of user codes: no vowels, so that no words come out, and nothing that looks like a digit
// (RFC 8628 section 6.1).
const userCodeLetters = "BCDFGHJKLMNPQRSTVWXZ"

// Device is what is stored of a device that asks for tokens, sealed, as the Data of a storage.Code.
type Device struct {
	ClientID string `json:"c"`
	Asked    string `json:"q,omitempty"` // a form with the parameters of the request
	UserCode string `json:"u"`           // as the device shows it
	// IP and UserAgent are those of the device.
	IP        string `json:"i,omitempty"`
	UserAgent string `json:"a,omitempty"`
	// Code is the authorization code that the user allowed; "" until then. Denied says that the user refused.
	Code   string `json:"k,omitempty"`
	Denied bool   `json:"d,omitempty"`
}

// NewUserCode returns eight random letters with a hyphen between them: 34 bits.
func NewUserCode() string {
	letters := ""
	for len(letters) < 8 {
		for _, c := range rand.Text() { // all letters and some digits, equally probable
			if strings.ContainsRune(userCodeLetters, c) {
				letters += string(c)
			}
		}
	}
	return letters[:4] + "-" + letters[4:8]
}

// UserCodeKey returns under which name the user code is stored, as users may type it: in small letters, with spaces or
// without the hyphen. "" if it cannot be one.
func UserCodeKey(typed string) string {
	var letters strings.Builder
	for _, c := range strings.ToUpper(typed) {
		switch {
		case strings.ContainsRune(userCodeLetters, c):
			letters.WriteRune(c)
		case c == '-' || c == ' ' || c == '\u2010' || c == '\u2011' || c == '\u2013':
		default:
			return ""
		}
	}
	if letters.Len() != 8 {
		return ""
	}
	return hash(letters.String())
}

// DeviceID returns the id under which the code of a device is stored.
func DeviceID(deviceCode string) string { return hash(deviceCode) }

// SettledID returns the id under which it is stored what the user decided about the device with that id. It differs, so
// that of two decisions one finds nothing any more.
func SettledID(id string) string { return id + "-settled" }

// hash returns the SHA-256 in hexadecimal digits.
func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

// SealDevice returns the code with d as its sealed Data.
func (m *Maker) SealDevice(t *issuer.Tenant, d *Device, code storage.Code) (storage.Code, error) {
	plain, err := json.Marshal(d)
	if err != nil {
		return code, fmt.Errorf("encode device: %w", err)
	}
	code.TenantID, code.Data = t.ID, m.Secrets.Box(t.ID, secret.DeviceRequest).Seal(plain)
	code.CodeHash, code.LinkHash = []byte{}, []byte{}
	return code, nil
}

// OpenDevice opens the result of SealDevice.
func (m *Maker) OpenDevice(t *issuer.Tenant, code storage.Code) (*Device, error) {
	plain, err := m.Secrets.Box(t.ID, secret.DeviceRequest).Open(code.Data)
	if err != nil {
		return nil, fmt.Errorf("open device: %w", err)
	}
	d := &Device{}
	if err := json.Unmarshal(plain, d); err != nil {
		return nil, fmt.Errorf("decode device: %w", err)
	}
	return d, nil
}
