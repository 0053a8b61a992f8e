//go:build race

package buildtest

// Race says that tests, and so the program under test, run under the race detector.
const Race = true
