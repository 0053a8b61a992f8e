package login

import (
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestEveryEventHasASentence: the activity page has words for each kind of event about a user, and no
// words for a kind that nothing records.
func TestEveryEventHasASentence(t *testing.T) {
	t.Parallel()
	used := map[string]bool{}
	for _, k := range storage.EventKinds {
		if k.Meaning == "" || !strings.HasSuffix(k.Meaning, ".") {
			t.Errorf("%s: got the meaning %q, want a sentence", k.Kind, k.Meaning)
		}
		sentence := storage.EventSentence(k.Kind)
		used[sentence] = true
		if _, ok := texts.In("en")[sentence]; !ok {
			t.Errorf("%s: there is no text %s", k.Kind, sentence)
		}
	}
	for id := range texts.In("en") {
		kind, ok := strings.CutPrefix(id, "activity.")
		if ok && strings.Contains(kind, ".") && !used[id] {
			t.Errorf("the text %s is of no kind of event", id)
		}
	}
}
