package breaches

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/people/password"
)

// known is a password whose hash the fake service knows, and found is its answer.
const (
	known = "correct horse battery staple" // ABF7AAD6438836DBE526AA231ABDE2D0EEF74D42
	found = "0018A45C4D1DEF81644B54AB7F969B88D65:1\r\nAD6438836DBE526AA231ABDE2D0EEF74D42:42\r\n"
)

func TestBreaches(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var asked []string
	mode := ""
	set := func(m string) { mu.Lock(); mode = m; mu.Unlock() }
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		asked = append(asked, r.URL.Path)
		mode := mode
		mu.Unlock()
		if r.Header.Get("Add-Padding") != "true" || r.Header.Get("User-Agent") == "" {
			t.Errorf("got headers %v", r.Header)
		}
		switch mode {
		case "broken":
			w.WriteHeader(http.StatusInternalServerError)
		case "hangs":
			// The client has given up by the time of this answer.
			select {
			case <-r.Context().Done():
			case <-time.After(30 * time.Second):
				fmt.Fprint(w, found)
			}
		case "redirects":
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		case "floods":
			for range maxRange >> 10 {
				fmt.Fprintf(w, "%s\r\n", strings.Repeat("A", 1<<10))
			}
			fmt.Fprint(w, found) // for a client that reads this far
		case "padding":
			fmt.Fprint(w, "AD6438836DBE526AA231ABDE2D0EEF74D42:0\r\n")
		default:
			fmt.Fprint(w, found)
		}
	}))
	defer srv.Close()
	var log bytes.Buffer
	p := &password.Policy{Breaches: &Service{URL: srv.URL + "/", Log: slog.New(slog.NewTextHandler(&log, nil))}}

	// On a busy machine a request may time out: try again.
	check := func(secret string) (err error) {
		for range 10 {
			log.Reset()
			if err = p.Check(t.Context(), secret); !strings.Contains(log.String(), "deadline exceeded") {
				break
			}
		}
		return err
	}

	if err := check(known); !errors.Is(err, password.ErrBreached) {
		t.Errorf("got %v, want ErrBreached", err)
	}
	if fmt.Sprint(slices.Compact(asked)) != "[/range/ABF7A]" {
		t.Errorf("got %v: it is to be told five digits", asked)
	}
	if err := check("another horse battery staple"); err != nil {
		t.Errorf("unknown: got %v", err)
	}
	before := len(asked)
	if err := check("password"); !errors.Is(err, password.ErrCommon) || len(asked) != before {
		t.Errorf("got %v, asked %v: what is refused anyway is not asked for", err, asked)
	}
	if log.Len() > 0 {
		t.Errorf("got log %s", log.String())
	}
	for _, mode := range []string{"broken", "hangs", "redirects", "floods"} {
		set(mode)
		log.Reset()
		if err := p.Check(t.Context(), known); err != nil {
			t.Errorf("%s: got %v, want nothing to be wrong", mode, err)
		}
		if mode != "floods" && !strings.Contains(log.String(), "not asked for") || strings.Contains(log.String(), "ABF7AAD") {
			t.Errorf("%s: got log %q", mode, log.String())
		}
	}
	set("padding")
	if err := p.Check(t.Context(), known); err != nil {
		t.Errorf("padding: got %v", err)
	}
	srv.Close()
	if err := p.Check(t.Context(), known); err != nil {
		t.Errorf("down: got %v", err)
	}
}
