package backendauth_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"github.com/vouchsafe/vouchsafe/cmd/vouchsafe/installation"
	"github.com/vouchsafe/vouchsafe/internal/pgtest"
	"github.com/vouchsafe/vouchsafe/internal/redistest"
	"github.com/vouchsafe/vouchsafe/people"
	"github.com/vouchsafe/vouchsafe/people/factor"
	"github.com/vouchsafe/vouchsafe/storage"
)

const invalidToken = `{"error":"invalid token"}`

// TestSignIn signs a user in and out, on two devices.
func TestSignIn(t *testing.T) {
	t.Parallel()
	w := start(t)
	a := w.register()
	u := a.add(newUser("jo").with("scope", "admin"))
	sign := func(pairs ...any) *answer {
		return a.send("POST", "/auth", object{"login": "jo", "password": goodPassword, "deviceId": "phone"}.with(pairs...))
	}
	sign("login", nil, "password", nil, "deviceId", nil).invalid("login", `"login" is required`, "password",
		`"password" is required`, "deviceId", `"deviceId" is required`)
	sign("deviceId", 1).invalid("deviceId", `"deviceId" must be a string`)
	sign("login", "nobody").want(404, `{"error":"User does not exist","status":404}`)
	sign("password", "wrong").want(403, `{"error":"Incorrect password","status":403}`)

	before := time.Now().UnixMilli()
	phone, laptop := a.signIn("jo", "phone"), a.signIn("jo", "laptop")
	d := a.verify(phone)
	if d.ID != u.ID || d.Login != a.ID+":jo" || d.Scope != "admin" || d.DeviceID != "phone" || d.JTI == "" ||
		d.Sub != "sub of jo" || d.Aud == "" || d.Iat < before || d.IsTenant ||
		d.Exp != d.Iat+7*24*time.Hour.Milliseconds() {
		t.Errorf("got %+v", d)
	}
	// The token says the same, to an app that reads it and does not verify.
	if c := claimsOf(t, phone); c["id"] != u.ID || c["deviceId"] != "phone" || c["exp"] != float64(d.Exp) {
		t.Errorf("got %v", c)
	}
	a.send("POST", "/auth/logout", object{"token": phone}).want(200, `{"result":1}`)
	a.send("POST", "/auth/verify", object{"token": phone}).want(400, invalidToken)
	a.send("POST", "/auth/logout", object{"token": phone}).want(400, invalidToken)
	if got := a.verify(laptop); got.DeviceID != "laptop" {
		t.Errorf("got %+v: one session alone ends", got)
	}
	for _, path := range []string{"/auth/verify", "/auth/logout"} {
		a.send("POST", path, object{}).invalid("token", `"token" is required`)
	}
	a.send("DELETE", "/user/jo", nil).want(200, `{"result":1}`)
	a.send("POST", "/auth/verify", object{"token": laptop}).want(400, invalidToken)
}

// TestLastActivity moves by verifying a token.
func TestLastActivity(t *testing.T) {
	t.Parallel()
	w := start(t)
	a := w.register()
	u := a.add(newUser("jo1"))
	token := a.signIn("jo1", "phone")
	active := func() int64 {
		var page struct{ Users []user }
		a.send("GET", "/user?q=jo1", nil).into(&page)
		return page.Users[0].LastActivity
	}
	end := time.Now().Add(time.Minute)
	for first := active(); ; time.Sleep(100 * time.Millisecond) {
		a.verify(token)
		if got := active(); got > first && got > u.RegistrationDate {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the last activity stays where it was")
		}
	}
}

