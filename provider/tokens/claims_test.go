package tokens

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/storage"
)

var filled = storage.User{
	ID: "u", Username: "jo", Email: "jo@example.com", EmailVerified: true, Phone: "+41441234567",
	UpdatedAt: time.Unix(1700000000, 0),
	Profile: storage.Profile{
		Name: "Jo Doe", GivenName: "Jo", FamilyName: "Doe", MiddleName: "M", Nickname: "J", Profile: "https://p",
		Picture: "https://i", Website: "https://w",
		Gender: "female", Birthdate: "2000-01-02", Zoneinfo: "Europe/Zurich", Locale: "de-CH",
		Address: &storage.Address{Formatted: "A\nB", StreetAddress: "A", Locality: "B", Region: "C",
			PostalCode: "1", Country: "CH"},
	},
}

// of returns what userinfo says of a user without rules.
func of(u *storage.User, scopes []string, asked map[string]*ClaimRequest) map[string]any {
	return UserClaims(&claims.Subject{User: u}, claims.InUserinfo, scopes, asked)
}

// What userinfo says must have the types of OIDC Core 5.1 once it is JSON.
func TestClaimsOfScopes(t *testing.T) {
	t.Parallel()
	for scope, want := range map[string]string{
		"openid":         `{}`,
		"offline_access": `{}`,
		"api":            `{}`,
		"profile": `{"name":"Jo Doe","given_name":"Jo","family_name":"Doe","middle_name":"M","nickname":"J",` +
			`"preferred_username":"jo","profile":"https://p",
			"picture":"https://i","website":"https://w","gender":"female","birthdate":"2000-01-02","zoneinfo":"Europe/Zurich","locale":"de-CH","updated_at":1700000000}`,
		"email": `{"email":"jo@example.com","email_verified":true}`,
		"phone": `{"phone_number":"+41441234567","phone_number_verified":false}`,
		"address": `{"address":{"formatted":"A\nB","street_address":"A","locality":"B","region":"C",` +
			`"postal_code":"1","country":"CH"}}`,
	} {
		var got, wanted any
		raw, err := json.Marshal(of(&filled, []string{scope}, nil))
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &got); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(want), &wanted); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(wanted, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", scope, diff)
		}
	}
}

func TestUnknownClaimsAreLeftOut(t *testing.T) {
	t.Parallel()
	asked := map[string]*ClaimRequest{"email": nil, "nope": {Essential: true}, "sub": {Value: "x"},
		"phone_number_verified": nil, "address": nil}
	got := of(&storage.User{ID: "u", Profile: storage.Profile{Address: &storage.Address{}}}, clients.Scopes, asked)
	if len(got) != 0 {
		t.Errorf("got %v, want nothing", got)
	}
}

func TestSingleClaims(t *testing.T) {
	t.Parallel()
	got := of(&filled, []string{"openid"}, map[string]*ClaimRequest{"email": {Essential: true}, "name": nil})
	if diff := cmp.Diff(map[string]any{"email": "jo@example.com", "name": "Jo Doe"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// M5: hostile claims parameters are refused, harmless ones understood.
func TestParseClaimsRequest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		raw string
		ok  bool
	}{
		"none":   {"", true},
		"empty":  {"{}", true},
		"spaces": {" \n{ } ", true},
		"OIDC Core's example": {`{"userinfo":{"given_name":{"essential":true},"nickname":null,` +
			`"http://example.info/claims/groups":null},"id_token":{"auth_time":{"essential":true},` +
			`"acr":{"values":["urn:mace:incommon:iap:silver"]}}}`, true},
		"unknown members":     {`{"other":{"x":[[1]]},"userinfo":{"name":{"purpose":"x"}}}`, true},
		"values of any type":  {`{"id_token":{"a":{"value":{"b":1}},"c":{"values":[1,true,null]}}}`, true},
		"brackets in strings": {`{"id_token":{"a":{"value":"[[[[[[[[[[{{{{{{{{{\"[["}}}`, true},
		"null":                {"null", false},
		"list":                {"[]", false},
		"string":              {`"x"`, false},
		"number":              {"1", false},
		"no JSON":             {"{", false},
		"two":                 {"{}{}", false},
		"member no object":    {`{"userinfo":[]}`, false},
		"claim a string":      {`{"userinfo":{"name":"x"}}`, false},
		"essential no bool":   {`{"userinfo":{"name":{"essential":"yes"}}}`, false},
		"values no list":      {`{"userinfo":{"name":{"values":"x"}}}`, false},
		"deep":                {strings.Repeat(`{"userinfo":`, 300) + "1" + strings.Repeat("}", 300), false},
		"deep lists": {`{"userinfo":{"a":{"value":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}}}`,
			false},
		"deep, ignored": {`{"x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `}`, false},
		"huge":          {`{"userinfo":{"` + strings.Repeat("x", maxClaimsRequest) + `":null}}`, false},
		"not UTF-8":     {"{\"userinfo\":{\"\xff\":null}}", false},
	} {
		req, err := ParseClaimsRequest(c.raw)
		if (err == nil) != c.ok {
			t.Errorf("%s: got %v, want accepted %v", name, err, c.ok)
		}
		if c.ok && req == nil {
			t.Errorf("%s: got nil", name)
		}
	}
	var many strings.Builder
	for i := range maxClaimsNames + 1 {
		many.WriteString(`"c` + string(rune('a'+i%26)) + string(rune('a'+i/26)) + `":null,`)
	}
	if _, err := ParseClaimsRequest(`{"userinfo":{` + strings.TrimSuffix(many.String(), ",") + `}}`); err == nil {
		t.Error("too many names were taken")
	}
}

func TestNamesAndValuesOfAClaimsRequest(t *testing.T) {
	t.Parallel()
	req, err := ParseClaimsRequest(
		`{"userinfo":{"name":null,"email":null,"nope":null},"id_token":{"email":null,"sub":{"value":"u1"},` +
			`"acr":{"values":["1","2"]},"auth_time":null}}`)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := req.Names(claims.Rules{}), []string{"email", "name"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, c := range []struct {
		name, value string
		want        bool
	}{{"sub", "u1", true}, {"sub", "u2", false}, {"acr", "2", true}, {"acr", "3", false}, {"email", "anything", true},
		{"nickname", "anything", true}} {
		if got := req.IDToken[c.name].Allows(c.value); got != c.want {
			t.Errorf("%s %s: got %v, want %v", c.name, c.value, got, c.want)
		}
	}
}

func FuzzClaimsRequest(f *testing.F) {
	f.Add(`{"userinfo":{"given_name":{"essential":true},"nickname":null},"id_token":{"acr":{"values":["1"]}}}`)
	f.Add(`{"id_token":{"sub":{"value":{"a":[1]}}}}`)
	f.Add("[[[[")
	f.Fuzz(func(t *testing.T, raw string) {
		req, err := ParseClaimsRequest(raw)
		if err != nil {
			return
		}
		for _, name := range req.Names(claims.Rules{}) {
			if slices.Contains(claims.Standard.Protocol(), name) {
				t.Errorf("%s is the protocol's", name)
			}
		}
		for _, asked := range []map[string]*ClaimRequest{req.IDToken, req.Userinfo} {
			for name, r := range asked {
				r.Allows("x")
				if _, ok := of(&filled, nil, asked)[name]; ok && slices.Contains(claims.Standard.Protocol(), name) {
					t.Errorf("%s came from the record", name)
				}
			}
		}
	})
}
