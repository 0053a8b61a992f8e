package apps

import (
	"cmp"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/storage"
)

// sources are those that the form of a claim offers; others can be typed.
var sources = []string{"groups", "roles", "external_id", "profile.name", "profile.email"}

// claimRow is a claim in the preview.
type claimRow struct{ Claim, Value, In, Why, From string }

// ruleRow is a rule of the app about a claim.
type ruleRow struct{ Claim, From, Scope, In string }

// rulesOf returns the rules for the page.
func rulesOf(c *console.Call, rules []storage.ClaimRule) (rows []ruleRow) {
	for _, r := range rules {
		row := ruleRow{r.Claim, r.From, r.Scope, strings.Join(r.In, ", ")}
		if r.Value != nil {
			row.From = string(r.Value)
		}
		if r.Prefix != "" {
			row.From = c.T("apps.claim_with_prefix", row.From, r.Prefix)
		}
		rows = append(rows, row)
	}
	return rows
}

// claimFields are those of the form of a rule: the claim, where its value comes from, what becomes of it, and the
// places where it is given, of which ID tokens and userinfo are the usual ones.
func claimFields(c *console.Call) []console.Field {
	as := console.Field{Name: "as", Label: "apps.claim_as", Kind: "select"}
	for _, how := range []string{"", claims.AsList, claims.AsString} {
		as.Options = append(as.Options, console.Option{Value: how, Text: c.T("apps.claim_as." + cmp.Or(how, "is"))})
	}
	fields := []console.Field{
		{Name: "claim", Label: "apps.claim", Hint: "apps.claim_hint", Required: true, Max: 128},
		{Name: "source", Label: "apps.from", Hint: "apps.from_hint", List: "sources", Max: 200},
		{Name: "value", Label: "apps.claim_value", Hint: "apps.claim_value_hint", Max: 1000},
		{Name: "prefix", Label: "apps.claim_prefix", Hint: "apps.claim_prefix_hint", Max: 200},
		{Name: "strip_prefix", Label: "apps.claim_strip", Kind: "checkbox"}, as,
		{Name: "scope", Label: "apps.claim_scope", Hint: "apps.claim_scope_hint", Max: 200},
	}
	for _, place := range claims.Places {
		fields = append(fields, console.Field{Name: "in." + place, Label: "apps.claim_in." + place, Kind: "checkbox",
			Checked: place == claims.InIDToken || place == claims.InUserinfo})
	}
	return fields
}

// ruleOf reads the form. A fixed value that is no JSON is a text.
func ruleOf(c *console.Call) storage.ClaimRule {
	r := storage.ClaimRule{Claim: c.Value("claim"), From: c.Value("source"), Scope: c.Value("scope"),
		Prefix: c.Value("prefix"), StripPrefix: c.Value("strip_prefix") == "1", As: c.Value("as")}
	if value := c.Value("value"); value != "" {
		if r.Value = json.RawMessage(value); !json.Valid(r.Value) {
			r.Value, _ = json.Marshal(value) // of a text it cannot fail
		}
	}
	for _, place := range claims.Places {
		if c.Value("in."+place) == "1" {
			r.In = append(r.In, place)
		}
	}
	if slices.Equal(r.In, []string{claims.InIDToken, claims.InUserinfo}) {
		r.In = nil // the default
	}
	return r
}

// shownClaims is what the page of an app's claims shows.
type shownClaims struct {
	ID      string
	Rules   []ruleRow
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
	page := shownClaims{ID: a.ClientID, Rules: rulesOf(c, a.Claims), Sources: sources,
		User:    strings.TrimSpace(c.FormValue("user")),
		Changes: c.May("clients:write") && mayManage(c, a) == nil, Form: c.Form(claimFields(c)...)}
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
	subject.Names, err = clients.Names(c.Context(), p.Accounts.Pairwise, subject.Client)
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
	a, rule := was, ruleOf(c)
	a.Claims = append(slices.DeleteFunc(slices.Clone(was.Claims),
		func(r storage.ClaimRule) bool { return r.Claim == rule.Claim }),
		rule)
	if rule.Scope != "" && !slices.Contains(a.Scopes(), rule.Scope) {
		a.Scope = strings.TrimSpace(a.Scope + " " + rule.Scope)
	}
	if _, _, err := p.save(c, &was, a); err != nil {
		return c.Refuse(err, namesOf(claimFields(c))...)
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
	at := slices.IndexFunc(was.Claims, func(r storage.ClaimRule) bool { return r.Claim == name })
	undo, err := c.UndoBy(root+"/undo-claim", removedClaim{a.ClientID, at, was.Claims[at]})
	if err != nil {
		return err
	}
	return c.Tell(c.To(root+"/claims", "id", a.ClientID),
		console.Notice{Text: c.T("apps.claim_removed", name), Undo: undo})
}

// removedClaim is a rule that was removed from an app, with its place in the list.
type removedClaim struct {
	App  string
	At   int
	Rule storage.ClaimRule
}

// undoClaim has the app learn again what it learned before a rule was removed, unless there is another rule about the
// claim by now.
func (p place) undoClaim(c *console.Call) error {
	var removed removedClaim
	if err := c.Undo(&removed); err != nil {
		return err
	}
	was, err := p.Store.Client(c.Context(), c.Tenant().ID, removed.App)
	if err == nil {
		err = mayManage(c, was)
	}
	if err != nil {
		return err
	}
	to := c.To(root+"/claims", "id", was.ClientID)
	if slices.ContainsFunc(was.Claims, func(r storage.ClaimRule) bool { return r.Claim == removed.Rule.Claim }) {
		return console.Overtaken(to)
	}
	a := was
	a.Claims = slices.Insert(slices.Clone(was.Claims), min(removed.At, len(was.Claims)), removed.Rule)
	if _, _, err := p.save(c, &was, a); err != nil {
		return c.Refuse(err)
	}
	return c.Done(to, "apps.claim_added", removed.Rule.Claim)
}

// namesOf returns the names of the fields.
func namesOf(fields []console.Field) (names []string) {
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return names
}
