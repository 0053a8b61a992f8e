package main

import (
	"strings"
	"testing"
)

// TestTheProgramStartsBesideItsService runs the program with variables that Kubernetes adds for a
// Service named vouchsafe.
func TestTheProgramStartsBesideItsService(t *testing.T) {
	t.Parallel()
	sh := newShell(t, "VOUCHSAFE_SERVICE_HOST=10.0.0.11", "VOUCHSAFE_SERVICE_PORT_HTTP=8080",
		"VOUCHSAFE_PORT=tcp://10.0.0.11:8080", "VOUCHSAFE_PORT_8080_TCP_ADDR=10.0.0.11")
	if out := sh.do(t, "config"); !strings.Contains(out, "listen ") {
		t.Errorf("got %s", out)
	}
	sh.env = append(sh.env, "VOUCHSAFE_LISSTEN=:1")
	if _, stderr, code := sh.run(t, "", "serve"); code != 1 ||
		!strings.Contains(stderr, "did you mean VOUCHSAFE_LISTEN?") {
		t.Errorf("got %d, %s", code, stderr)
	}
}