// TestBearers calls the routes for apps without a token, and with one that is none of a tenant.
func TestBearers(t *testing.T) {
	t.Parallel()
	w := start(t)
	a := w.register()
	a.add(newUser("jo"))
	user := a.signIn("jo", "phone")
	for _, rt := range []string{
		"POST /user", "GET /user", "DELETE /user/jo", "POST /auth", "POST /auth/verify", "POST /auth/logout",
		"POST /auth/fb", "POST /auth/vk",
	} {
		method, path, _ := strings.Cut(rt, " ")
		// The token of a user is none of the app: backend-auth takes any.
		for _, token := range []string{"", "x", user, a.Token + "x", strings.ToUpper(a.Token)} {
			w.send(method, path, token, object{}).want(401, `{"error":"Not Authorized"}`)
		}
	}
	// And the other way round.
	a.send("POST", "/auth/verify", object{"token": a.Token}).want(400, invalidToken)
	a.send("POST", "/auth/logout", object{"token": a.Token}).want(400, invalidToken)
	w.send("POST", "/tenant/verify", "", object{"token": user}).want(400, invalidToken)
	w.send("POST", "/tenant/logout", "", object{"token": user}).want(400, invalidToken)
}

// TestTenantsAreApart shows a tenant's token of a user to another tenant: backend-auth tells whose it is.
func TestTenantsAreApart(t *testing.T) {
	t.Parallel()
	w := start(t)
	a, other := w.register(), w.register()
	for _, at := range []tenant{a, other} {
		at.add(newUser("jo"))
	}
	token := a.signIn("jo", "phone")
	other.send("POST", "/auth/verify", object{"token": token}).want(400, invalidToken)
	other.send("POST", "/auth/logout", object{"token": token}).want(400, invalidToken)
	a.verify(token)
	other.send("GET", "/user?q="+a.ID+":jo", nil).want(200, `{"users":[]}`)
}

// TestForgedTokens changes tokens in the ways that have opened others' servers.
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	w := start(t, "JWT_KEY=the key of before with 32 characters or more")
	a := w.register()
	a.add(newUser("jo"))
	a.add(newUser("kim"))
	for name, token := range map[string]string{"user": a.signIn("jo", "phone"), "tenant": a.Token} {
		works := func(token string) bool {
			path := map[string]string{"user": "/auth/verify", "tenant": "/tenant/verify"}[name]
			got := a.send("POST", path, object{"token": token})
			if got.status != 200 && got.body != invalidToken {
				t.Errorf("got %d %s", got.status, got.body)
			}
			return got.status == 200
		}
		if !works(token) {
			t.Fatal("the token does not work")
		}
		parts := strings.Split(token, ".")
		plain, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil {
			t.Fatal(err)
		}
		encode := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
		signed := func(header, payload, key string) string {
			mac := hmac.New(sha256.New, []byte(key))
			mac.Write([]byte(encode(header) + "." + encode(payload)))
			return encode(header) + "." + encode(payload) + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
		}
		const hs256 = `{"alg":"HS256","typ":"JWT"}`
		jti := claimsOf(t, token)["jti"].(string)
		for what, forged := range map[string]string{
			"alg none":               encode(`{"alg":"none","typ":"JWT"}`) + "." + parts[1] + ".",
			"alg None":               encode(`{"alg":"None","typ":"JWT"}`) + "." + parts[1] + "." + parts[2],
			"no signature":           parts[0] + "." + parts[1] + ".",
			"two parts":              parts[0] + "." + parts[1],
			"four parts":             token + "." + parts[2],
			"alg HS512":              encode(`{"alg":"HS512","typ":"JWT"}`) + "." + parts[1] + "." + parts[2],
			"alg RS256":              encode(`{"alg":"RS256","typ":"JWT"}`) + "." + parts[1] + "." + parts[2],
			"header in another form": signed(`{"typ":"JWT","alg":"HS256"}`, string(plain), ""),
			"kid":                    signed(`{"alg":"HS256","typ":"JWT","kid":"/dev/null"}`, string(plain), ""),
			"empty key":              signed(hs256, string(plain), ""),
			"key of a session that does not exist": signed(hs256, strings.ReplaceAll(string(plain), jti,
				"00000000-0000-4000-8000-000000000000"), "the key of before with 32 characters or more:undefined"),
			"JWT_KEY":        signed(hs256, string(plain), "the key of before with 32 characters or more"),
			"jti":            signed(hs256, string(plain), jti),
			"other claims":   parts[0] + "." + encode(strings.ReplaceAll(string(plain), `"iat":1`, `"iat":2`)) + "." + parts[2],
			"cut signature":  parts[0] + "." + parts[1] + "." + parts[2][:42],
			"other spelling": token[:len(token)-1] + nextInAlphabet(token[len(token)-1]),
			"padding":        token + "=",
			"line break":     parts[0] + "." + parts[1] + "." + parts[2] + "\n",
			"space":          " " + token,
			"hostile jti":    signed(hs256, strings.ReplaceAll(string(plain), jti, `' OR 1=1 --`), "x"),
			"hostile id":     signed(hs256, `{"id":"\u0000","jti":"`+jti+`","isTenant":true}`, "x"),
			"no claims":      signed(hs256, `{}`, "x"),
			"claims of null": signed(hs256, `null`, "x"),
			"claims a list":  signed(hs256, `[]`, "x"),
		} {
			if works(forged) {
				t.Errorf("%s: a forged token works: %s", name, what)
			}
		}
	}
}

