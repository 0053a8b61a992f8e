package claims_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/provider/tokens"
	"github.com/vouchsafe/vouchsafe/storage"
)

// withClaim adds a row to the table for the length of a test, which cannot be parallel.
func withClaim(t *testing.T, row claims.Claim) {
	before := claims.Standard
	claims.Standard = before.With(row)
	t.Cleanup(func() { claims.Standard = before })
}

// TestARowIsEnoughForTokens: a claim of the table is in tokens, discovery and the claims parameter.
func TestARowIsEnoughForTokens(t *testing.T) {
	withClaim(t, claims.Claim{
		Name: "motto", Scope: "profile", Type: claims.String, Editor: claims.Owner, Upstream: true,
		Value: func(u *storage.User) any { return u.Profile.Nickname },
		Text:  func(p *storage.Profile) *string { return &p.Nickname },
	})
	subject := &claims.Subject{User: &storage.User{Profile: storage.Profile{Nickname: "onward"}}}
	if got := tokens.UserClaims(subject, claims.InUserinfo, []string{"profile"}, nil)["motto"]; got != "onward" {
		t.Errorf("the scope gives %v", got)
	}
	request, err := tokens.ParseClaimsRequest(`{"userinfo":{"motto":null}}`)
	if err != nil {
		t.Fatal(err)
	}
	got := tokens.UserClaims(subject, claims.InUserinfo, nil, request.Userinfo)["motto"]
	if got != "onward" || !slices.Contains(request.Names(claims.Rules{}), "motto") {
		t.Errorf("the claims parameter gives %v, and consent %v", got, request.Names(claims.Rules{}))
	}
	if request.Within(&storage.Client{Scope: "openid"}, claims.Rules{}); len(request.Userinfo) != 0 {
		t.Error("a client without the scope may ask for it")
	}
	if !slices.Contains(tokens.Claims(nil), "motto") {
		t.Error("discovery lacks it")
	}
	if !slices.Contains(claims.Standard.UpstreamNames(), "motto") {
		t.Error("upstream providers cannot fill it")
	}
}

// TestEveryFieldOfAProfileHasARow: what is stored of a profile is a claim, and each in its JSON type.
func TestEveryFieldOfAProfileHasARow(t *testing.T) {
	for prefix, typ := range map[string]reflect.Type{
		"": reflect.TypeFor[storage.Profile](), "address.": reflect.TypeFor[storage.Address](),
	} {
		for f := range typ.Fields() {
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if claims.Standard.Named(prefix+name) == nil {
				t.Errorf("%s%s has no row", prefix, name)
			}
		}
	}
	for _, c := range claims.Standard.All() {
		if c.Text == nil {
			continue
		}
		p := storage.Profile{Address: &storage.Address{}}
		*c.Text(&p) = "x"
		raw, err := json.Marshal(p)
		member := c.Name[strings.LastIndexByte(c.Name, '.')+1:]
		if err != nil || !strings.Contains(string(raw), strconv.Quote(member)+`:"x"`) {
			t.Errorf("%s is stored as %s", c.Name, raw)
		}
	}
}

// TestEveryRowHasWords: consent, and the profile page where its owner edits it, in all languages.
func TestEveryRowHasWords(t *testing.T) {
	for _, tag := range texts.Languages() {
		words := texts.In(tag)
		for _, c := range claims.Standard.All() {
			if c.Value != nil && words["claim."+c.Name] == "" {
				t.Errorf("%s: no words for the consent to %s", tag, c.Name)
			}
			label := "profile." + strings.TrimPrefix(c.Name, "address.")
			if c.Editor == claims.Owner && words[label] == "" {
				t.Errorf("%s: no label for %s", tag, c.Name)
			}
			if c.Input.Hint != "" && words[c.Input.Hint] == "" {
				t.Errorf("%s: no hint for %s", tag, c.Name)
			}
		}
	}
	for _, scope := range claims.Standard.Scopes() {
		if !slices.Contains(clients.Scopes, scope) {
			t.Errorf("clients cannot have the scope %s", scope)
		}
	}
}

// TestClaimsAreNamedInTheTableAlone reads the source: no other list of claims may come back.
func TestClaimsAreNamedInTheTableAlone(t *testing.T) {
	rare := []string{"middle_name", "birthdate", "zoneinfo", "address.locality", "updated_at"}
	const columns = "people/importing/read.go" // names the column updated_at of a user's record
	for _, folder := range []string{"provider", "login", "people", "clients", "tenants", "cmd"} {
		err := filepath.WalkDir("../../"+folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") ||
				strings.Contains(path, "people/claims/") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			ast.Inspect(file, func(n ast.Node) bool {
				if field, ok := n.(*ast.Field); ok && field.Tag != nil {
					return false // a record's, in JSON
				}
				if lit, ok := n.(*ast.BasicLit); ok && lit.Kind == token.STRING {
					text, _ := strconv.Unquote(lit.Value)
					for _, name := range rare {
						if slices.Contains(strings.Fields(text), name) && !(name == "updated_at" && strings.HasSuffix(path, columns)) {
							t.Errorf("%s names the claim %s: it has to come from people/claims", path, name)
						}
					}
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestFormsOfTexts(t *testing.T) {
	for form, values := range map[claims.Form][2]string{
		claims.URL: {"https://a.example/", "http://a.example/"}, claims.Date: {"0000-12-31", "1990-02-30"},
		claims.Zone: {"Europe/Berlin", "../etc"}, claims.Language: {"pt-BR", "no language"},
	} {
		if form.Fault("") != "" || form.Fault(values[0]) != "" || form.Fault(values[1]) == "" {
			t.Errorf("form %d: %q and %q", form, form.Fault(values[0]), form.Fault(values[1]))
		}
	}
}
