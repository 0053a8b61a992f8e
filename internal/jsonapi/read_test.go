package jsonapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type address struct {
	City string `json:"city" max:"8"`
}

type appFields struct {
	ClientID string `json:"client_id" need:"true"`
}

type example struct {
	appFields
	Login    string          `json:"login"`
	Password string          `json:"password" secret:"true" max:"16"`
	Kind     string          `json:"kind" enum:"a,b"`
	Remember bool            `json:"remember"`
	Address  *address        `json:"address"`
	Nickname *string         `json:"nickname"`
	Passkey  json.RawMessage `json:"passkey"`
}

// parseInto reads a body into the struct that v points to.
func parseInto(body []byte, v any) error {
	object, err := parseObject(body)
	if err != nil {
		return err
	}
	return Bind(object, v)
}

func TestABodyIsReadIntoItsStruct(t *testing.T) {
	var got example
	err := parseInto([]byte(`{"client_id":"app","login":"J\u00f6 `+
		`\ud83d\ude00","password":"\u0000x","kind":"b","remember":true,
		"address":{"city":"Bern"},"nickname":"","passkey":{"b": [1, 2.50], "a":{}}}`), &got)
	if err != nil {
		t.Fatal(err)
	}
	empty := ""
	want := example{appFields{"app"}, "Jö 😀", "\x00x", "b", true, &address{"Bern"}, &empty,
		json.RawMessage(`{"a":{},"b":[1,2.50]}`)}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(example{})); diff != "" {
		t.Error(diff)
	}
}

// H13, H16, M5: a body that two parsers could read differently, or that no parser should read,
// is a 400 that names the member and quotes nothing.
func TestABodyThatIsNotMeantIsRefused(t *testing.T) {
	deep := strings.Repeat(`{"address":`, 100_000) + `1` + strings.Repeat(`}`, 100_000)
	for name, c := range map[string]struct{ body, want string }{
		"nothing":              {``, "malformed"},
		"no object":            {`["client_id"]`, "malformed"},
		"null":                 {`null`, "malformed"},
		"a form":               {`client_id=app&login=a&login=b`, "malformed"},
		"two values":           {`{"client_id":"app"}{"client_id":"app"}`, "malformed"},
		"a comma too many":     {`{"client_id":"app",}`, "malformed"},
		"a comment":            {`{"client_id":"app"/**/}`, "malformed"},
		"a member twice":       {`{"client_id":"app","login":"a","login":"b"}`, "malformed"},
		"twice by an escape":   {`{"client_id":"app","login":"a","log\u0069n":"b"}`, "malformed"},
		"twice within":         {`{"client_id":"app","address":{"city":"a","city":"b"}}`, "malformed"},
		"not UTF-8":            {"{\"client_id\":\"a\xff\"}", "malformed"},
		"overlong UTF-8":       {"{\"client_id\":\"a\xc0\xaf\"}", "malformed"},
		"half a character":     {`{"client_id":"\ud83d"}`, "malformed"},
		"the other half":       {`{"client_id":"\ude00"}`, "malformed"},
		"half, then something": {`{"client_id":"\ud83d\u0041"}`, "malformed"},
		"too deep":             {deep, "malformed"},
		"deep enough": {`{"client_id":"app","passkey":{"a":{"a":{"a":{"a":{"a":{"a":{"a":{"a":1}}}}}}}}}}`,
			"malformed"},
		"too many": {`{"client_id":"app","passkey":{"a":[` + strings.Repeat("0,", 600) + `0]}}`, "malformed"},
		"unknown": {`{"client_id":"app","email_verified":true,"roles":["admin"],"tenant_id":"x","id":"y"}`,
			"email_verified=unknown id=unknown roles=unknown tenant_id=unknown"},
		"unknown within":     {`{"client_id":"app","address":{"city":"a","street":"b"}}`, "address.street=unknown"},
		"another case":       {`{"Client_ID":"app"}`, "client_id=missing Client_ID=unknown"},
		"the Go name":        {`{"ClientID":"app"}`, "client_id=missing ClientID=unknown"},
		"an array":           {`{"client_id":"app","login":["a"]}`, "login=type"},
		"a number":           {`{"client_id":7}`, "client_id=type"},
		"a huge number":      {`{"client_id":1e999999}`, "client_id=type"},
		"an object":          {`{"client_id":"app","password":{"$ne":null}}`, "password=type"},
		"null for a text":    {`{"client_id":"app","login":null}`, "login=type"},
		"null for an object": {`{"client_id":"app","passkey":null,"address":null}`, "address=type passkey=type"},
		"a text for a bool":  {`{"client_id":"app","remember":"true"}`, "remember=type"},
		"NUL":                {`{"client_id":"app","login":"a\u0000"}`, "login=invalid"},
		"too long": {`{"client_id":"app","password":"12345678901234567","address":{"city":"123456789"}}`,
			"password=too_long address.city=too_long"},
		"empty":            {`{"client_id":""}`, "client_id=missing"},
		"none of the list": {`{"client_id":"app","kind":"c"}`, "kind=invalid"},
		"an odd name":      {`{"client_id":"app","a\u000d\u000a\"ä":1}`, "a???\u003f=unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			var v example
			err := parseInto([]byte(c.body), &v)
			var p *Problem
			if !errors.As(err, &p) || p.Status != http.StatusBadRequest {
				t.Fatalf("got %v", err)
			}
			var got []string
			for _, f := range p.Errors {
				got = append(got, f.Field+"="+f.Code)
			}
			is := strings.Join(got, " ")
			if is == "" {
				is = p.Code
			}
			if is != c.want && !sameWords(is, c.want) {
				t.Errorf("got %s, want %s", is, c.want)
			}
		})
	}
}

