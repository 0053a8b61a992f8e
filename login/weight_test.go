package login

import (
	"io"
	"net/http"
	"regexp"
	"testing"
)

// mostBytes is what a page may weigh with all that it loads from us, as it is transferred.
const mostBytes = 20 << 10

// TestPagesAreLight adds up what a browser fetches for each page when it keeps nothing.
func TestPagesAreLight(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	s.user("default", "jo@example.com", "", right)
	weighed := map[string]bool{}
	for _, v := range []*visitor{s.visitor(), s.signedIn("jo@example.com")} {
		for _, path := range s.pagePaths() {
			page := v.get(path + "?token=setup-default")
			if page.status != http.StatusOK {
				continue
			}
			weighed[path] = true
			s.weigh(v, path, page)
		}
	}
	if len(weighed) < 25 {
		t.Errorf("only %d pages were weighed: %v", len(weighed), weighed)
	}
}

var assets = regexp.MustCompile(`(?:href|src)="(/static/[^"]+)"`)

// weigh adds up what a browser fetches for the page.
func (s *site) weigh(v *visitor, path string, page answer) {
	t := s.t
	t.Helper()
	total := len(page.body)
	for _, m := range assets.FindAllStringSubmatch(page.body, -1) {
		req, err := http.NewRequest(http.MethodGet, s.url+m[1], nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Accept-Encoding", "gzip") // the client does not unpack what the caller asked for
		resp, err := v.client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		n, err := io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d, %v", m[1], resp.StatusCode, err)
		}
		total += int(n)
	}
	t.Logf("%s: %d bytes", path, total)
	if total > mostBytes {
		t.Errorf("%s weighs %d bytes, and may weigh %d", path, total, mostBytes)
	}
}
