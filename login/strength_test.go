package login

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/people/password/strength"
)

// scored asks for the strength of a password as the page's script does.
func (v *visitor) scored(body string, header ...string) answer {
	v.t.Helper()
	req, err := http.NewRequest(http.MethodPost, v.url+v.base+"/password/score", strings.NewReader(body))
	if err != nil {
		v.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", v.url)
	req.Header.Set("Accept", "application/json")
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	return v.do(req)
}

func TestTheMeterSaysWhatTheServerJudges(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	v := s.visitor()
	for secret, about := range map[string]string{"password": "", "": "", "purple walrus umbrella": "",
		"jo.hohenstein": "jo.hohenstein@example.com", strings.Repeat("x", 1024): ""} {
		in, err := json.Marshal(map[string]any{"password": secret, "about": []string{about}})
		if err != nil {
			t.Fatal(err)
		}
		p := v.scored(string(in))
		var got struct {
			Score int
			Text  string
		}
		if err := json.Unmarshal([]byte(p.body), &got); err != nil || p.status != http.StatusOK {
			t.Fatalf("%.20q: got %d, %s", secret, p.status, p.body)
		}
		if want := strength.Score(secret, about, "Vouchsafe"); got.Score != want ||
			got.Text != english["strength."+string(rune('0'+want))] {
			t.Errorf("%.20q: got %+v, want %d", secret, got, want)
		}
		if p.header.Get("Cache-Control") != "no-store" {
			t.Errorf("got Cache-Control %q", p.header.Get("Cache-Control"))
		}
	}
	if p := v.scored(`{"password":"x"}`, "Accept-Language", "ru"); !strings.Contains(p.body, "угадать") {
		t.Errorf("in Russian: got %s", p.body)
	}
	for name, test := range map[string]struct {
		body   string
		want   int
		header []string
	}{
		"another site":    {`{"password":"x"}`, 403, []string{"Origin", "https://evil.example"}},
		"no site":         {`{"password":"x"}`, 403, []string{"Origin", ""}},
		"a form":          {`password=x`, 415, []string{"Content-Type", "application/x-www-form-urlencoded"}},
		"text":            {`{"password":"x"}`, 415, []string{"Content-Type", "text/plain"}},
		"no JSON":         {`password`, 400, nil},
		"two":             {`{"password":"x"}{"password":"x"}`, 400, nil},
		"a list":          {`{"password":["x"]}`, 400, nil},
		"more fields":     {`{"password":"x","admin":true}`, 400, nil},
		"a long one":      {`{"password":"` + strings.Repeat("x", 1025) + `"}`, 400, nil},
		"a very long one": {`{"password":"` + strings.Repeat("x", 9<<10) + `"}`, 413, nil},
		"many names":      {`{"password":"x","about":["","","","","","","","",""]}`, 400, nil},
	} {
		if p := v.scored(test.body, test.header...); p.status != test.want {
			t.Errorf("%s: got %d, want %d", name, p.status, test.want)
		}
	}
	for range 700 {
		if p := v.scored(`{"password":""}`); p.status == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("no limit")
}
