// Package clients signs in with client libraries as their authors publish them.
package clients

import (
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

func TestMain(m *testing.M) { vouchsafetest.Main(m) }
