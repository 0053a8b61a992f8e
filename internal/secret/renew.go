package secret

import "encoding/hex"

// Fingerprints returns a short hash of each master secret, in their order. The first one seals. A
// fingerprint does not reveal its secret.
func (m *Masters) Fingerprints() []string {
	prints := make([]string, len(m.secrets))
	for i, s := range m.secrets {
		prints[i] = hex.EncodeToString(derive(s, "fingerprint")[:8])
	}
	return prints
}

// Renew returns the content of sealed, sealed with the first master secret. It returns nil if
// sealed is so already, and ErrInvalid if no secret opens it.
func (b *Box) Renew(sealed []byte) ([]byte, error) {
	if _, ok := b.keys[0].open(sealed); ok {
		return nil, nil
	}
	plain, err := b.Open(sealed)
	if err != nil {
		return nil, err
	}
	return b.Seal(plain), nil
}

// MACKeys returns the keys of MAC, one for each master secret. A MAC that has to outlive a master
// secret is stored and sealed together with these keys, because it cannot be made anew without the
// authenticated text.
func (b *Box) MACKeys() [][]byte {
	keys := make([][]byte, len(b.keys))
	for i, k := range b.keys {
		keys[i] = k.macKey
	}
	return keys
}
