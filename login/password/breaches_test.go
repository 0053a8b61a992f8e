package password

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// known is a password of which the stand-in knows the hash.
const known = "correct horse battery staple" // ABF7AAD6438836DBE526AA231ABDE2D0EEF74D42

func TestBreaches(t *testing.T) {
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
			<-r.Context().Done()
		case "redirects":
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		case "floods":
			for range 1 << 12 {
				fmt.Fprintf(w, "%s\r\n", strings.Repeat("A", 1<<10))
			}
		case "padding":
			fmt.Fprint(w, "AD6438836DBE526AA231ABDE2D0EEF74D42:0\r\n")
		default:
			fmt.Fprint(w, "0018A45C4D1DEF81644B54AB7F969B88D65:1\r\nAD6438836DBE526AA231ABDE2D0EEF74D42:42\r\n")
		}
	}))
	defer srv.Close()
	var log bytes.Buffer
	p := &Policy{Breaches: &Breaches{URL: srv.URL + "/", Log: slog.New(slog.NewTextHandler(&log, nil))}}

	if err := p.Check(t.Context(), known); !errors.Is(err, ErrBreached) {
		t.Errorf("got %v, want ErrBreached", err)
	}
	if fmt.Sprint(asked) != "[/range/ABF7A]" {
		t.Errorf("got %v: it is to be told five digits", asked)
	}
	if err := p.Check(t.Context(), "another horse battery staple"); err != nil {
		t.Errorf("unknown: got %v", err)
	}
	if err := p.Check(t.Context(), "password"); !errors.Is(err, ErrCommon) || len(asked) != 2 {
		t.Errorf("got %v, asked %v: what is refused anyway is not asked for", err, asked)
	}
	if log.Len() > 0 {
		t.Errorf("got log %s", log.String())
	}
	for _, mode := range []string{"broken", "hangs", "redirects", "floods"} {
		set(mode)
		log.Reset()
		start := time.Now()
		if err := p.Check(t.Context(), known); err != nil {
			t.Errorf("%s: got %v, want nothing to be wrong", mode, err)
		}
		if took := time.Since(start); took > 1500*time.Millisecond {
			t.Errorf("%s: took %v", mode, took)
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
