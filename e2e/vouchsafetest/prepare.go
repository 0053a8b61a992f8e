package vouchsafetest

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

// Prepare makes the files, the empty databases and the settings of a server. Commands can run then.
// Restart starts the server, and the test has to stop it.
func Prepare(t testing.TB, o Options) *Server {
	t.Helper()
	s, err := prepare(o, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	showLog(t, s)
	return s
}

// Try runs a command of the program that may fail, and returns its output.
func (s *Server) Try(args ...string) (out string, err error) { return s.command("", args...) }

// KeyID returns the id of the key that signed a JWT.
func KeyID(t testing.TB, token string) string {
	t.Helper()
	head, _, _ := strings.Cut(token, ".")
	raw, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		t.Fatal(err)
	}
	var header struct {
		KeyID string `json:"kid"`
	}
	if err := json.Unmarshal(raw, &header); err != nil {
		t.Fatal(err)
	}
	return header.KeyID
}

// At returns the same program with the same address, with its connections going to another replica.
func (a *API) At(replica *Server) *API {
	c := replica.client(a.from)
	a.cleanup(c.CloseIdleConnections)
	return &API{Server: replica, client: c, from: a.from, cleanup: a.cleanup}
}
