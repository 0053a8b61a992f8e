// Package crashes tests what a machine can do to the program: kill it, fill its disk, use up its
// file descriptors, close the pipe of its log, and send it more than it can process.
package crashes

import (
	"flag"
	"runtime"
	"strconv"
	"testing"

	"github.com/vouchsafe/vouchsafe/e2e/vouchsafetest"
)

// waiting is how many tests do little but wait, for minutes.
const waiting = 5

func TestMain(m *testing.M) {
	flag.Parse()
	// They must not take the places of tests that need the processor.
	if err := flag.Set("test.parallel", strconv.Itoa(runtime.GOMAXPROCS(0)+waiting)); err != nil {
		panic(err)
	}
	vouchsafetest.Main(m)
}

var web = vouchsafetest.Strict // whose secret is quick to check, also at a start

// both runs the test with SQLite, and with PostgreSQL and Redis.
func both(t *testing.T, test func(t *testing.T, production bool)) {
	for _, production := range []bool{false, true} {
		t.Run(map[bool]string{false: "embedded", true: "production"}[production], func(t *testing.T) {
			t.Parallel()
			test(t, production)
		})
	}
}