// nextInAlphabet returns another letter that base64 reads as the same bits, as far as they count.
func nextInAlphabet(b byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, b)|1])
}

// TestTokensDie ends sessions in all the ways that there are.
func TestTokensDie(t *testing.T) {
	t.Parallel()
	w := start(t, "JWT_KEY_EXP=3600")
	a := w.defaultTenant()
	dead := func(what, token string) {
		t.Helper()
		if got := a.send("POST", "/auth/verify", object{"token": token}); got.status != 400 {
			t.Errorf("%s: got %d %s, want 400", what, got.status, got.body)
		}
	}
	store := w.store()
	change := func(u user, ch storage.Change) {
		t.Helper()
		ch.TenantID, ch.UserID, ch.Now = a.ID, u.ID, time.Now()
		if err := store.Apply(t.Context(), ch); err != nil {
			t.Fatal(err)
		}
	}
	u := a.add(newUser("jo"))
	token := a.signIn("jo", "phone")
	if d := a.verify(token); d.Exp != d.Iat+time.Hour.Milliseconds() {
		t.Errorf("got %+v, want an hour", d)
	}
	change(u, storage.Change{Raise: true}) // as a new password does
	dead("after a new password", token)
	token = a.signIn("jo", "phone")
	change(u, storage.Change{EndSessions: &storage.SessionFilter{}}) // as the account page does
	dead("after signing out everywhere", token)
	token = a.signIn("jo", "phone")
	record, err := store.User(t.Context(), a.ID, u.ID)
	if err != nil {
		t.Fatal(err)
	}
	record.Disabled = true
	change(u, storage.Change{Update: &record})
	dead("of a disabled user", token)
	a.send("POST", "/auth", object{"login": "jo", "password": goodPassword, "deviceId": "d"}).
		want(403, `{"error":"User is disabled","status":403}`)
	a.send("POST", "/auth", object{"login": "jo", "password": "wrong", "deviceId": "d"}).
		want(403, `{"error":"Incorrect password","status":403}`)
}

// TestTokensExpire waits until a token is too old.
func TestTokensExpire(t *testing.T) {
	t.Parallel()
	w := start(t, "JWT_KEY_EXP=1")
	a := w.register()
	a.add(newUser("jo"))
	token := a.signIn("jo", "phone")
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if a.send("POST", "/auth/verify", object{"token": token}).status == 400 {
			break
		}
		if time.Now().After(end) {
			t.Fatal("the token lives on")
		}
	}
}

