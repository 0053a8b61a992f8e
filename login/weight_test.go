package login

import (
	"io"
	"net/http"
	"regexp"
	"testing"
)

// mostBytes is what a page may weigh with all that it loads from us, as it is transferred.
const mostBytes = 20 << 10

// TestPagesAreLight adds up what a browser fetches for a page when it keeps nothing.
func TestPagesAreLight(t *testing.T) {
	t.Parallel()
	s := newSite(t, free)
	s.user("default", "jo@example.com", "", right)
	v := s.signedIn("jo@example.com")
	assets := regexp.MustCompile(`(?:href|src)="(/static/[^"]+)"`)
	for _, path := range []string{"/login?other=1", "/signup", "/forgot", "/account", "/account/profile",
		"/account/password", "/account/passkeys", "/account/activity"} {
		page := v.at(path)
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
}
