package vouchsafetest

import (
	"path/filepath"
	"testing"
)

// Tenant adds a tenant with the usual clients, and returns the server with that tenant's issuer.
// The tenant has no users.
func (s *Server) Tenant(t testing.TB, id string) *Server {
	t.Helper()
	s.Command(t, "", "tenant", "add", id)
	s.Command(t, "", "client", "apply", filepath.Join(s.Dir, "clients.yaml"), "--tenant", id)
	return &Server{
		Name: s.Name, TenantID: id, Issuer: s.Issuer + "/t/" + id, Address: s.Address, Operations: s.Operations, Dir: s.Dir,
		Database: s.Database, Certificate: s.Certificate, KeyHost: s.KeyHost,
		env: s.env, binary: s.binary, log: s.log, life: s.life, people: s.people,
	}
}
