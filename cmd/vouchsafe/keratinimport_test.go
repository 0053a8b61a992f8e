package main

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha256"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/vouchsafe/vouchsafe/internal/testdaemon"
	"github.com/vouchsafe/vouchsafe/storage"
	"github.com/vouchsafe/vouchsafe/storage/sqldb"
)

const (
	keratinHash     = "$2a$07$usesomesillystringfore2uDLvp1Ii2e./U9C8sBjqp8I90dH6hi" // of rasmuslerdorf
	keratinPassword = "rasmuslerdorf"
	keratinSecret   = "a secret of the server before"
	keratinApp      = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	zeroNonce       = "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"
)

// keratinDatabase makes a database of Keratin AuthN, and returns its URL. accounts are rows of values: id, username,
// locked, require_new_password, last_login_at, deleted_at and totp_secret.
func keratinDatabase(t *testing.T, accounts ...string) (address string, db *sql.DB) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "authn.db")
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() }) // it is thrown away
	statements := `CREATE TABLE accounts (id INTEGER PRIMARY KEY, username TEXT NOT NULL UNIQUE,
			locked BOOLEAN NOT NULL, require_new_password BOOLEAN NOT NULL, last_login_at DATETIME, deleted_at DATETIME,
			totp_secret VARCHAR(255), password TEXT NOT NULL DEFAULT '` + keratinHash + `',
			password_changed_at DATETIME NOT NULL DEFAULT '2023-02-01 00:00:00',
			created_at DATETIME NOT NULL DEFAULT '2023-01-01 00:00:00');
		CREATE TABLE oauth_accounts (id INTEGER PRIMARY KEY, account_id INTEGER, provider TEXT NOT NULL,
			provider_id TEXT NOT NULL, access_token TEXT NOT NULL, email VARCHAR(255));`
	for _, row := range accounts {
		statements += "INSERT INTO accounts (id, username, locked, require_new_password, last_login_at, deleted_at, " +
			"totp_secret) VALUES (" + row + ");"
	}
	if _, err := db.ExecContext(t.Context(), statements); err != nil {
		t.Fatal(err)
	}
	return "sqlite3://localhost" + file, db
}

