package login

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/issuer"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/storage"
)

func TestPagesSpeakTheLanguageAskedFor(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	for name, c := range map[string]struct {
		client, parameter, header string
		want                      string
	}{
		"nothing":                     {"", "", "", "en"},
		"the browser's":               {"", "", "pt-BR,pt;q=0.9,en;q=0.8", "pt"},
		"the best of several":         {"", "", "en;q=0.3,xx,ru;q=0.9", "ru"},
		"none of ours":                {"", "", "ja,zh;q=0.9", "en"},
		"a neighbour is no stand-in":  {"", "", "uk,en;q=0.5", "en"},
		"a country of the language":   {"", "", "de-CH", "de"},
		"the page's over the browser": {"", "fr-CA fr en", "de", "fr"},
		"the client's over all":       {"xx es", "fr", "de", "es"},
		"a client with none of ours":  {"ja", "", "de", "de"},
		"no tags":                     {"../../x \x00", "%00", ";;;,,,q=", "en"},
		"far too many":                {strings.Repeat("ja ", 3000) + "de", "", strings.Repeat("ja,", 5000) + "de", "en"},
		"one long tag":                {strings.Repeat("a-", 5000), "", strings.Repeat("a-", 5000), "en"},
	} {
		query := "ui_locales=" + strings.ReplaceAll(c.parameter, " ", "+")
		if c.client != "" {
			query += "&" + s.ask("", storage.Interaction{UILocales: strings.Fields(c.client)})
		}
		v := s.visitor()
		get := func(path string) answer {
			req, err := http.NewRequest(http.MethodGet, v.url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Accept-Language", c.header)
			return v.do(req)
		}
		p := get("/login?" + query)
		if !strings.Contains(p.body, `<html lang="`+c.want+`">`) ||
			!strings.Contains(p.body, texts.In(c.want)["signin.go_on"]) {
			t.Errorf("%s: got %s, want %s", name, p.body[:60], c.want)
		}
		if c.client == "" { // the error page too
			if p := get("/setup?" + query); !strings.Contains(p.body, `<html lang="`+c.want+`">`) ||
				!strings.Contains(p.body, texts.In(c.want)["error.id"]) {
				t.Errorf("%s: the error page: got %s, want %s", name, p.body[:60], c.want)
			}
		}
	}
}

// TestHostileLanguageTagsCostNothing: x/text takes time by the square of such a tag's
// length: half a minute for this one.
func TestHostileLanguageTagsCostNothing(t *testing.T) {
	t.Parallel()
	v := newSite(t, nil).visitor()
	start := time.Now()
	v.get("/login?ui_locales=" + strings.Repeat("en-t-", 150_000))
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("the page took %v", took)
	}
}

// TestLanguageStaysWithTheForm: what the form answers is in the language of its page.
func TestLanguageStaysWithTheForm(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	v := s.visitor()
	for _, query := range []string{"ui_locales=de", s.ask("", storage.Interaction{UILocales: []string{"de"}})} {
		p := v.get("/login?" + query)
		fields := []string{"login", "nobody", "password", "wrong battery horse"}
		if strings.HasPrefix(query, "i=") {
			fields = append(fields, "i", query[2:])
		} else if !strings.Contains(p.body, `name="ui_locales" value="de"`) {
			t.Errorf("%s: the form does not carry the language along", query)
		} else {
			fields = append(fields, "ui_locales", "de")
		}
		if p := v.post("/login", fields...); !strings.Contains(p.body, texts.In("de")["signin.wrong"]) {
			t.Errorf("%s: the answer to the form is not German", query)
		}
	}
}

// TestErrorPageLeavesBodiesAlone: what failed before its body was read stays unread.
func TestErrorPageLeavesBodiesAlone(t *testing.T) {
	t.Parallel()
	s := newSite(t, nil)
	body := strings.NewReader("i=x&ui_locales=de")
	req, err := http.NewRequest(http.MethodPost, s.url+"/nothing", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if got := ui.Words(req.WithContext(web.WithTenant(t.Context(), &issuer.Tenant{})))["lang"]; got != "en" ||
		body.Len() == 0 {
		t.Errorf("got %s, with %d bytes unread", got, body.Len())
	}
}
