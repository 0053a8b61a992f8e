// Package passkeytest is a passkey authenticator in software. It serves tests that need answers
// that no browser gives: each part of an answer can be made wrong, while the signature stays valid.
package passkeytest

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"
)

// Key is a passkey, with what its answers say.
type Key struct {
	ID         []byte
	UserHandle []byte
	Origin     string
	RPID       string
	// Counter grows with each answer. Zero stays zero, as with synced passkeys.
	Counter uint32
	// Verified sets the flag UV, Synced the flags BE and BS, and Absent clears UP.
	Verified, Synced, Absent bool
	// Type replaces the type in the client data, unless it is "".
	Type string
	// Challenge replaces the challenge of the options, unless it is "".
	Challenge string
	// CrossOrigin says that the page was in a frame of another site.
	CrossOrigin bool
	// Discoverable is the value of rk in the extension credProps.
	Discoverable bool
	// Transport is how the device is connected, because browsers look nowhere else. The default is
	// usb.
	Transport string

	private *ecdsa.PrivateKey
}

// options are the parts of a browser's options that an authenticator uses.
type options struct {
	Challenge string `json:"challenge"`
	RPID      string `json:"rpId"`
	RP        struct {
		ID string `json:"id"`
	} `json:"rp"`
	User struct {
		ID string `json:"id"`
	} `json:"user"`
}

var b64 = base64.RawURLEncoding.EncodeToString

// New returns a device with a new key for the site at origin. It verifies its user.
func New(t testing.TB, origin string) *Key {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	k := &Key{ID: make([]byte, 16), Origin: origin, Counter: 1, Verified: true, Discoverable: true, private: private}
	rand.Read(k.ID)
	return k
}

// Register returns the device's answer to PublicKeyCredentialCreationOptionsJSON.
func (k *Key) Register(t testing.TB, asked json.RawMessage) []byte {
	t.Helper()
	o := k.read(t, asked)
	handle, err := base64.RawURLEncoding.DecodeString(o.User.ID)
	if err != nil {
		t.Fatal(err)
	}
	k.UserHandle = handle
	if k.RPID == "" {
		k.RPID = o.RP.ID
	}
	data := k.data(0x40)
	data = append(data, make([]byte, 16)...) // an AAGUID that names no model
	data = binary.BigEndian.AppendUint16(data, uint16(len(k.ID)))
	data = append(data, k.ID...)
	data = append(data, k.PublicKey(t)...)
	object := append([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58"), byte(len(data)))
	object = append(object, data...)
	return k.answer(t, map[string]any{"credProps": map[string]any{"rk": k.Discoverable}}, map[string]any{
		"clientDataJSON": b64(k.client(t, "webauthn.create", o)), "attestationObject": b64(object),
		"transports": []string{cmp.Or(k.Transport, "usb")},
	})
}

// PublicKey returns the public key as a COSE_Key.
func (k *Key) PublicKey(t testing.TB) []byte {
	t.Helper()
	public, err := k.private.PublicKey.Bytes() // 0x04, x, y
	if err != nil {
		t.Fatal(err)
	}
	cose := []byte{0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20} // EC2, ES256, P-256, x
	cose = append(cose, public[1:33]...)
	cose = append(cose, 0x22, 0x58, 0x20) // y
	return append(cose, public[33:]...)
}

// SignIn returns the device's answer to PublicKeyCredentialRequestOptionsJSON.
func (k *Key) SignIn(t testing.TB, asked json.RawMessage) []byte {
	t.Helper()
	o := k.read(t, asked)
	if k.Counter != 0 {
		k.Counter++
	}
	client, data := k.client(t, "webauthn.get", o), k.data(0)
	sum := sha256.Sum256(client)
	sum = sha256.Sum256(append(data[:len(data):len(data)], sum[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, k.private, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	response := map[string]any{"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature)}
	if k.UserHandle != nil {
		response["userHandle"] = b64(k.UserHandle)
	}
	return k.answer(t, map[string]any{}, response)
}

func (k *Key) read(t testing.TB, asked json.RawMessage) options {
	t.Helper()
	var o options
	if err := json.Unmarshal(asked, &o); err != nil {
		t.Fatalf("options %s: %v", asked, err)
	}
	return o
}

// client returns the client data of a ceremony: webauthn.create or webauthn.get.
func (k *Key) client(t testing.TB, ceremony string, o options) []byte {
	t.Helper()
	c := map[string]any{"type": ceremony, "challenge": o.Challenge, "origin": k.Origin, "crossOrigin": k.CrossOrigin}
	if k.Type != "" {
		c["type"] = k.Type
	}
	if k.Challenge != "" {
		c["challenge"] = k.Challenge
	}
	raw, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// data returns the authenticator data up to the counter.
func (k *Key) data(flags byte) []byte {
	if !k.Absent {
		flags |= 0x01
	}
	if k.Verified {
		flags |= 0x04
	}
	if k.Synced {
		flags |= 0x18
	}
	rp := sha256.Sum256([]byte(k.RPID))
	return binary.BigEndian.AppendUint32(append(rp[:], flags), k.Counter)
}

// answer returns a PublicKeyCredential as JSON.
func (k *Key) answer(t testing.TB, extensions, response map[string]any) []byte {
	t.Helper()
	raw, err := json.Marshal(map[string]any{
		"id": b64(k.ID), "rawId": b64(k.ID), "type": "public-key", "clientExtensionResults": extensions, "response": response,
	})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Private returns the private key as PKCS #8, for the virtual authenticator of a browser.
func (k *Key) Private(t testing.TB) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(k.private)
	if err != nil {
		t.Fatal(err)
	}
	return der
}
