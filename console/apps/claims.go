package apps

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/storage"
)

// sources are those that the form of a claim offers; others can be typed.
var sources = []string{"groups", "roles", "external_id", "profile.name", "profile.email"}

// claimRow is a claim in the preview.
type claimRow struct{ Claim, Value, In, Why, From string }

// shownClaims is what the page of an app's claims shows.
type shownClaims struct {
	ID      string
	Rules   []storage.ClaimRule
	Form    console.Form // the fields of Add
	Sources []string
	Changes bool
	User    string // that the preview is for, as it was typed
	Name    string
	Fault   string
	Rows    []claimRow // claims that the app gets
	// Withheld are those that it does not get, and why.
	Withheld []claimRow
}

// claims shows what the app learns beside the usual, and previews it for a user.
func (p place) claims(c *console.Call) error {
	a, err := p.appOf(c)
	if err != nil {
		return err
	}
	page := shownClaims{ID: a.ClientID, Rules: a.Claims, Sources: sources, User: strings.TrimSpace(c.FormValue("user")),
		Changes: c.May("clients:write") && mayManage(c, a) == nil, Form: c.Form(
			console.Field{Name: "claim", Label: "apps.claim", Hint: "apps.claim_hint", Required: true, Max: 128},
			console.Field{Name: "source", Label: "apps.from", Hint: "apps.from_hint", List: "sources", Required: true, Max: 200},
			console.Field{Name: "scope", Label: "apps.claim_scope", Hint: "apps.claim_scope_hint", Max: 200})}
	if page.User != "" {
		if err := p.preview(c, a, &page); err != nil {
			return err
		}
	}
	return c.ShowView("claims", back(c, "apps.claims", a), page)
}

// preview adds what the app learns about the user, as tokens are made now.
func (p place) preview(c *console.Call, a storage.Client, page *shownClaims) error {
	u, err := p.Accounts.Find(c.Context(), c.Asker, page.User)
	if errors.Is(err, storage.ErrNotFound) {
		page.Fault = c.T("apps.fault.user")
		return nil
	}
	if err != nil {
		return err
	}
	page.Name = cmp.Or(u.Profile.Name, u.Email, u.Username, u.ID)
	subject, err := claims.Find(c.Context(), p.Store, a.TenantID, u.ID, a.ClientID)
	if err != nil {
		return err
	}
	for _, e := range subject.Explain(a.Scopes(), claims.Declared{}) {
		row := claimRow{e.Claim, string(e.Value), strings.Join(e.In, ", "), e.Absent, e.From}
		if e.Absent != "" {
			page.Withheld = append(page.Withheld, row)
		} else {
			page.Rows = append(page.Rows, row)
		}
	}
	return nil
}

// addClaim adds a claim to what the app learns, or replaces the one of the name.
func (p place) addClaim(c *console.Call) error {
	was, err := p.managed(c)
	if err != nil {
		return err
	}
	a, rule := was, storage.ClaimRule{Claim: c.Value("claim"), From: c.Value("source"), Scope: c.Value("scope")}
	a.Claims = append(slices.DeleteFunc(slices.Clone(was.Claims),
		func(r storage.ClaimRule) bool { return r.Claim == rule.Claim }),
		rule)
	if rule.Scope != "" && !slices.Contains(a.Scopes(), rule.Scope) {
		a.Scope = strings.TrimSpace(a.Scope + " " + rule.Scope)
	}
	if _, _, err := p.save(c, &was, a); err != nil {
		return c.Refuse(err, "claim", "source", "scope")
	}
	return c.Done(c.To(root+"/claims", "id", a.ClientID), "apps.claim_added", rule.Claim)
}

// removeClaim has the app learn a claim no more.
func (p place) removeClaim(c *console.Call) error {
	was, err := p.managed(c)
	if err != nil {
		return err
	}
	a, name := was, c.Value("claim")
	a.Claims = slices.DeleteFunc(slices.Clone(was.Claims), func(r storage.ClaimRule) bool { return r.Claim == name })
	if len(a.Claims) == len(was.Claims) {
		return storage.ErrNotFound
	}
	if _, _, err := p.save(c, &was, a); err != nil {
		return c.Refuse(err)
	}
	return c.Done(c.To(root+"/claims", "id", a.ClientID), "apps.claim_removed", name)
}
