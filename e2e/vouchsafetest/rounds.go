package vouchsafetest

import (
	"os"
	"strconv"
)

// Rounds returns n, multiplied by VOUCHSAFE_TEST_ROUNDS if that is set, for runs that are longer
// than those of make test.
func Rounds(n int) int {
	if times, err := strconv.Atoi(os.Getenv("VOUCHSAFE_TEST_ROUNDS")); err == nil && times > 0 {
		return n * times
	}
	return n
}
