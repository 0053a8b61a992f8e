package testdaemon

import "testing"

// TestAPortIsGivenOnce also where nothing listens at it.
func TestAPortIsGivenOnce(t *testing.T) {
	given := map[int]bool{}
	for range 500 {
		port, err := FreePort()
		if err != nil {
			t.Fatal(err)
		}
		if given[port] {
			t.Fatalf("%d was given twice", port)
		}
		given[port] = true
	}
}
