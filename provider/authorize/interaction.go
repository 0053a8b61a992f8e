package authorize

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/clients"
	"github.com/vouchsafe/vouchsafe/storage"
)

// freshAge is the longest max_age that asks for a proof for the request's own sake.
const freshAge = 5 * time.Minute

// Interaction opens the letter that a page was given as i, by query or by form. Its errors are for users
// (web.Problem). The client is looked up anew each time, so that one disabled in mid-flow is refused at
// every step.
func (s *Server) Interaction(r *http.Request) (storage.Interaction, error) {
	sealed := r.FormValue("i")
	l, err := s.openLetter(r, sealed)
	if err != nil {
		return storage.Interaction{}, err
	}
	if l.foreign && r.Method != http.MethodGet && r.Method != http.MethodHead {
		return storage.Interaction{}, elsewhere()
	}
	form, err := url.ParseQuery(l.query)
	if err != nil {
		return storage.Interaction{}, err
	}
	from := request{letter: l}
	from.readMarks(form)
	a, err := s.parse(r, form, from)
	if err != nil {
		return storage.Interaction{}, pageError(err)
	}
	next := a.tenant.Path + "/authorize?i=" + sealed
	var device *storage.AskingDevice
	allow := next
	if d := a.device; d != nil {
		allow += "&allow=" + s.sealAllowed(a.tenant, l)
		device = &storage.AskingDevice{UserCode: d.UserCode, IP: d.IP, UserAgent: d.UserAgent}
	}
	return storage.Interaction{
		TenantID: a.tenant.ID, Letter: sealed, Started: l.started, Late: s.late(l), Client: *a.client,
		Unverified: !clients.Verified(&a.tenant.Tenant, a.client), Publisher: publisher(a.client), MayStay: a.mayStay(),
		Device: device,
		Scopes: a.scopes, Claims: a.claims.Names(a.rules()), Resources: a.resources, RedirectURI: a.redirectURI,
		LoginHint: cmp.Or(form.Get("login_hint"), a.hint.Name()), Subjects: a.subjects(),
		UILocales: strings.Fields(form.Get("ui_locales")), Display: form.Get("display"),
		Prompt: a.prompts, ACR: a.leastACR(),
		Fresh:       slices.Contains(a.prompts, "login") || a.maxAge != nil && *a.maxAge <= freshAge,
		ContinueURL: next, AllowURL: allow, CancelURL: next + "&cancel=1",
	}, nil
}

// publisher returns the host that the id of a client names that is the URL of its metadata, or "".
func publisher(c *storage.Client) string {
	if c.Outside == nil || c.Outside.Origin != storage.OriginDocument {
		return ""
	}
	return clients.HostOf(c.ClientID)
}
