package clientauth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/testkeys"
	"github.com/vouchsafe/vouchsafe/storage"
)

// clientServer is a client's server: it has the document that it publishes now, and counts
// requests.
type clientServer struct {
	mu    sync.Mutex
	doc   string
	err   error
	asked int
}

func (p *clientServer) set(doc string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.doc, p.err = doc, err
}

func (p *clientServer) Fetch(context.Context, string) ([]byte, error) {
	time.Sleep(time.Second)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked++
	return []byte(p.doc), p.err
}

func jwksOf(keys ...string) string {
	doc := `{"keys":[`
	for i, k := range keys {
		if i > 0 {
			doc += ","
		}
		doc += k
	}
	return doc + "]}"
}

// keyCheck returns a function that looks for a key of the client, and checks the result and how
// many requests the client's server has had.
func keyCheck(t *testing.T, by *Authenticator, from *clientServer) func(kid string, found bool, asked int) {
	c := &storage.Client{TenantID: "default", ClientID: "rp", JWKSURI: "https://rp.example.com/jwks"}
	return func(kid string, found bool, asked int) {
		t.Helper()
		keys, err := by.clientKeys(t.Context(), c, kid)
		if got := err == nil && len(keys) > 0; got != found || from.asked != asked {
			t.Errorf("kid %q: found %v (%v), asked %d times; want %v, %d", kid, got, err, from.asked, found, asked)
		}
	}
}

func TestRemoteKeysAreKeptAndAskedForAgain(t *testing.T) {
	t.Parallel()
	a, b := testkeys.JWK(t, "a"), testkeys.JWK(t, "b")
	synctest.Test(t, func(t *testing.T) {
		from := &clientServer{doc: jwksOf(a)}
		by := &Authenticator{Fetch: from}
		check := keyCheck(t, by, from)
		check("a", true, 1)
		check("a", true, 1)
		check("", true, 1)
		// The client rotates its key. The new key is found at once, and made-up ids of keys cost
		// one fetch per pause.
		from.set(jwksOf(a, b), nil)
		check("b", true, 2)
		check("c", false, 2)
		time.Sleep(keysPause)
		for range 100 {
			check("c", false, 3)
		}
		// A key that was removed is gone once the document is old.
		from.set(jwksOf(b), nil)
		check("a", true, 3)
		time.Sleep(keysFresh)
		check("b", true, 4)
		time.Sleep(keysPause)
		check("a", false, 5)
	})
}

func TestRemoteKeysSurviveAnOutageForAWhile(t *testing.T) {
	t.Parallel()
	a := testkeys.JWK(t, "a")
	synctest.Test(t, func(t *testing.T) {
		from := &clientServer{doc: jwksOf(a)}
		by := &Authenticator{Fetch: from}
		check := keyCheck(t, by, from)
		check("a", true, 1)
		from.set("", errors.New("down"))
		time.Sleep(keysFresh)
		check("a", true, 2)
		check("a", true, 2) // not asked again so soon
		time.Sleep(keysStale)
		check("a", false, 3)
		from.set(jwksOf(a), nil)
		check("a", false, 3)
		time.Sleep(keysPause)
		check("a", true, 4)
	})
}

// L4: many assertions at once cause one fetch, and a document that cannot be read is not fetched
// again and again.
func TestAStormIsOneFetch(t *testing.T) {
	t.Parallel()
	a := testkeys.JWK(t, "a")
	synctest.Test(t, func(t *testing.T) {
		from := &clientServer{doc: jwksOf(a)}
		by := &Authenticator{Fetch: from}
		c := &storage.Client{TenantID: "default", ClientID: "rp", JWKSURI: "https://rp.example.com/jwks"}
		storm := func() {
			var wg sync.WaitGroup
			for i := range 1000 {
				wg.Go(func() { _, _ = by.clientKeys(t.Context(), c, fmt.Sprint("made-up-", i)) })
			}
			wg.Wait()
		}
		storm()
		if from.asked > 2 { // the first look, and one for a kid that was not there
			t.Errorf("asked %d times, want at most 2", from.asked)
		}
		from.asked = 0
		from.set("", errors.New("down"))
		time.Sleep(keysFresh)
		storm()
		storm()
		if from.asked != 1 {
			t.Errorf("down: asked %d times, want 1", from.asked)
		}
	})
}

func TestACallerThatLeavesDoesNotEndTheFetch(t *testing.T) {
	t.Parallel()
	a := testkeys.JWK(t, "a")
	synctest.Test(t, func(t *testing.T) {
		from := &clientServer{doc: jwksOf(a)}
		by := &Authenticator{Fetch: from}
		c := &storage.Client{TenantID: "default", ClientID: "rp", JWKSURI: "https://rp.example.com/jwks"}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := by.clientKeys(ctx, c, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v, want the caller's deadline", err)
		}
		time.Sleep(2 * time.Second)
		keyCheck(t, by, from)("a", true, 1)
	})
}

func TestUnusableKeysAreLeftOut(t *testing.T) {
	t.Parallel()
	good := testkeys.JWK(t, "a")
	synctest.Test(t, func(t *testing.T) {
		from := &clientServer{doc: jwksOf(good, `{"kty":"XX","kid":"x"}`, `{"kty":"oct","kid":"s","k":"AAAA"}`,
			`{"kty":"RSA","kid":"w","n":"w7vxQ0","e":"AQAB"}`)}
		by := &Authenticator{Fetch: from}
		c := &storage.Client{TenantID: "default", JWKSURI: "https://rp.example.com/jwks"}
		if keys, err := by.clientKeys(t.Context(), c, ""); err != nil || len(keys) != 1 || keys[0].KeyID != "a" {
			t.Errorf("got %v, %v; want the one good key", keys, err)
		}
	})
	inline := &storage.Client{JWKS: []byte(jwksOf(good))}
	by := &Authenticator{}
	if keys, err := by.clientKeys(t.Context(), inline, "a"); err != nil || len(keys) != 1 {
		t.Errorf("inline: got %v, %v", keys, err)
	}
	if keys, _ := by.clientKeys(t.Context(), inline, "b"); len(keys) != 0 {
		t.Errorf("inline, another kid: got %v", keys)
	}
	if _, err := by.clientKeys(t.Context(), &storage.Client{}, ""); err == nil {
		t.Error("a client without keys: no error")
	}
}
