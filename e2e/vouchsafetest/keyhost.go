package vouchsafetest

import (
	"crypto/tls"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
)

// KeyHost serves a client's keys, and counts the requests for them.
type KeyHost struct {
	URL     string
	Fetches atomic.Int64
	set     atomic.Pointer[[]byte]
	server  *httptest.Server
}

// newKeyHost starts a host that has no keys yet. It ends with the process.
func newKeyHost(c *Certificate) *KeyHost {
	h := &KeyHost{}
	h.Serve(map[string]any{"keys": []any{}})
	h.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h.Fetches.Add(1)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(*h.set.Load())
	}))
	h.server.TLS = &tls.Config{Certificates: []tls.Certificate{c.Pair}}
	h.server.StartTLS()
	h.URL = h.server.URL + "/jwks.json"
	return h
}

// Serve replaces the keys.
func (h *KeyHost) Serve(set map[string]any) {
	text, err := json.Marshal(set)
	if err != nil {
		panic(err) // the set consists of public keys that the tests made
	}
	h.set.Store(&text)
}
