package secret

import "encoding/hex"

// Fingerprints name the master secrets without telling anything of them, in their order: the
// first is of the one that seals.
func (m *Masters) Fingerprints() []string {
	prints := make([]string, len(m.secrets))
	for i, s := range m.secrets {
		prints[i] = hex.EncodeToString(derive(s, "fingerprint")[:8])
	}
	return prints
}

// Renew is what sealed holds, sealed with the first master secret; nil when it is already.
// ErrInvalid.
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

// MACKeys are the keys of MAC, of all master secrets. A MAC that has to outlive them is
// stored, sealed, together with these: it cannot be made anew without what was authenticated.
func (b *Box) MACKeys() [][]byte {
	keys := make([][]byte, len(b.keys))
	for i, k := range b.keys {
		keys[i] = k.macKey
	}
	return keys
}
