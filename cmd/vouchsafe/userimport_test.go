package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/report"
	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/users"
	"github.com/vouchsafe/vouchsafe/people/importing"
)

// report reads what was refused, by line.
func (s *shell) report(t *testing.T, name string) map[int]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	why := map[int]string{}
	for line := range strings.Lines(string(text)) {
		var f report.Refusal
		if err := json.Unmarshal([]byte(line), &f); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		why[f.Line] = f.Reason
	}
	return why
}

// signIn signs in over HTTP, as a browser without scripts, and gives where that leads, and the
// status. Where the machine is too busy, it tries again when it is told to.
func (r *running) signIn(t *testing.T, login, password string) (to string, status int) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); ; {
		res := r.trySignIn(t, login, password)
		pause, err := strconv.Atoi(res.Header.Get("Retry-After"))
		if res.StatusCode != http.StatusServiceUnavailable || err != nil || time.Now().After(end) {
			return leads(res), res.StatusCode
		}
		time.Sleep(time.Duration(pause) * time.Second)
	}
}

func (r *running) trySignIn(t *testing.T, login, password string) *http.Response {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	page, err := c.Get(r.issuer + "/login")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(page.Body)
	page.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	token := regexp.MustCompile(`name="form" value="([^"]*)"`).FindSubmatch(body)
	if token == nil {
		t.Fatalf("no form in %s", body)
	}
	form := url.Values{"form": {string(token[1])}, "login": {login}, "password": {password}}
	req, err := http.NewRequest(http.MethodPost, r.issuer+"/login", strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", r.issuer)
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if to := leads(res); strings.HasPrefix(to, "/login?") { // refused: the page there says why, by its status too
		if res, err = c.Get(r.issuer + to); err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	return res
}

const firebaseConsole = `hash_config {
  algorithm: SCRYPT,
  base64_signer_key: jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==,
  base64_salt_separator: Bw==,
  rounds: 8,
  mem_cost: 14,
}
`

// TestImportedPeopleSignIn imports each kind of hash and signs in with it over HTTP, twice:
// the second time the hash is one of ours. They move on by export to another server.
func TestImportedPeopleSignIn(t *testing.T) {
	t.Parallel()
	people := []struct{ name, hash, salt, password string }{
		{"auth0", `"$2b$10$OmzpustoVa2B/vLHNTMFpOn/yJresNBj7eiWbU7Mgkp.lhj5B7zaK"`, "", "correct horse"},
		{"bcrypt-2a", `"$2a$07$usesomesillystringfore2uDLvp1Ii2e./U9C8sBjqp8I90dH6hi"`, "", "rasmuslerdorf"},
		{"php", `"$2y$07$usesomesillystringfore2uDLvp1Ii2e./U9C8sBjqp8I90dH6hi"`, "", "rasmuslerdorf"},
		{"phpass", `"$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0"`, "", "test12345"},
		{"django-pbkdf2", `"pbkdf2_sha256$1000000$Q6Wbw6SMto9VbREEQhZ4Zq$a0ZZKnBkJPfGZa3BWXKIqnxRSBvTk2ahzYxDp/MsaUQ="`,
			"", "l\u00e8tmein 4 real"},
		{"django-sha1", `"pbkdf2_sha1$1000000$TJNBBm0qsB70scAJX0D222$9X22osjKw/XcJOZ62ISSnFaaTx4="`,
			"", "l\u00e8tmein 4 real"},
		{"django-argon2", `"argon2$argon2id$v=19$m=102400,t=2,` +
			`p=8$NlU4MFFseWt3R09PMlQ4Z0VLbzlibg$PgD81qT4KOJzpScF/ars84UU3q8psbt3MpqqkdhrARQ"`, "", "l\u00e8tmein 4 real"},
		{"django-bcrypt", `"bcrypt_sha256$$2b$12$Dqt61eVOMWAcUBlG6oiOPeeACVLLZe3BnnHxxAwnZJfEyhpj/7O3."`,
			"", "l\u00e8tmein 4 real"},
		{"django-scrypt", `"scrypt$16384$yezruSIMS9fRUzanBvdQ05$8$5$QmnfzonZO/1ZvWqWqIyYZT+eiDnAJnnxRsHm25m857BXM60tezBcW026K0jsD7l8jGEkldsPEmUfASrI+FTC8A=="`, "", "l\u00e8tmein 4 real"},
		{"argon2i", `"$argon2i$v=19$m=4096,t=3,p=2$c29tZXNhbHQxMjM0NTY3OA$lk89RXsivDPKJo4igP4y+jv6Y5n25bG+QvmvAY2ZsW0"`,
			"", "l\u00e8tmein 4 real"},
		{"argon2d", `"$argon2d$v=19$m=4096,t=3,p=2$c29tZXNhbHQxMjM0NTY3OA$FbYO5dj8ojHyGXRSEN2viEJrS4TMF2E5/1poXqg7WEs"`,
			"", "l\u00e8tmein 4 real"},
		{"argon2id", `"$argon2id$v=19$m=4096,t=3,p=2$c29tZXNhbHQxMjM0NTY3OA$oGdowEO4UeUaB1WFQSje+UXyYlIuY0jNt38c6RvxAXk"`,
			"", "l\u00e8tmein 4 real"},
		{"scrypt", `"$scrypt$ln=10,r=8,p=1$OIfQOgdACKGUcu6dk3JOCQ$z3mrariaLus9mfuienREdAPmAI09wPtknKiMJJyYM1k"`,
			"", "l\u00e8tmein 4 real"},
		{"pbkdf2-sha512", `"$pbkdf2-sha512$1000$AUDovTcG4FxrjXFOyRnj3A$v4tfuKJya3eX1cDQd34J49H2VyRqwTh6bB/7snmdS1pYI9dGJAN9twzsobptYWEDX6hyfcJJ/MsI0PvJXhsCKQ"`, "", "l\u00e8tmein 4 real"},
		{"keycloak-argon2", `{"type":"password","secretData":"{\"value\":\"xKjWvB9+0sSP6wTqI1JoEI7w+iA0x9VDhPgmrOHRG80=\",` +
			`\"salt\":\"LRScGShC7shkdoU5B1UgUQ==\",\"additionalParameters\":{}}","credentialData":"{\"hashIterations\":5,` +
			`\"algorithm\":\"argon2\",\"additionalParameters\":{\"hashLength\":[\"32\"],\"memory\":[\"7168\"],` +
			`\"type\":[\"id\"],\"version\":[\"1.3\"],\"parallelism\":[\"1\"]}}"}`, "", "secret"},
		{"keycloak-pbkdf2", `{"type":"password",` +
			`"secretData":"{\"value\":\"ZXVC08Hf4jBOoYzVoNWYjQijsMC2oc/OUa9LciiIJ/1XHPF/qPiY1DqwLLDN2hYFmf/1kApkveD8/Pr7GVqjgw==\",\"salt\":\"Td6XuopYK6JNfUnIlqYMOQ==\"}","credentialData":"{\"hashIterations\":27500,\"algorithm\":\"pbkdf2-sha256\"}"}`, "", "RdaRfqP7Y89vy2"},
		{"firebase", `"lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ=="`,
			"42xEC+ixf3L2lw==", "user1password"},
		{"firebase-url", `"lSrfV15cpx95_sZS2W9c9Kp6i_LVgQNDNC_qzrCnh1SAyZvqmZqAjTdn3aoItz-VHjoZilo78198JAdRuid5lQ"`,
			"42xEC-ixf3L2lw", "user1password"},
	}
	var rows strings.Builder
	for _, p := range people {
		fmt.Fprintf(&rows, `{"email":%q,"email_verified":true,"password_hash":%s,"password_salt":%q}`+"\n",
			p.name+"@example.com", p.hash, p.salt)
	}
	from := newDatabase(t, "VOUCHSAFE_UNLIMITED_ADDRESSES=127.0.0.1")
	from.file(t, "people.jsonl", rows.String())
	from.file(t, "firebase.txt", firebaseConsole)
	if out := from.do(t, "user", "import", "people.jsonl", "--firebase", "firebase.txt"); !strings.Contains(out,
		fmt.Sprintf("%d added (%[1]d with a password), 0 there already, 0 refused", len(people))) {
		t.Fatalf("got %s", out)
	}
	r := from.serve(t)
	for _, p := range people {
		if _, got := r.signIn(t, p.name+"@example.com", p.password+"x"); got != http.StatusUnprocessableEntity {
			t.Errorf("%s: got %d for a wrong password", p.name, got)
		}
		for range 2 {
			if to, got := r.signIn(t, p.name+"@example.com", p.password); to != "/" {
				t.Errorf("%s: got %d to %q", p.name, got, to)
			}
		}
	}
	moved := from.do(t, "user", "export", "--hashes")
	if got := strings.Count(moved, `"password_hash":"$argon2id$v=19$m=19456,t=2,p=1$`); got != len(people) {
		t.Errorf("%d of %d hashes are ours:\n%s", got, len(people), moved)
	}
	if out := from.do(t, "user", "export"); strings.Contains(out, "password") || strings.Contains(out, "$") ||
		strings.Count(out, "\n") != len(people) {
		t.Errorf("without --hashes: got %s", out)
	}

	to := newDatabase(t, "VOUCHSAFE_UNLIMITED_ADDRESSES=127.0.0.1")
	if _, errs, code := to.run(t, moved, "user", "import", "-"); code != 0 {
		t.Fatal(errs)
	}
	if again := to.do(t, "user", "export", "--hashes"); withoutUpdates(again) != withoutUpdates(moved) {
		t.Errorf("exported\n%s\nand again\n%s", moved, again)
	}
	if at, got := to.serve(t).signIn(t, "php@example.com", "rasmuslerdorf"); at != "/" {
		t.Errorf("moved: got %d to %q", got, at)
	}
}

func withoutUpdates(rows string) string {
	return regexp.MustCompile(`"updated_at":"[^"]*"`).ReplaceAllString(rows, "")
}

func TestHostileRowsAreRefusedOneByOne(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	long := strings.Repeat("x", 70<<10)
	id := "01890a5d-ac96-774b-bcce-b302099a8057"
	rows := []struct{ row, want string }{
		{`{"email":"ok@example.com","id":"` + id +
			`","username":"ok","profile":{"name":"Ok Doe","address":{"formatted":"1 ` +
			`Road\nTown"}},"phone_number":"+4312345678","created_at":"2020-01-02T03:04:05Z"}`, ""},
		{``, ""},
		{`{`, "not a JSON object"}, {`[]`, "cannot be"}, {`"x"`, "cannot be"}, {`{"email":"a@example.com"} {}`, "behind"},
		{`{"email":"` + long + `@example.com"}`, "longer than"},
		{`{"email":["a@example.com"]}`, "email is a JSON array"},
		{`{"email":"a@example.com","email_verified":"true"}`, "email_verified is a JSON string"},
		{`{"email":"a@example.com","is_admin":true}`, "unknown field"},
		{`{"email":"a@example.com","credential_version":7}`, "unknown field"},
		{`{"email":"a@example.com","tenant_id":"other"}`, "unknown field"},
		{`{}`, "neither email nor username"}, {`{"email":"a@b@c.example"}`, "not an email address"},
		{`{"email":"a@example.com\nBcc: x@example.com"}`, "not an email address"},
		{`{"username":"a@example.com"}`, "username"}, {"{\"email\":\"a\xff@example.com\"}", "UTF-8"},
		{`{"email":"a%evil.example@example.com"}`, "mail servers may treat specially"},
		{`{"email":"evil.example!a@example.com"}`, "mail servers"}, {`{"email":"a..b@example.com"}`, "mail servers"},
		{`{"email":"a\u200bb@example.com"}`, "not an email address"},
		{`{"email":"a@example.com","id":"../../etc"}`, "UUID"},
		{`{"email":"a@example.com","id":"01890A5D-AC96-774B-BCCE-B302099A8057"}`, "UUID"},
		{`{"email":"a@example.com","phone_number":"0123"}`, "phone_number"},
		{`{"email":"a@example.com","roles":["admin"]}`, "--roles"},
		{`{"email":"a@example.com","created_at":"yesterday"}`, "date"},
		{`{"email":"a@example.com","profile":{"picture":"javascript:alert(1)"}}`, "picture"},
		{`{"email":"a@example.com","profile":{"name":"\u001b[2J"}}`, "control"},
		{`{"email":"a@example.com","profile":{"name":"` + strings.Repeat("n", 2000) + `"}}`, "longer"},
		{`{"email":"a@example.com","password_hash":"$argon2id$v=19$m=4194304,t=1000,` +
			`p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"}`, "must be from"},
		{`{"email":"a@example.com","password_hash":"$2a$31$DCq7YPn5Rq63x1Lad4cll.TV4S6ytwfsfvkgY8jIucDrjc8deX1s."}`,
			"must be from 4 to 15, and is 31"},
		{`{"email":"a@example.com","password_hash":"hunter2"}`, "its kind is unknown"},
		{`{"email":"a@example.com","password_hash":7}`, "its kind is unknown"},
		{`{"email":"a@example.com","password_hash":"AAAA","password_salt":"AAAA"}`, "--firebase"},
		{`{"email":"OK@Example.com"}`, "line 1 has this email too"},
		{`{"email":"b@example.com","username":"OK"}`, "line 1 has this username too"},
		{`{"email":"c@example.com","id":"` + id + `"}`, "line 1 has this id too"},
		{`{"email":"last@example.com","password_hash":"!unusable"}`, ""},
	}
	var file strings.Builder
	for _, r := range rows {
		file.WriteString(r.row + "\n")
	}
	sh.file(t, "people.jsonl", "\ufeff"+strings.TrimSuffix(file.String(), "\n")) // as some editors write it
	check := func(want string, args ...string) {
		t.Helper()
		out, errs, code := sh.run(t, "",
			append([]string{"user", "import", "people.jsonl", "--report", "report.jsonl"}, args...)...)
		if code != 1 || !strings.Contains(out, want) || strings.Contains(errs, "hunter2") || strings.Contains(errs, "\x1b") {
			t.Errorf("%v: exit %d, %s%s", args, code, out, errs)
		}
		why := sh.report(t, "report.jsonl")
		for i, r := range rows {
			if got := why[i+1]; (r.want == "") != (got == "") || !strings.Contains(got, r.want) {
				t.Errorf("%v: line %d, %.80s: got %q, want %q", args, i+1, r.row, got, r.want)
			}
		}
	}
	refused := len(rows) - 3
	check(fmt.Sprintf("2 would be added (0 with a password), 0 there already, %d refused", refused), "--dry-run")
	if out := sh.do(t, "user", "export"); out != "" {
		t.Errorf("the dry run added %s", out)
	}
	check(fmt.Sprintf("2 added (0 with a password), 0 there already, %d refused", refused))
	check(fmt.Sprintf("0 added (0 with a password), 2 there already, %d refused", refused))

	// Names and addresses that are another user's, or were.
	sh.do(t, "user", "remove", "last@example.com", "--yes")
	var gone importing.Row
	if err := json.Unmarshal([]byte(sh.do(t, "user", "export")), &gone); err != nil || gone.ID != id ||
		gone.Profile.Name != "Ok Doe" || gone.CreatedAt.Year() != 2020 {
		t.Errorf("got %+v, %v", gone, err)
	}
	sh.do(t, "user", "remove", "ok", "--yes")
	sh.do(t, "user", "add", "kim@example.com", "--username", "kim")
	sh.file(t, "people.jsonl", `{"id":"`+id+`","email":"ok@example.com"}`+"\n"+
		`{"email":"other@example.com","username":"kim"}`+"\n"+`{"email":"kim@example.com","id":"`+id[:35]+`8"}`)
	rows = []struct{ row, want string }{{"removed", "removed"}, {"name", "another user"}, {"another id", "another user"}}
	check("0 added (0 with a password), 0 there already, 3 refused")
}

// TestImportKeepsTheRulesOfSignUp: what the sign-up page refuses no row gets in either, and the
// line is named; what products write for want of a user name is none.
func TestImportKeepsTheRulesOfSignUp(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.do(t, "user", "add", "alice@example.com", "--username", "alice")
	sh.file(t, "phone.json", `{"phone_number":"+436601234567","phone_number_verified":true}`)
	sh.do(t, "user", "add", "kim@example.com", "--profile", "phone.json")
	rows := []struct{ row, want string }{
		{`{"email":" JO@Example.com ","email_verified":true,"username":"jo@example.com"}`, ""},
		{`{"email":"lee@example.com","username":"kim@example.com"}`, "is an email address, but not theirs"},
		{`{"email":"\uff4d\uff4f@example.com","username":"\uff2d\uff4f"}`, ""},
		{`{"email":"fa@fa\u00df.example"}`, ""},
		{`{"email":"fa@fass.example"}`, ""},
		{`{"email":"fa@xn--fa-hia.example"}`, "line 4 has this email too"},
		{`{"email":"b\u200bo@example.com"}`, "is not an email address"},
		{`{"email":"bo..bo@example.com"}`, "mail servers may treat specially"},
		{`{"email":"bo%evil.example@example.com"}`, "mail servers may treat specially"},
		{`{"email":"c1@example.com","username":"c\u200b1"}`, "is not a username"},
		{`{"email":"c2@example.com","username":"\u0430lice"}`, "is not a username"},
		{`{"username":"a1ice"}`, "this username or one that looks like it"},
		{`{"email":"c3@example.com","username":"a1ice"}`, "line 12 has this username too"},
		{`{"email":"c4@example.com","username":"Administrator"}`, "is a reserved username: --reserved"},
		{`{"email":"c5@example.com","username":"modern"}`, ""},
		{`{"email":"c6@example.com","username":"rnodern"}`, "line 15 has this username, or one that looks like it, too"},
		{`{"email":"d1@example.com","phone_number":"+436601234567","phone_number_verified":true}`,
			"already has this phone_number, verified"},
		{`{"email":"d2@example.com","phone_number":"+436601234567"}`, ""},
		{`{"email":"d3@example.com","phone_number":"+436607654321","phone_number_verified":true}`, ""},
		{`{"email":"d4@example.com","phone_number":"+436607654321","phone_number_verified":true}`,
			"line 19 has this verified phone_number too"},
		{`{"email":"d5@example.com","phone_number":"+4312","phone_number_verified":true}`, "cannot have been verified"},
		{`{"email":"d6@example.com","phone_number_verified":true}`, "there is no phone_number"},
	}
	var file strings.Builder
	for _, r := range rows {
		file.WriteString(r.row + "\n")
	}
	sh.file(t, "people.jsonl", file.String())
	for round, args := range [][]string{{"--dry-run"}, {}, {}} {
		sh.run(t, "", append([]string{"user", "import", "people.jsonl", "--report", "report.jsonl"}, args...)...)
		why := sh.report(t, "report.jsonl")
		for i, r := range rows {
			if got := why[i+1]; (r.want == "") != (got == "") || !strings.Contains(got, r.want) {
				t.Errorf("round %d, line %d, %s: got %q, want %q", round, i+1, r.row, got, r.want)
			}
		}
	}
	for name, want := range map[string]string{"jo@example.com": "JO@example.com ", "mo": "mo@example.com mo",
		"fa@fa\u00df.example": "fa@xn--fa-hia.example ", "fa@fass.example": "fa@fass.example "} {
		var u users.UserView
		if sh.read(t, &u, "user", "show", name, "--json"); u.Email+" "+u.Username != want {
			t.Errorf("%s: got %q and %q, want %q", name, u.Email, u.Username, want)
		}
	}
	sh.do(t, "user", "import", "--reserved", sh.written(t, "reserved.jsonl", rows[13].row))
}

// written is a file with that text, by its name.
func (s *shell) written(t *testing.T, name, text string) string {
	t.Helper()
	s.file(t, name, text)
	return name
}

// TestUserAddKeepsTheRulesOfSignUp is the same for one user.
func TestUserAddKeepsTheRulesOfSignUp(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.do(t, "user", "add", "alice@example.com", "--username", "Alice")
	sh.file(t, "phone.json", `{"phone_number":"+436601234567","phone_number_verified":true}`)
	sh.file(t, "fixed.json", `{"phone_number":"0660 1234567"}`)
	sh.file(t, "control.json", `{"nickname":"\u001b[2J"}`)
	sh.do(t, "user", "add", "kim@example.com", "--profile", "phone.json")
	for args, want := range map[string]string{
		"jo\u200bjo@example.com": "is not an email address", "a..b@example.com": "specially",
		"a%b.example@example.com": "specially", "ALICE@example.com": "another user already has the address",
		"a@example.com --username administrator": "is a reserved username: --reserved",
		"a@example.com --username a1ice":         "looks like it",
		"a@example.com --username \u0430lice":    "is not a username",
		"a@example.com --username jo\u200bjo":    "is not a username",
		"a@example.com --username b@example.com": "is an email address, but not theirs",
		"a@example.com --profile phone.json":     "already has this phone_number, verified",
		"a@example.com --profile fixed.json":     "international form",
		"a@example.com --profile control.json":   "control characters",
	} {
		if errs := sh.fails(t, 1, append([]string{"user", "add"}, strings.Fields(args)...)...); !strings.Contains(errs,
			want) {
			t.Errorf("%+q: got %s, want %s", args, errs, want)
		}
	}
	sh.do(t, "user", "add", "a@example.com", "--username", "administrator", "--reserved")
	sh.do(t, "user", "add", "b@example.com", "--username", "B@example.com")
	var b users.UserView
	if sh.read(t, &b, "user", "show", "b@example.com", "--json"); b.Username != "" {
		t.Errorf("got the user name %q", b.Username)
	}
	sh.file(t, "tenants.yaml", "tenants:\n  default:\n    sign_up:\n      reserved_usernames: [acme]\n")
	sh.do(t, "tenant", "apply", "tenants.yaml")
	if errs := sh.fails(t, 1, "user", "add", "c@example.com", "--username", "a.c.m.e"); !strings.Contains(errs,
		"is a reserved username") {
		t.Errorf("got %s", errs)
	}
	sh.do(t, "user", "add", "c@example.com", "--username", "support")
	sh.file(t, "tenants.yaml", "tenants:\n  default:\n    sign_up:\n      reserved_usernames: ['a b']\n")
	if errs := sh.fails(t, 1, "tenant", "apply", "tenants.yaml"); !strings.Contains(errs, "reserved_usernames") {
		t.Errorf("got %s", errs)
	}
}

func TestImportCSV(t *testing.T) {
	t.Parallel()
	sh := newDatabase(t)
	sh.file(t, "people.csv", "email,email_verified,username,name,given_name,address,password_hash,roles,disabled\r\n"+
		"jo@example.com,true,jo,\"Doe, Jo\",Jo,\"1 Road\nTown\",$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0,admin support,false\r\n"+
		"kim@example.com,maybe,,,,,,,\r\n"+
		"too,few\r\n"+
		"lee@example.com,,,,,,,,true\r\n")
	out, errs, code := sh.run(t, "", "user", "import", "people.csv", "--roles")
	if code != 1 || !strings.Contains(out, "2 added (1 with a password), 0 there already, 2 refused") ||
		!strings.Contains(errs, "line 4: email_verified") || !strings.Contains(errs, "line 5: it is not a line of CSV") {
		t.Errorf("exit %d, %s%s", code, out, errs)
	}
	var jo users.UserView
	sh.read(t, &jo, "user", "show", "jo", "--json")
	if jo.Profile.Name != "Doe, Jo" || !jo.EmailVerified || jo.Profile.Address == nil ||
		jo.Profile.Address.Formatted != "1 Road\nTown" || fmt.Sprint(jo.Roles) != "[admin support]" {
		t.Errorf("got %+v", jo)
	}
	// The first administrator came by import: the link for them is of no use any more.
	r := sh.serve(t)
	if strings.Contains(r.out.String(), "/setup?token=") {
		t.Error("there is a link for the first administrator still")
	}
	sh.file(t, "bad.csv", "email,admin\njo@example.com,true\n")
	if errs := sh.fails(t, 1, "user", "import", "bad.csv"); !strings.Contains(errs, `column "admin" is unknown`) {
		t.Errorf("got %s", errs)
	}
	sh.fails(t, 1, "user", "import", "nowhere.csv")
	sh.fails(t, 1, "user", "import", "people.csv", "--tenant", "nowhere")
}

// TestImportOfManyPeopleGoesOnWhereItWasStopped imports 3,000 people, in the middle of
// which it is interrupted.
func TestImportOfManyPeopleGoesOnWhereItWasStopped(t *testing.T) {
	t.Parallel()
	const people = 3_000
	sh := newDatabase(t)
	var file strings.Builder
	for i := range people {
		fmt.Fprintf(&file, `{"email":"person%d@example.com","username":"person%[1]d","email_verified":true,`+
			`"profile":{"name":"Person %[1]d"},"password_hash":"$2b$10$OmzpustoVa2B/vLHNTMFpOn/yJresNBj7eiWbU7Mgkp.lhj5B7zaK"}`+
			"\n", i)
	}
	sh.file(t, "people.jsonl", file.String())

	cmd := sh.command("user", "import", "people.jsonl")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(400 * time.Millisecond)
	_ = cmd.Process.Kill() // or it has ended
	_ = cmd.Wait()
	before := strings.Count(sh.do(t, "user", "export"), "\n")

	start := time.Now()
	out := sh.do(t, "user", "import", "people.jsonl")
	took := time.Since(start)
	if !strings.Contains(out, fmt.Sprintf("%d added", people-before)) ||
		!strings.Contains(out, fmt.Sprintf("%d there already, 0 refused", before)) {
		t.Errorf("with %d there: got %s", before, out)
	}
	if got := strings.Count(sh.do(t, "user", "export"), "\n"); got != people {
		t.Errorf("got %d people, want %d", got, people)
	}
	t.Logf("%d were there; the other %d took %v, %.0f a second", before, people-before, took.Round(time.Millisecond),
		float64(people-before)/took.Seconds())
	start = time.Now()
	sh.do(t, "user", "import", "people.jsonl")
	t.Logf("passing over all of them took %v", time.Since(start).Round(time.Millisecond))
}
