package apps

import (
	"cmp"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/docs"
	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/login/ui"
	"github.com/vouchsafe/vouchsafe/storage"
)

// shownApp is what the page of an app shows.
type shownApp struct {
	ID, Kind   string
	Disabled   bool
	Declared   bool
	Changes    bool // the reader may change the app
	Beyond     bool // the app may do more than the reader
	Facts      []fact
	Outside    []fact // of an app that no administrator added
	Document   bool   // its description can be read again
	Allowed    bool
	Connect    []fact
	Samples    []sample
	Redirects  []string
	Logouts    []string
	Told       string // where it is told of sessions that have ended
	Pages      bool   // the app sends users to the sign-in pages
	Everyone   bool
	Access     []fact
	Roles      []storage.Role
	Claims     []storage.ClaimRule
	Secrets    []secretRow
	HasSecrets bool
	MoreSecret bool // it may have one more
	Log        bool
	Refused    []refusedRow
	// Differs is in what the clients file differs from what is stored, and DiffersNote a word about the file.
	Differs     []differRow
	DiffersNote string
}

// differRow is a field that the clients file declares otherwise.
type differRow struct{ Field, Stored, File string }

type fact struct {
	Name, Text string
	At         *ui.Stamp
}

type secretRow struct {
	ID     string
	Oldest bool
}

// sample is a program that connects the app.
type sample struct {
	Name  string
	Files []docs.Snippet
}

// refusedRow is a refusal, with its reason and what to do about it.
type refusedRow struct {
	What, Why, User, UserID string
	At                      ui.Stamp
}

// samplesOf are the sections of the documentation by kinds.
var samplesOf = map[string][][2]string{
	clients.SPA: {{"clients-javascript", "oidc-client-ts"}, {"clients-javascript", "react-oidc-context"}},
	clients.Web: {{"clients-javascript", "openid-client"}, {"clients-javascript", "Auth.js"},
		{"clients-go", "x/oauth2 and go-oidc"}, {"clients-python", "Authlib with Flask"},
		{"clients-java", "Spring Boot: sign-in"}},
}

// app shows an app.
func (p place) app(c *console.Call) error {
	a, err := p.appOf(c)
	if err != nil {
		return err
	}
	kind := kindOf(a)
	page := shownApp{
		ID: a.ClientID, Kind: c.T("apps.kind." + kind), Disabled: a.Disabled, Declared: a.Declared,
		Beyond:    mayManage(c, a) != nil,
		Redirects: a.RedirectURIs, Logouts: a.PostLogoutRedirectURIs, Told: a.BackchannelLogoutURI,
		Pages:    a.MayUse("authorization_code"),
		Everyone: a.Allow.All(), Claims: a.Claims, HasSecrets: usesSecrets(a), Log: c.May("audit:read"),
		MoreSecret: len(a.SecretHashes) < clients.MaxSecrets,
	}
	page.Changes = c.May("clients:write") && !page.Beyond
	for i, hash := range a.SecretHashes {
		page.Secrets = append(page.Secrets, secretRow{clients.SecretID(hash), i == 0 && len(a.SecretHashes) > 1})
	}
	use, err := p.Store.UseOf(c.Context(), a.TenantID, a.ClientID, mostCounted, time.Now())
	if err != nil {
		return err
	}
	page.fill(c, a, use)
	p.compare(c, a, &page)
	page.Samples = samples(c, a, kind)
	if c.May("groups:read") {
		if page.Roles, err = p.Store.RolesOfClient(c.Context(), a.TenantID, a.ClientID, "", 20); err != nil {
			return err
		}
	}
	if page.Log {
		if page.Refused, err = p.refused(c, a); err != nil {
			return err
		}
	}
	v := c.View("place.apps").BackTo("place.apps", root)
	v.Title = nameOf(a)
	return c.ShowView("app", v, page)
}

// mostCounted bounds how many grants are counted.
const mostCounted = 1000

// counted returns a number, of which there may be more.
func counted(c *console.Call, n int64, more bool) string {
	text := c.Words.Number(n)
	if more {
		text += "+"
	}
	return text
}

// compare adds what the clients file says otherwise of an app that it declares.
func (p place) compare(c *console.Call, a storage.Client, page *shownApp) {
	if !a.Declared || a.TenantID != storage.DefaultTenant || p.InFile == nil {
		return
	}
	file, err := p.InFile(a.ClientID)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		page.DiffersNote = c.T("apps.differs_gone")
		return
	case err != nil:
		page.DiffersNote = c.T("apps.differs_broken")
		return
	}
	text := func(value any) string {
		if raw, ok := value.(json.RawMessage); ok {
			return string(raw)
		}
		return "–"
	}
	for _, f := range clients.Compare(a, file) {
		page.Differs = append(page.Differs, differRow{f.Name, text(f.From), text(f.To)})
	}
	if len(page.Differs) == 0 {
		page.DiffersNote = c.T("apps.differs_none")
	}
}

