package vouchsafetest

import (
	"os"
	"strconv"
)

// Rounds is n, or n times VOUCHSAFE_TEST_ROUNDS where that is set: for longer runs than make test's.
func Rounds(n int) int {
	if times, err := strconv.Atoi(os.Getenv("VOUCHSAFE_TEST_ROUNDS")); err == nil && times > 0 {
		return n * times
	}
	return n
}
