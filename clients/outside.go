package clients

import (
	"context"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/people/claims"
	"github.com/vouchsafe/vouchsafe/storage"
)

// Admits reports whether the client may be used at the tenant as far as the tenant's rule about outside clients goes.
func Admits(t *storage.Tenant, c *storage.Client) bool {
	if c.Outside == nil {
		return true
	}
	rule := &t.Settings.OutsideClients
	allowed := c.Outside.Verdict == storage.VerdictAllowed
	switch {
	case c.Outside.Verdict == storage.VerdictDenied:
		return false
	case c.Outside.Origin == storage.OriginRegistration:
		return allowed || rule.Registers()
	case !rule.ReadsDocuments():
		return false
	}
	return allowed || AdmitsURL(t, c.ClientID)
}

// AdmitsURL reports whether the tenant's rule lets in clients by the URL, whose document was not read yet.
func AdmitsURL(t *storage.Tenant, id string) bool {
	rule := &t.Settings.OutsideClients
	return rule.Documents == storage.OutsideAnyone || rule.Documents == storage.OutsideListed && rule.Lists(HostOf(id))
}

// HostOf returns the host of a URL, with its port; "" if it has none.
func HostOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return u.Host
}

// Verified reports whether an administrator vouches for the client: each does, but outside clients that none has
// allowed, and whose hosts none has listed.
func Verified(t *storage.Tenant, c *storage.Client) bool {
	if c.Outside == nil || c.Outside.Verdict == storage.VerdictAllowed {
		return true
	}
	return c.Outside.Origin == storage.OriginDocument && t.Settings.OutsideClients.Lists(HostOf(c.ClientID))
}

// MayReturnTo reports whether codes of the client may go to the redirect URI, which is one of its own. The document of
// a client sends them to the user's device or to the document's own host: others may be able to publish a file there.
// To other hosts it does only with the consent of an administrator.
func MayReturnTo(t *storage.Tenant, c *storage.Client, redirectURI string) bool {
	if c.Outside == nil || c.Outside.Origin != storage.OriginDocument || c.Outside.Verdict == storage.VerdictAllowed {
		return true
	}
	u, err := url.Parse(redirectURI)
	if err != nil {
		return false
	}
	if u.Scheme != "https" && u.Scheme != "http" || loopbackHost(u.Hostname()) {
		return true
	}
	return u.Host == HostOf(c.ClientID) || t.Settings.OutsideClients.Lists(u.Host)
}

// OutsideScope returns the scopes that an outside client may ask for: those about users, and those of APIs that are for
// such clients.
func OutsideScope(t *storage.Tenant, c *storage.Client) string {
	all := slices.Concat(Scopes, claims.RulesOf(t, nil).Scopes())
	for i := range t.Settings.APIs {
		a := &t.Settings.APIs[i]
		if !a.Admits(c) {
			continue
		}
		for _, s := range a.Scopes {
			if !slices.Contains(all, s.Name) {
				all = append(all, s.Name)
			}
		}
	}
	return strings.Join(all, " ")
}

// Judge stores what an administrator says of an outside client: a verdict, or "" for none. A client that is denied is
// disabled, so that all it was given stops working; any other verdict enables it. storage.ErrNotFound: the client is
// none of those. storage.ErrStale: it has changed since it was read.
func Judge(
	ctx context.Context, store storage.Clients, was storage.Client, verdict string, by audit.By,
) (storage.Client, error) {
	if was.Outside == nil {
		return was, storage.ErrNotFound
	}
	c, known := was, *was.Outside
	known.Verdict = verdict
	c.Outside, c.Disabled = &known, verdict == storage.VerdictDenied
	if known.Verdict == was.Outside.Verdict && c.Disabled == was.Disabled {
		return was, nil
	}
	c.UpdatedAt = stored(time.Now())
	return c, store.SaveClient(ctx, c, &was, by(storage.Event{
		TenantID: c.TenantID, Kind: storage.EventClientChanged, ClientID: c.ClientID,
		Detail: map[string]string{"verdict": verdict},
	}))
}

// ReadAgain has the document of a client be read anew when the client is used next. storage.ErrNotFound: it has none.
func ReadAgain(ctx context.Context, store storage.Clients, c storage.Client) (storage.Client, error) {
	if c.Outside == nil || c.Outside.Origin != storage.OriginDocument {
		return c, storage.ErrNotFound
	}
	was := *c.Outside
	now := was
	now.FreshUntil, now.AskedAt = time.Time{}, time.Time{}
	c.Outside = &now
	return c, store.NoteOutside(ctx, c.TenantID, c.ClientID, was, now)
}
