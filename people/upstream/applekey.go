package upstream

import (
	"crypto/ecdsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
)

// ReadAppleKey reads the file that Apple gives out in place of a client secret. Its errors do not
// quote the file.
func ReadAppleKey(text string) (*ecdsa.PrivateKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("apple: the client secret is no PEM block")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if ec, ok := key.(*ecdsa.PrivateKey); err == nil && ok && ec.Curve.Params().BitSize == 256 {
		return ec, nil
	}
	return nil, errors.New("apple: the client secret is no P-256 key in PKCS #8")
}
