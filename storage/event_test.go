package storage

import "testing"

// TestAudiencesOfKindsOfEvents: clients learn only of users, and events about the installation are for its
// operator.
func TestAudiencesOfKindsOfEvents(t *testing.T) {
	seen := map[string]bool{}
	for _, k := range EventKinds {
		if seen[k.Kind] {
			t.Errorf("%s stands in the table twice", k.Kind)
		}
		seen[k.Kind] = true
		if k.Audience == ToClient && k.Subject != AboutUser {
			t.Errorf("%s: clients would learn of a %s", k.Kind, k.Subject)
		}
		if k.Subject == AboutInstallation && k.Audience != ToOperator {
			t.Errorf("%s: administrators of a tenant would learn of the installation", k.Kind)
		}
		if sentence := EventSentence(k.Kind); k.Subject != AboutUser && sentence != "activity.other" {
			t.Errorf("%s: got the sentence %s, but it is on no user's page", k.Kind, sentence)
		}
	}
	for _, kind := range append(withoutSentence, ofUnknownUsers...) {
		if k := eventKinds[kind]; k == nil || k.Subject != AboutUser {
			t.Errorf("%s is no kind about users", kind)
		}
	}
}
