package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	passwords "github.com/vouchsafe/vouchsafe/people/password"
)

// FuzzPeople reads any file of people, as JSON and as CSV. Whoever is taken from it is
// the same when they are written as user export writes them and read again; what is wrong
// with a row is said in a line that does not quote its hash.
func FuzzPeople(f *testing.F) {
	for _, text := range []string{
		`{"email":"jo@example.com","email_verified":true,"profile":{"name":"Jo","address":{"formatted":"a\nb"}}}` + "\n\n" + `{"username":"ann"}`,
		`{"id":"01890a5d-ac96-774b-bcce-b302099a8057","username":"jo","password_hash":"$2a$04$hashcanaryhashcanaryhashcanaryhashcanary"}`,
		`{"username":"jo","password_hash":{"credentialData":"{\"hashIterations\":1,\"algorithm\":\"pbkdf2\"}","secretData":"{\"value\":\"hashcanary\"}"}}`,
		`{"username":"jo","password_hash":"hashcanary","password_salt":"AA=="}`, `{"username":"jo","password_hash":"!hashcanary"}`, `{"username":"jo"} {}`, `{"Username":"jo","USERNAME":"ann"}`,
		`{"username":"jo","roles":["` + strings.Repeat(`a","`, 40) + `"]}`, `{"email":"jo@example.com\r\nBcc: x@y.z"}`, strings.Repeat("[", 70000), "\ufeff{}", `{"username":"jo","created_at":"9999-12-31T23:59:59Z"}`, `{"username":"jo","created_at":"0000-01-01T00:00:00+23:59"}`,
		"email,username,password_hash\njo@example.com,jo,hashcanary\n\"a\nb\",c,d\n", "email,email\n", "email_verified,email\nyes,a@b.example\n", "username,picture\njo,javascript:alert(1)\n", "id;email\n", "username,roles\njo,a b\x00\n",
	} {
		f.Add([]byte(text), true)
		f.Add([]byte(text), false)
	}
	rules := rowRules{tenant: "default", roles: true, firebase: &passwords.Firebase{SignerKey: []byte("k"), Rounds: 8, MemCost: 14}, now: time.Now()}
	f.Fuzz(func(t *testing.T, text []byte, isCSV bool) {
		rows := 0
		for read := range readRows(bufio.NewReader(bytes.NewReader(text)), isCSV) {
			if rows++; rows > len(text)+2 {
				t.Fatal("more rows than bytes")
			}
			if read.err != nil {
				continue
			}
			p, err := read.row.check(rules)
			if err != nil {
				if strings.Contains(err.Error(), "hashcanary") && !strings.Contains(read.row.Email+read.row.Username+read.row.Phone, "hashcanary") {
					t.Errorf("%v", err)
				}
				continue
			}
			if !utf8.ValidString(p.user.Email + p.user.Username) {
				t.Errorf("took %+v", p.user)
			}
			u := p.user
			row := personRow{ID: u.ID, Email: u.Email, EmailVerified: u.EmailVerified, Username: u.Username, Phone: u.Phone, PhoneVerified: u.PhoneVerified, Profile: u.Profile, Roles: u.Roles, Disabled: u.Disabled, CreatedAt: u.CreatedAt, UpdatedAt: u.UpdatedAt}
			if p.hash != nil {
				if row.PasswordHash, err = json.Marshal(string(p.hash)); err != nil {
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
			q, err := again.check(rules)
			if err != nil || q.user.EmailKey != u.EmailKey || q.user.UsernameKey != u.UsernameKey || q.user.Phone != u.Phone || q.user.Profile.Name != u.Profile.Name || !bytes.Equal(q.hash, p.hash) || !q.user.CreatedAt.Equal(u.CreatedAt) {
				t.Errorf("%s came back as %+v, %v", raw, q.user, err)
			}
		}
	})
}

// FuzzFirebaseParameters: the parameters are complete or refused, and the refusal does not
// quote the key.
func FuzzFirebaseParameters(f *testing.F) {
	for _, text := range []string{
		"hash_config {\n  algorithm: SCRYPT,\n  base64_signer_key: a2V5Y2FuYXJ5,\n  base64_salt_separator: Bw==,\n  rounds: 8,\n  mem_cost: 14,\n}",
		`{"base64_signer_key":"a2V5Y2FuYXJ5","base64_salt_separator":"Bw","rounds":8,"mem_cost":14}`, "rounds: -1 mem_cost: 99 base64_signer_key: a2V5Y2FuYXJ5 base64_salt_separator: x", "rounds: 99999999999999999999",
	} {
		f.Add([]byte(text), "AAAA", "AA==")
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte, hash, salt string) {
		path := filepath.Join(dir, "firebase")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		p, err := readFirebase(path)
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
		if again, err := passwords.Import(string(stored)); err != nil || !bytes.Equal(again, stored) {
			t.Errorf("%q is imported as %q, %v", stored, again, err)
		}
	})
}
