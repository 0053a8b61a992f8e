package texts

import "testing"

// TestErrorDescriptionsKeepApostrophes: certification suites refuse quotation marks and letters beyond
// ASCII there.
func TestErrorDescriptionsKeepApostrophes(t *testing.T) {
	t.Parallel()
	if got := ASCII("You can’t, says “Ré\"sumé”."); got != "You can't, says 'R?'sum?'." {
		t.Errorf("got %q", got)
	}
}