// fill adds what the app is, how it connects, and who may use it.
func (page *shownApp) fill(c *console.Call, a storage.Client, use storage.ClientUse) {
	page.Outside = outsideFacts(c, a)
	if o := a.Outside; o != nil {
		page.Document, page.Allowed = o.Origin == storage.OriginDocument, o.Verdict == storage.VerdictAllowed
	}
	page.Facts = []fact{
		{Name: c.T("apps.id"), Text: a.ClientID}, {Name: c.T("apps.kind"), Text: page.Kind},
		{Name: c.T("apps.scopes"), Text: a.Scope},
		{Name: c.T("apps.proves"), Text: cmp.Or(a.TokenEndpointAuthMethod, "client_secret_basic, client_secret_post")},
		stamped(c, "apps.last_use", use.LastUse),
		{Name: c.T("apps.sessions"), Text: counted(c, use.Sessions, use.More)},
		{Name: c.T("apps.grants"), Text: counted(c, use.Grants, use.More)},
		stamped(c, "apps.added_at", a.CreatedAt),
	}
	issuer := c.Tenant().Issuer
	page.Connect = []fact{
		{Name: c.T("apps.issuer"), Text: issuer}, {Name: c.T("apps.discovery"),
			Text: issuer + "/.well-known/openid-configuration"},
		{Name: c.T("apps.id"), Text: a.ClientID},
	}
	if len(a.Allow.Groups) > 0 {
		page.Access = append(page.Access, fact{Name: c.T("apps.groups"), Text: strings.Join(a.Allow.Groups, ", ")})
	}
	if len(a.Allow.EmailDomains) > 0 {
		page.Access = append(page.Access, fact{Name: c.T("apps.domains"), Text: strings.Join(a.Allow.EmailDomains, ", ")})
	}
	if a.Allow.VerifiedEmail {
		page.Access = append(page.Access, fact{Name: c.T("apps.verified"), Text: c.T("console.yes")})
	}
}

// stamped returns a fact that is a time.
func stamped(c *console.Call, name string, at time.Time) fact {
	if at.IsZero() {
		return fact{Name: c.T(name), Text: c.T("apps.never")}
	}
	stamp := ui.StampOf(c.Words, at)
	return fact{Name: c.T(name), At: &stamp}
}

// usesSecrets reports whether the app proves itself by a secret.
func usesSecrets(a storage.Client) bool {
	return a.TokenEndpointAuthMethod == "" || strings.HasPrefix(a.TokenEndpointAuthMethod, "client_secret_")
}

// samples returns the programs of the documentation for apps of the kind, with the app's own values.
func samples(c *console.Call, a storage.Client, kind string) (all []sample) {
	v := docs.Values{Issuer: c.Tenant().Issuer, ClientID: a.ClientID}
	if len(a.RedirectURIs) > 0 {
		v.RedirectURI = a.RedirectURIs[0]
	}
	for _, from := range samplesOf[kind] {
		if files := docs.Snippets(from[0], from[1], v); len(files) > 0 {
			all = append(all, sample{from[1], files})
		}
	}
	return all
}

// refusals are the kinds of events that say why a user or the app was refused.
var refusals = []string{storage.EventAccessRefused, storage.EventLoginFailed, storage.EventConsentDenied,
	storage.EventCodeReused, storage.EventCodeBurnt, storage.EventRefreshReused, storage.EventRefreshAhead,
	storage.EventClientUnprotected}

// refused returns the latest refusals at the app. Of a busy tenant it looks at the latest events only.
func (p place) refused(c *console.Call, a storage.Client) (rows []refusedRow, err error) {
	found, _, err := audit.Search{Tenant: a.TenantID, Kinds: refusals, ClientID: a.ClientID}.Page(c.Context(), p.Store,
		"", 10)
	names := map[string]string{}
	for _, e := range found {
		row := refusedRow{What: c.T("apps.refused." + e.Kind), Why: why(c, e), At: ui.StampOf(c.Words, e.At)}
		if e.UserID != "" && c.May("users:read") {
			if _, known := names[e.UserID]; !known {
				u, err := p.Store.User(c.Context(), a.TenantID, e.UserID)
				if names[e.UserID] = e.UserID; err == nil {
					names[e.UserID] = cmp.Or(u.Profile.Name, u.Email, u.Username, u.ID)
				}
			}
			row.User, row.UserID = names[e.UserID], e.UserID
		}
		rows = append(rows, row)
	}
	return rows, err
}

// why says what to do about a refusal, or names its reason.
func why(c *console.Call, e storage.Event) string {
	reason := e.Detail["reason"]
	if text, err := c.Words.Say("apps.why." + cmp.Or(reason, e.Kind)); err == nil {
		return text
	}
	if text, err := c.Words.Say("apps.why." + e.Kind); err == nil {
		return text
	}
	return reason
}
