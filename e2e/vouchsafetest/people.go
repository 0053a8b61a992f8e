package vouchsafetest

import (
	"crypto/rand"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// Person is a user with an account.
type Person struct {
	Email, Password string
}

// people are the users that the tests of a server share.
type people struct {
	once sync.Once
	jo   Person
	err  error
}

// JoClaims are Jo's claims: a value for every claim of the standard scopes.
var JoClaims = map[string]any{
	"name": "Jo Müller-O'Neill", "given_name": "Jo", "family_name": "Müller-O'Neill",
	"middle_name": "Kim", "nickname": "jojo",
	"preferred_username": "jo", "profile": "https://people.example/jo", "picture": "https://people.example/jo.png",
	"website": "https://jo.example/", "gender": "female", "birthdate": "1987-06-05",
	"zoneinfo": "Europe/Vienna", "locale": "de-AT",
	"phone_number": "+436601234567", "phone_number_verified": true,
	"address": map[string]any{
		"formatted": "Am Hof 1\n1010 Wien", "street_address": "Am Hof 1", "locality": "Wien",
		"region": "Wien", "postal_code": "1010", "country": "AT",
	},
}

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
