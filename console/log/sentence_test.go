package log

import (
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/console/words"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/storage"
)

// TestEveryKindHasASentence in each language, which names as much as the event is asked for.
func TestEveryKindHasASentence(t *testing.T) {
	t.Parallel()
	for _, lang := range texts.Languages() {
		w := words.In(lang)
		for _, k := range storage.EventKinds {
			for _, role := range []string{"", "support"} {
				id, names := sentence(storage.Event{Kind: k.Kind, Detail: map[string]string{"role": role}})
				text, err := w.Say(id)
				if err != nil {
					t.Errorf("%s: %s has no sentence", lang, k.Kind)
				} else if strings.Count(text, "%s") != len(names) || !strings.HasSuffix(text, ".") {
					t.Errorf("%s: the sentence about %s has no place for %q, or no end: %s", lang, k.Kind, names, text)
				}
			}
		}
	}
}

// TestEveryRefusalIsExplained in each language, and every reason that is recorded by its own sentence.
func TestEveryRefusalIsExplained(t *testing.T) {
	t.Parallel()
	reasons := map[string][]string{
		storage.EventLoginFailed: {"unknown", "disabled", "not a method", "no password", "limited", "unreadable", "password",
			"passkey", "copied passkey", "unknown passkey", "code", "not admitted"},
		storage.EventAccessRefused:  {storage.RefusedUnverified, storage.RefusedDomain, storage.RefusedGroup, "gateway"},
		storage.EventUpstreamFailed: {"denied", "refused", "unreachable"},
	}
	for _, lang := range texts.Languages() {
		w := words.In(lang)
		for _, kind := range refusals {
			general := why(w, storage.Event{Kind: kind, Detail: map[string]string{"reason": "one of a newer release %s"}})
			if general == "" {
				t.Errorf("%s: %s is not explained", lang, kind)
			}
			seen := map[string]bool{general: true}
			for _, reason := range reasons[kind] {
				text := why(w, storage.Event{Kind: kind, Detail: map[string]string{"reason": reason}})
				if seen[text] {
					t.Errorf("%s: the reason %q of %s has no explanation of its own", lang, reason, kind)
				}
				seen[text] = true
			}
		}
		for _, reason := range reasons[storage.EventLoginFailed] {
			if _, err := w.Say("overview.reason." + wordOf(reason)); err != nil {
				t.Errorf("%s: the overview has no words for the reason %q", lang, reason)
			}
		}
	}
}

// TestEveryKindIsInAGroup: the links above the list leave no kind out.
func TestEveryKindIsInAGroup(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for _, of := range groups {
		if of == "refused" {
			continue
		}
		for _, kind := range kindsOf(of) {
			seen[kind]++
		}
	}
	for _, k := range storage.EventKinds {
		if seen[k.Kind] != 1 {
			t.Errorf("%s is in %d groups", k.Kind, seen[k.Kind])
		}
	}
}

// TestNoCellIsAFormula for a spreadsheet.
func TestNoCellIsAFormula(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"=1+1", "+1", "-1", "@sum", "\t=1", "\r=1", "\n=1"} {
		if got := plain(text); got != "'"+text {
			t.Errorf("got %q for %q", got, text)
		}
	}
	if got := plain("a=1"); got != "a=1" {
		t.Errorf("got %q for a text", got)
	}
}
