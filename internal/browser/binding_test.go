package browser_test

import (
	"net/http"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/browser"
)

// bound returns the browser's binding.
func (j *jar) bound() (b string) {
	j.visit(func(w http.ResponseWriter, r *http.Request) { b = browser.Binding(w, r) })
	return b
}

// began reports whether a flow that began under the binding belongs to the browser.
func (j *jar) began(binding string) (ok bool) {
	j.visit(func(_ http.ResponseWriter, r *http.Request) {
		ok = browser.Began(r, func(b string) bool { return b == binding })
		if ok != slices.Contains(browser.Bindings(r), binding) {
			ok = false
		}
	})
	return ok
}

// TestEveryProofAndSignOutRenewsTheBinding: an attacker who saw an earlier binding cannot tell what
// is tied to the browser afterwards, while other tabs finish what they began.
func TestEveryProofAndSignOutRenewsTheBinding(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, store := open(t)
		u := user(t, store, "default")
		j := at(secure)
		var seen []string
		renewed := func(what string) {
			t.Helper()
			b := j.bound()
			if slices.Contains(seen, b) {
				t.Errorf("%s: the binding is one that the browser had", what)
			}
			if len(seen) > 0 && !j.began(seen[len(seen)-1]) {
				t.Errorf("%s: what was begun in another tab is lost", what)
			}
			seen = append(seen, b)
		}
		renewed("at first")
		j.start(t, s, u)
		renewed("a sign-in")
		j.start(t, s, u)
		renewed("another")
		j.visit(func(w http.ResponseWriter, r *http.Request) {
			a, err := s.Current(r)
			if err == nil {
				err = raise(s, w, r, a, "2", "pwd", "otp")
			}
			if err != nil {
				t.Error(err)
			}
		})
		renewed("a second factor")
		j.visit(func(w http.ResponseWriter, r *http.Request) {
			a, err := s.Current(r)
			if err == nil {
				err = s.End(w, r, nil, a.ID)
			}
			if err != nil {
				t.Error(err)
			}
		})
		renewed("a sign-out")
		j.visit(func(w http.ResponseWriter, r *http.Request) {
			if err := s.End(w, r, nil, "nothing"); err != nil {
				t.Error(err)
			}
		})
		if b := j.bound(); b != seen[len(seen)-1] {
			t.Error("a sign-out without a session changes the binding")
		}
		// A thief of the first binding gets nothing that began later.
		thief := at(secure)
		thief.cookies["__Host-vouchsafe-browser"] = seen[0]
		if thief.began(seen[1]) {
			t.Error("what began after a proof works with the binding from before")
		}
		time.Sleep(time.Hour)
		if j.began(seen[0]) || !j.began(seen[len(seen)-1]) {
			t.Error("an hour later the binding from before still counts, or that of now does not")
		}
	})
}

func TestBindingsThatWereNotGivenAreWorthNothing(t *testing.T) {
	t.Parallel()
	j := at(secure)
	for _, value := range []string{"", "~", "x.1", "~~~.", j.bound(), j.bound() + ".x",
		j.bound() + ".99999999999999999999"} {
		other := at(secure)
		other.cookies["__Host-vouchsafe-browser-before"] = value
		if other.began(j.bound()) || other.began("") {
			t.Errorf("%q counts", value)
		}
	}
}