// TestOneAccount signs users in at both doors.
func TestOneAccount(t *testing.T) {
	t.Parallel()
	w := start(t)
	a := w.defaultTenant()
	a.add(newUser("jo"))
	for _, name := range []string{"jo", "jo@example.com"} {
		if !w.signsInAtOurs(name, goodPassword) {
			t.Errorf("%s does not sign in at ours", name)
		}
	}
	ours := w.addOurs("kim", "")
	d := a.verify(a.signIn("kim", "phone"))
	if d.ID != ours.ID || d.Sub != ours.ID || d.Login != "default:kim" {
		t.Errorf("got %+v", d)
	}
	var page struct{ Users []user }
	a.send("GET", "/user?q=kim", nil).into(&page)
	if len(page.Users) != 1 || page.Users[0].ID != ours.ID ||
		page.Users[0].LastActivity == page.Users[0].RegistrationDate {
		t.Errorf("got %+v", page.Users)
	}
	a.send("POST", "/user", newUser("KIM")).want(409, `{"error":"A user with this login or email already exists"}`)
	a.send("DELETE", "/user/kim", nil).want(200, `{"result":1}`)
	if w.signsInAtOurs("kim", goodPassword) {
		t.Error("a removed user signs in at ours")
	}
}

// TestAdministratorsAreOutOfReach tries to remove, and to replace, the owner of the installation.
func TestAdministratorsAreOutOfReach(t *testing.T) {
	t.Parallel()
	w := start(t)
	a := w.defaultTenant()
	w.addOurs("boss", storage.RoleOwner)
	a.send("DELETE", "/user/boss", nil).want(403, `{"error":"Forbidden: the user is an administrator"}`)
	a.send("POST", "/user", newUser("boss")).want(409, `{"error":"A user with this login or email already exists"}`)
	if !w.signsInAtOurs("boss", goodPassword) {
		t.Error("the owner does not sign in any more")
	}
}

// TestGuesses guesses at a user: the attempts are limited for that user alone, although all come from one server.
func TestGuesses(t *testing.T) {
	t.Parallel()
	w := start(t)
	a := w.register()
	a.add(newUser("jo"))
	a.add(newUser("kim"))
	var last *answer
	for range 7 {
		last = a.send("POST", "/auth", object{"login": "jo", "password": "wrong", "deviceId": "d"})
	}
	if last.status != 429 || last.header.Get("Retry-After") == "" {
		t.Errorf("got %d %s, want 429", last.status, last.body)
	}
	a.signIn("kim", "phone")
}

// TestSecondFactor signs a user in who has an authenticator app: not by the password alone.
func TestSecondFactor(t *testing.T) {
	t.Parallel()
	w := start(t)
	a := w.defaultTenant()
	u := a.add(newUser("jo"))
	store := w.store()
	secrets, err := installation.OpenSecrets(t.Context(), w.cfg, store)
	if err != nil {
		t.Fatal(err)
	}
	const key = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	app, err := factor.ImportTOTPText(key, factor.Shape{})
	if err != nil {
		t.Fatal(err)
	}
	record, err := store.User(t.Context(), a.ID, u.ID)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	cred := storage.Credential{Kind: storage.TOTPCredential, Data: people.SealTOTP(secrets, record, app), CreatedAt: now,
		UpdatedAt: now}
	err = store.Apply(t.Context(), storage.Change{TenantID: a.ID, UserID: u.ID, Now: now,
		Credentials: []storage.Credential{cred}})
	if err != nil {
		t.Fatal(err)
	}
	sign := func(password, otp string) *answer {
		body := object{"login": "jo", "password": password, "deviceId": "phone", "otp": otp}
		return a.send("POST", "/auth", body)
	}
	sign("wrong", "").want(403, `{"error":"Incorrect password","status":403}`)
	sign(goodPassword, "").want(403, `{"error":"A second factor is required: otp","status":403}`)
	sign(goodPassword, "000000").want(403, `{"error":"Incorrect second factor","status":403}`)
	digits, err := totp.GenerateCode(key, now)
	if err != nil {
		t.Fatal(err)
	}
	var got struct{ AccessToken string }
	sign(goodPassword, digits).into(&got)
	a.verify(got.AccessToken)
	sign(goodPassword, digits).want(403, `{"error":"Incorrect second factor","status":403}`) // works once
}