func sameWords(a, b string) bool {
	count := map[string]int{}
	for w := range strings.FieldsSeq(a) {
		count[w]++
	}
	for w := range strings.FieldsSeq(b) {
		count[w]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

// K5, M1, M3: only what a page of another site cannot send without asking, and only so much.
func TestWhatARequestMayLookLike(t *testing.T) {
	const body = `{"client_id":"app"}`
	for name, c := range map[string]struct {
		target, typ, encoding, body string
		want                        int
	}{
		"JSON":               {"/", "application/json", "", body, 0},
		"with a charset":     {"/", `application/json; charset="UTF-8"`, "", body, 0},
		"another charset":    {"/", "application/json; charset=utf-7", "", body, 415},
		"plain text":         {"/", "text/plain", "", body, 415},
		"a form":             {"/", "application/x-www-form-urlencoded", "", body, 415},
		"a multipart":        {"/", "multipart/form-data; boundary=x", "", body, 415},
		"no type":            {"/", "", "", body, 415},
		"like JSON":          {"/", "application/jsonp", "", body, 415},
		"compressed":         {"/", "application/json", "gzip", body, 415},
		"in the URL":         {"/?login=a", "application/json", "", body, 400},
		"a password of 1 MB": {"/", "application/json", "", `{"password":"` + strings.Repeat("a", 1<<20) + `"}`, 413},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest("POST", c.target, strings.NewReader(c.body))
			r.Header.Set("Content-Type", c.typ)
			if c.encoding != "" {
				r.Header.Set("Content-Encoding", c.encoding)
			}
			var v example
			shape := shapeOf(reflect.TypeFor[example](), true)
			err := read(httptest.NewRecorder(), r, reflect.ValueOf(&v).Elem(), shape, false)
			var p *Problem
			switch {
			case c.want == 0 && err != nil, c.want > 0 && (!errors.As(err, &p) || p.Status != c.want):
				t.Errorf("got %v, want %d", err, c.want)
			}
		})
	}
}

// FuzzParse: whatever comes in is an error or has one meaning, which survives being
// written and read again.
func FuzzParse(f *testing.F) {
	for _, s := range []string{`{"client_id":"app"}`,
		`{"client_id":"\ud83d\ude00","passkey":{"a":[1,true,null,"\\u0000"]}}`, `{"a":{"b":"\\\ud800"}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var a, b example
		if err := parseInto(body, &a); err != nil {
			var p *Problem
			if !errors.As(err, &p) || p.Status != http.StatusBadRequest {
				t.Fatalf("got %v", err)
			}
			return
		}
		again, err := json.Marshal(map[string]any{"client_id": a.ClientID, "login": a.Login, "password": a.Password})
		if err != nil {
			t.Fatal(err)
		}
		if err := parseInto(again, &b); err != nil || a.Login != b.Login || a.Password != b.Password ||
			a.ClientID != b.ClientID {
			t.Errorf("%q: got %+v, then %+v, %v", body, a, b, err)
		}
	})
}
