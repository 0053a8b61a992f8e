package vouchsafetest

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Jo returns a user who has a value for every claim. Tests share the account and must not change
// it.
func (s *Server) Jo(t testing.TB) Person {
	t.Helper()
	s.people.once.Do(func() {
		s.people.jo = Person{"jo@example.com", "correct horse battery staple"}
		s.people.err = s.add(s.people.jo, JoClaims)
	})
	if s.people.err != nil {
		t.Fatal(s.people.err)
	}
	return s.people.jo
}

// Person adds a user for this test.
func (s *Server) Person(t testing.TB, args ...string) Person {
	t.Helper()
	p := Person{strings.ToLower(rand.Text()) + "@example.com", "pw-" + rand.Text()}
	if err := s.add(p, nil, args...); err != nil {
		t.Fatal(err)
	}
	return p
}

func (s *Server) add(p Person, claims map[string]any, args ...string) error {
	args = append([]string{"user", "add", p.Email, "--verified", "--password-stdin"}, args...)
	if claims != nil {
		text, err := json.Marshal(claims)
		if err != nil {
			return err
		}
		file := filepath.Join(s.Dir, "claims-of-"+p.Email+".json")
		if err := os.WriteFile(file, text, 0o600); err != nil {
			return err
		}
		args = append(args, "--profile", file)
	}
	_, err := s.command(p.Password+"\n", args...)
	return err
}