// TestTwoReplicas uses two servers on PostgreSQL and Redis: what one issues or ends holds at the other.
func TestTwoReplicas(t *testing.T) {
	t.Parallel()
	shared := []string{"VOUCHSAFE_DATABASE_URL=" + pgtest.Start(t), "REDIS_URL=" + redistest.Start(t),
		"JWT_KEY=" + rand.Text() + rand.Text(), "THROTTLER_WHITE_LIST=10.0.0.0/8", "THROTTLER_MAX=40",
		"THROTTLER_INTERVAL=600000"}
	one := start(t, shared...)
	two := start(t, shared...)
	a := one.register()
	there := a
	there.w = two
	a.add(newUser("jo"))
	there.send("POST", "/user", newUser("jo")).want(409, `{"error":"A user with this login or email already exists"}`)
	token := there.signIn("jo", "phone")
	a.verify(token)
	a.send("POST", "/auth/logout", object{"token": token}).want(200, `{"result":1}`)
	there.send("POST", "/auth/verify", object{"token": token}).want(400, invalidToken)
	one.send("POST", "/tenant/logout", "", object{"token": a.Token}).want(200, `{"result":1}`)
	two.send("POST", "/tenant/verify", "", object{"token": a.Token}).want(400, invalidToken)
	// Both count together.
	for i := range 41 {
		w := []*world{one, two}[i%2]
		if w.send("POST", "/tenant/verify", "", object{"token": "x"}).status == 429 {
			return
		}
	}
	t.Error("each replica counts by itself")
}

// TestNothingSecretIsLogged looks for passwords and tokens in the log, and for what names a user in refusals.
func TestNothingSecretIsLogged(t *testing.T) {
	t.Parallel()
	w := start(t, "VOUCHSAFE_LOG_LEVEL=debug")
	a := w.register()
	a.add(newUser("jo"))
	token := a.signIn("jo", "phone")
	a.send("POST", "/auth", object{"login": "jo", "password": "wrong " + goodPassword, "deviceId": "phone"})
	a.send("POST", "/tenant/login", object{"email": a.Email, "password": goodPassword + "X"})
	a.send("POST", "/auth/verify", object{"token": token + "x"})
	a.send("POST", "/user", object{"password": goodPassword})
	a.send("DELETE", "/user/secret@example.com", nil)
	for end := time.Now().Add(time.Minute); strings.Count(w.log.String(), `"request"`) < 8; {
		if time.Sleep(20 * time.Millisecond); time.Now().After(end) {
			t.Fatal("the log has no lines of the requests")
		}
	}
	log := w.log.String()
	for what, secret := range map[string]string{"a password": goodPassword, "the app's token": a.Token,
		"a login": "secret@example.com", "a token": token, "a signature": token[strings.LastIndexByte(token, '.')+1:]} {
		if strings.Contains(log, secret) {
			t.Errorf("the log has %s", what)
		}
	}
}

// TestTheDatabaseMakesNoTokens reads all that is stored, and looks for what signs tokens.
func TestTheDatabaseMakesNoTokens(t *testing.T) {
	t.Parallel()
	w := start(t)
	a := w.register()
	a.add(newUser("jo"))
	user := a.signIn("jo", "phone")
	store := w.store()
	sess, login, err := store.TenantSession(t.Context(), a.ID, claimsOf(t, a.Token)["jti"].(string))
	if err != nil {
		t.Fatal(err)
	}
	own, _, err := store.Session(t.Context(), a.ID, claimsOf(t, user)["jti"].(string), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Contains(login.Password, []byte(goodPassword)) || !bytes.HasPrefix(login.Password, []byte("$argon2id$")) {
		t.Errorf("got the password %s", login.Password)
	}
	for _, key := range [][]byte{
		sess.Data, sess.Data[12:44], sess.Data[:32], own.SecretHash, []byte(own.ID), []byte(sess.ID), {},
	} {
		for _, token := range []string{a.Token, user} {
			i := strings.LastIndexByte(token, '.')
			mac := hmac.New(sha256.New, key)
			mac.Write([]byte(token[:i]))
			if base64.RawURLEncoding.EncodeToString(mac.Sum(nil)) == token[i+1:] {
				t.Errorf("%x, which is stored, signs a token", key)
			}
		}
	}
}