// keratinSeal seals the secret of an authenticator app, of 32 characters, as Keratin AuthN does.
func keratinSeal(t *testing.T, app string) string {
	t.Helper()
	key, err := pbkdf2.Key(sha256.New, keratinSecret, []byte("db-encryption-key-salt"), 20_000, 32)
	if err != nil {
		t.Fatal(err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	box, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	out := box.Seal(nil, []byte(zeroNonce), []byte("\x04\x08I\"\x25"+app+"\x06:\x06ET"), nil)
	enc, cut := base64.StdEncoding.EncodeToString, len(out)-box.Overhead()
	return enc(out[:cut]) + "--" + enc([]byte(zeroNonce)) + "--" + enc(out[cut:])
}

// door is a server in the place of Keratin AuthN.
type door struct{ url, issuer string }

// serveKeratin starts a server in the place of Keratin AuthN.
func serveKeratin(t *testing.T, sh *shell) door {
	t.Helper()
	port, err := testdaemon.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	d := door{url: "http://127.0.0.1:" + strconv.Itoa(port)}
	served := *sh
	served.env = append(append([]string{}, sh.env...), "VOUCHSAFE_KERATIN=default", "PORT="+strconv.Itoa(port),
		"AUTHN_URL="+d.url, "APP_DOMAINS=app.example.com", "HTTP_AUTH_USERNAME=app", "HTTP_AUTH_PASSWORD=the app's password")
	d.issuer = served.serve(t).issuer
	return d
}

// ask sends a form from a page of the app, and returns the body. With an empty form it sends GET as the app's server.
func (d door) ask(t *testing.T, path string, form url.Values) string {
	t.Helper()
	method := http.MethodPost
	if form == nil {
		method = http.MethodGet
	}
	req, err := http.NewRequestWithContext(t.Context(), method, d.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth("app", "the app's password")
	req.Header.Set("Origin", "https://app.example.com")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// subject returns the sub of the id_token in an answer, or the answer itself.
func subject(answer string) string {
	var a struct {
		Result struct {
			Token string `json:"id_token"`
		}
	}
	if json.Unmarshal([]byte(answer), &a) != nil || a.Result.Token == "" {
		return answer
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.Split(a.Result.Token, ".")[1])
	var claims struct{ Sub string }
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return answer
	}
	return claims.Sub
}

// TestAccountsOfKeratinMoveIn imports a database, and signs its users in at a server that takes the place of Keratin
// AuthN: with their numbers, locks, expired passwords and authenticator apps.
func TestAccountsOfKeratinMoveIn(t *testing.T) {
	t.Parallel()
	address, db := keratinDatabase(t,
		"1, 'Ann@Example.com', 0, 0, '2024-05-06 07:08:09', NULL, NULL", "2, 'bob', 1, 0, NULL, NULL, NULL",
		"3, '@A0', 0, 0, NULL, '2024-01-01 00:00:00', NULL", "4, 'kim', 0, 1, NULL, NULL, NULL",
		"5, 'zoe', 0, 0, NULL, NULL, '"+keratinSeal(t, keratinApp)+"'", "9, 'a b', 0, 0, NULL, NULL, NULL")
	if _, err := db.ExecContext(t.Context(), `INSERT INTO oauth_accounts VALUES (1, 1, 'google', '17', 'x', 'a@gmail.com'),
		(2, 2, 'facebook', '18', 'x', NULL)`); err != nil {
		t.Fatal(err)
	}
	sh := newShell(t, "VOUCHSAFE_UNLIMITED_ADDRESSES=127.0.0.1", "GOOGLE_OAUTH_CREDENTIALS=client:secret")
	sh.do(t, "migrate")
	args := []string{"import", "keratin", "--database-url", address}
	if errs := sh.fails(t, 1, args...); !strings.Contains(errs, "1 accounts have an authenticator app") {
		t.Errorf("without SECRET_KEY_BASE: got %s", errs)
	}
	sh.env = append(sh.env, "SECRET_KEY_BASE="+keratinSecret)
	before := sh.holds(t)
	expect := func(want string, code int, more ...string) {
		t.Helper()
		out, errs, got := sh.run(t, "", append(append([]string{}, args...), more...)...)
		if got != code || !strings.Contains(out, want) || code == 1 && !strings.Contains(errs, "account 9: username") {
			t.Errorf("%v: got exit %d, %s%s, want %s", more, got, out, errs, want)
		}
	}
	expect("4 would be added (4 with a password), 0 there already, 1 refused, 1 left out; 1 only in part", 1, "--dry-run")
	if after := sh.holds(t); after != before {
		t.Errorf("the dry run left\n%s", after)
	}
	expect("4 added (4 with a password), 0 there already, 1 refused, 1 left out", 1)
	expect("0 added (0 with a password), 4 there already, 1 refused, 1 left out", 1)

	d := serveKeratin(t, sh)
	login := func(name, otp string) string {
		t.Helper()
		return subject(d.ask(t, "/session", url.Values{"username": {name}, "password": {keratinPassword}, "otp": {otp}}))
	}
	code, err := totp.GenerateCode(keratinApp, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	var got strings.Builder
	for _, answer := range []string{
		d.ask(t, "/accounts/1", nil), d.ask(t, "/accounts/2", nil), d.ask(t, "/accounts/3", nil),
		login("ann@example.com", ""), login("bob", ""), login("kim", ""), login("zoe", ""), login("zoe", code),
		subject(d.ask(t, "/accounts", url.Values{"username": {"new"}, "password": {"tidal lantern orchard"}})),
	} {
		got.WriteString(strings.TrimSpace(answer) + "\n")
	}
	want := `{"result":{"deleted":false,"id":1,"last_login_at":"2024-05-06T07:08:09Z","locked":false,"oauth_accounts":` +
		`[{"provider":"google","provider_account_id":"17","provider_id":"17","email":"a@gmail.com"}],` +
		`"password_changed_at":"2023-02-01T00:00:00Z","username":"Ann@example.com"}}
{"result":{"deleted":false,"id":2,"last_login_at":null,"locked":true,"oauth_accounts":[],` +
		`"password_changed_at":"2023-02-01T00:00:00Z","username":"bob"}}
{"result":{"deleted":true,"id":3,"last_login_at":null,"locked":false,"oauth_accounts":[],` +
		`"password_changed_at":null,"username":""}}
1
{"errors":[{"field":"account","message":"LOCKED"}]}
{"errors":[{"field":"credentials","message":"EXPIRED"}]}
{"errors":[{"field":"otp","message":"MISSING"}]}
5
10
`
	if got.String() != want {
		t.Errorf("got\n%s\nwant\n%s", got.String(), want)
	}

	// The number of the account that was refused waits for it.
	if _, err := db.ExecContext(t.Context(), "UPDATE accounts SET username = 'ab' WHERE id = 9"); err != nil {
		t.Fatal(err)
	}
	expect("1 added (1 with a password), 4 there already, 0 refused, 1 left out", 0)
	if got := login("ab", ""); got != "9" {
		t.Errorf("got subject %s, want 9", got)
	}
	sh.fails(t, 2, "import", "keratin")
	sh.fails(t, 1, append(args, "--upstream", "x=y")...)
}

// TestAccountsOfKeratinAreNotTakenForOthers imports accounts with names and numbers that other users have, and one that
// would lose its second factor.
func TestAccountsOfKeratinAreNotTakenForOthers(t *testing.T) {
	t.Parallel()
	address, _ := keratinDatabase(t, "1, 'ann', 0, 0, NULL, NULL, NULL", "2, 'bob@example.com', 0, 0, NULL, NULL, NULL",
		"3, 'kim', 0, 0, NULL, NULL, NULL",
		"4, 'lee', 0, 0, NULL, NULL, '"+keratinSeal(t, strings.Repeat("0189", 8))+"'")
	sh := newShell(t, "VOUCHSAFE_UNLIMITED_ADDRESSES=127.0.0.1", "KERATIN_DATABASE_URL="+address,
		"SECRET_KEY_BASE="+keratinSecret)
	sh.do(t, "migrate")
	sh.do(t, "user", "add", "bob@example.com", "--verified")
	sh.file(t, "kim.jsonl", `{"external_id":"3","username":"kim"}`+"\n")
	sh.do(t, "user", "import", "kim.jsonl") // from an import of files
	d := serveKeratin(t, sh)
	early := url.Values{"username": {"early"}, "password": {"tidal lantern orchard"}}
	if got := subject(d.ask(t, "/accounts", early)); got != "1" {
		t.Fatalf("got subject %s, want 1", got)
	}
	out, errs, code := sh.run(t, "", "import", "keratin", "--report", "r")
	if code != 1 || !strings.Contains(out, "0 added (0 with a password), 1 there already, 3 refused") {
		t.Errorf("got exit %d, %s%s", code, out, errs)
	}
	why := sh.report(t, "r")
	if !strings.Contains(why[1], "has the number 1") || !strings.Contains(why[2], "did not come from Keratin AuthN") ||
		!strings.Contains(why[4], "totp cannot be checked") {
		t.Errorf("got %v", why)
	}
	if got := d.ask(t, "/accounts/3", nil); !strings.Contains(got, `"username":"kim"`) {
		t.Errorf("got %s for the number of a user who came before", got)
	}
}

// TestNamesOfKeratinThatDifferInCaseAlone imports accounts of a release that took those for different names: one user
// gets the name, and the other account is told of, instead of being taken for the same user.
func TestNamesOfKeratinThatDifferInCaseAlone(t *testing.T) {
	t.Parallel()
	address, _ := keratinDatabase(t, "1, 'Ann@example.com', 0, 0, NULL, NULL, NULL",
		"2, 'ann@example.com', 0, 0, NULL, NULL, NULL", "3, 'kim', 0, 0, NULL, NULL, NULL",
		"4, 'KIM', 0, 0, NULL, NULL, NULL")
	sh := newShell(t, "KERATIN_DATABASE_URL="+address)
	sh.do(t, "migrate")
	for _, want := range []string{"2 added (2 with a password), 0 there already, 2 refused",
		"0 added (0 with a password), 2 there already, 2 refused"} {
		out, errs, code := sh.run(t, "", "import", "keratin")
		if code != 1 || !strings.Contains(out, want) || !strings.Contains(errs, "account 2: account 1 has this email too") ||
			!strings.Contains(errs, "account 4: account 3 has this username too") {
			t.Errorf("got exit %d, %s%s, want %s", code, out, errs, want)
		}
	}
}

// TestAKilledImportOfKeratinGoesOn kills an import when the first users are there, and runs it again: every account is
// there once, with its number.
func TestAKilledImportOfKeratinGoesOn(t *testing.T) {
	t.Parallel()
	const people = 1_000
	var accounts []string
	for i := range people {
		accounts = append(accounts, fmt.Sprintf("%d, 'person%d', 0, 0, NULL, NULL, NULL", i+1, i+1))
	}
	address, _ := keratinDatabase(t, accounts...)
	sh := newShell(t, "KERATIN_DATABASE_URL="+address)
	sh.do(t, "migrate")
	server, err := sqldb.Open(t.Context(), "sqlite:"+filepath.Join(sh.dir, "data", "vouchsafe.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	there := func() []storage.User {
		users, err := server.Users(t.Context(), storage.DefaultTenant, "", people+1)
		if err != nil {
			t.Fatal(err)
		}
		return users
	}
	cmd := sh.command("import", "keratin")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var over atomic.Bool
	var wg sync.WaitGroup
	wg.Go(func() { _ = cmd.Wait(); over.Store(true) }) // by the signal
	for len(there()) == 0 && !over.Load() {
	}
	_ = cmd.Process.Kill() // or it has ended
	wg.Wait()
	before := len(there())
	out := sh.do(t, "import", "keratin")
	want := fmt.Sprintf("%d added (%[1]d with a password), %d there already, 0 refused", people-before, before)
	if !strings.Contains(out, want) {
		t.Errorf("got %s, want %s", out, want)
	}
	all := there()
	for _, u := range all {
		n, err := server.NumberOf(t.Context(), storage.DefaultTenant, u.ID, time.Now())
		if err != nil || u.Username != fmt.Sprintf("person%d", n.Number) || len(all) != people {
			t.Fatalf("%s has number %d, of %d users: %v", u.Username, n.Number, len(all), err)
		}
	}
}
