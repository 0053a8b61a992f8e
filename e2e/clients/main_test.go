// Package clients signs in with client libraries as their authors publish them.
package clients

import (
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func TestMain(m *testing.M) {
	// The tests sign in from many new browsers at once, which the limits would take for an attack.
	vouchsafetest.Env = map[string]string{"VOUCHSAFE_UNLIMITED_ADDRESSES": "127.0.0.0/8"}
	// Through a proxy that sends every request to another replica.
	vouchsafetest.Replicas = 3
	vouchsafetest.Main(m)
}
