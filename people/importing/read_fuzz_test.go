package importing

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/vouchsafe/vouchsafe/people/password"
)

// FuzzRows reads any file, as JSON and as CSV. A user who is taken from it is the same after Export has
// written them and Import has read that; what is wrong with a row does not quote its hash.
func FuzzRows(f *testing.F) {
	for _, text := range []string{
		`{"email":"jo@example.com","email_verified":true,"profile":{"name":"Jo","address":{"formatted":"a\nb"}}}` +
			"\n\n" + `{"username":"ann"}`,
		`{"id":"01890a5d-ac96-774b-bcce-b302099a8057","username":"jo",` +
			`"password_hash":"$2a$04$hashcanaryhashcanaryhashcanaryhashcanary"}`,
		`{"username":"jo","password_hash":{"credentialData":"{\"hashIterations\":1,\"algorithm\":\"pbkdf2\"}",` +
			`"secretData":"{\"value\":\"hashcanary\"}"}}`,
		`{"username":"jo","password_hash":"hashcanary","password_salt":"AA=="}`,
		`{"username":"jo","password_hash":"!hashcanary"}`, `{"username":"jo"} {}`, `{"Username":"jo","USERNAME":"ann"}`,
		`{"username":"jo","roles":["` + strings.Repeat(`a","`, 40) + `"]}`, `{"email":"jo@example.com\r\nBcc: x@y.z"}`,
		strings.Repeat("[", 70000), "\ufeff{}", `{"username":"jo","created_at":"9999-12-31T23:59:59Z"}`,
		`{"username":"jo","created_at":"0000-01-01T00:00:00+23:59"}`,
		"email,username,password_hash\njo@example.com,jo,hashcanary\n\"a\nb\",c,d\n", "email,email\n",
		"email_verified,email\nyes,a@b.example\n", "username,picture\njo,javascript:alert(1)\n", "id;email\n",
		"username,roles\njo,a b\x00\n",
	} {
		f.Add([]byte(text), true)
		f.Add([]byte(text), false)
	}
	rules := Rules{Tenant: "default", Roles: true,
		Firebase: &password.Firebase{SignerKey: []byte("k"), Rounds: 8, MemCost: 14}, Now: time.Now()}
	f.Fuzz(func(t *testing.T, text []byte, isCSV bool) {
		rows := 0
		for read := range ReadRows(bytes.NewReader(text), isCSV) {
			if rows++; rows > len(text)+2 {
				t.Fatal("more rows than bytes")
			}
			if read.Err != nil {
				continue
			}
			p, err := read.Row.Check(rules)
			if err != nil {
				if strings.Contains(err.Error(), "hashcanary") &&
					!strings.Contains(read.Row.Email+read.Row.Username+read.Row.Phone, "hashcanary") {
					t.Errorf("%v", err)
				}
				continue
			}
			if !utf8.ValidString(p.User.Email + p.User.Username) {
				t.Errorf("took %+v", p.User)
			}
			u := p.User
			row := rowOf(u)
			if p.Hash != nil {
				if row.PasswordHash, err = json.Marshal(string(p.Hash)); err != nil {
					t.Fatal(err)
				}
			}
			raw, err := json.Marshal(row)
			if err != nil {
				t.Fatal(err)
			}
			again, err := jsonRow(raw)
			if err != nil {
				t.Fatalf("%s: %v", raw, err)
			}
			q, err := again.Check(rules)
			if err != nil || q.User.EmailKey != u.EmailKey || q.User.UsernameKey != u.UsernameKey || q.User.Phone != u.Phone ||
				q.User.ExternalID != u.ExternalID ||
				q.User.Profile.Name != u.Profile.Name || !bytes.Equal(q.Hash, p.Hash) || !q.User.CreatedAt.Equal(u.CreatedAt) {
				t.Errorf("%s came back as %+v, %v", raw, q.User, err)
			}
		}
	})
}

// FuzzFirebaseParameters: the parameters are complete or refused, and the refusal does not
// quote the key.
func FuzzFirebaseParameters(f *testing.F) {
	for _, text := range []string{
		"hash_config {\n  algorithm: SCRYPT,\n  base64_signer_key: a2V5Y2FuYXJ5,\n  base64_salt_separator: Bw==,\n  " +
			"rounds: 8,\n  mem_cost: 14,\n}",
		`{"base64_signer_key":"a2V5Y2FuYXJ5","base64_salt_separator":"Bw","rounds":8,"mem_cost":14}`,
		"rounds: -1 mem_cost: 99 base64_signer_key: a2V5Y2FuYXJ5 base64_salt_separator: x", "rounds: 99999999999999999999",
	} {
		f.Add([]byte(text), "AAAA", "AA==")
	}
	f.Fuzz(func(t *testing.T, text []byte, hash, salt string) {
		p, err := ParseFirebase(text)
		if err != nil {
			if strings.Contains(err.Error(), "a2V5Y2FuYXJ5") {
				t.Error(err)
			}
			return
		}
		if len(p.SignerKey) == 0 {
			t.Error("there is no key")
		}
		stored, err := firebaseHash(*p, hash, salt)
		if err != nil {
			return
		}
		if again, err := password.Import(string(stored)); err != nil || !bytes.Equal(again, stored) {
			t.Errorf("%q is imported as %q, %v", stored, again, err)
		}
	})
}
