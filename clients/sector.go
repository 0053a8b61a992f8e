package clients

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"

	"github.com/vouchsafe/vouchsafe/internal/pairwise"
	"github.com/vouchsafe/vouchsafe/storage"
)

// MaxSectorDocument bounds the list of redirect URIs that a sector publishes, in bytes.
const MaxSectorDocument = 64 << 10

// Sector returns the sector of a pairwise client (OpenID Connect Core section 8.1): the host of its
// sector_identifier_uri, or else the one host to which all its redirect URIs lead. A client without one is a sector of
// its own, as is one that also returns to programs on the user's device: any app may claim their addresses, so that it
// could learn by what the sector of a host knows its users.
func Sector(c *storage.Client) string {
	if u, err := url.Parse(c.SectorIdentifierURI); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	if hosts, device := redirectHosts(c.RedirectURIs); len(hosts) == 1 && !device {
		return hosts[0]
	}
	return "client:" + c.ClientID // no host has a colon and letters
}

// redirectHosts returns the hosts to which redirect URIs lead, each once, and whether others lead to the user's device.
func redirectHosts(uris []string) (hosts []string, device bool) {
	for _, uri := range uris {
		u, message := parseURI(uri)
		switch {
		case message != "":
		case ofDevice(uri):
			device = true
		case !slices.Contains(hosts, u.Hostname()):
			hosts = append(hosts, u.Hostname())
		}
	}
	return hosts, device
}

// sector checks how the client knows users.
func (v *clientChecks) sector() {
	if v.SubjectType != "" {
		v.oneOf("subject_type", v.SubjectType, SubjectTypes)
	}
	if v.SectorIdentifierURI != "" {
		if message := linkFault(v.SectorIdentifierURI, true); message != "" {
			v.fault("sector_identifier_uri", "%q %s", v.SectorIdentifierURI, message)
		}
	}
	if !v.Pairwise() {
		return
	}
	if hosts, _ := redirectHosts(v.RedirectURIs); len(hosts) > 1 && v.SectorIdentifierURI == "" {
		v.fault("sector_identifier_uri", "is missing: redirect_uris lead to several hosts, and subject_type is pairwise. "+
			"Write an https address at one of them that lists all redirect_uris")
	}
	if v.MayUse(FirstPartyGrant) {
		v.fault("subject_type", "pairwise is not for a client of the JSON API, which tells it the ids of users: write "+
			"public, or remove the grant type %s", FirstPartyGrant)
	}
}

// SubjectTypes are the ways in which clients know users.
var SubjectTypes = []string{storage.SubjectPublic, storage.SubjectPairwise}

// UnreadableSector is the one text for every document at a sector_identifier_uri that can't be read: a stranger learns
// nothing of what is at the address.
const UnreadableSector = "has to answer with a JSON list of redirect URIs, without a redirect"

// CheckSector returns a Fault unless the document at the client's sector_identifier_uri lists all redirect URIs of the
// client (OpenID Connect Registration section 5): otherwise any client could join the sector of another one.
func CheckSector(c *storage.Client, document []byte) error {
	var listed []string
	if len(document) > MaxSectorDocument || json.Unmarshal(document, &listed) != nil || listed == nil {
		return Fault{"sector_identifier_uri", UnreadableSector}
	}
	for _, uri := range c.RedirectURIs {
		if !slices.Contains(listed, uri) {
			return Fault{"sector_identifier_uri", "leads to a list that lacks one of redirect_uris"}
		}
	}
	return nil
}

// keepsSector returns a Fault if the client makes itself a member of another sector than before. Grants and codes of
// before went to its former addresses: tokens from them would tell a stranger by what the new sector knows its users.
func keepsSector(was, next *storage.Client) error {
	joined := next.Pairwise() && Sector(next) != "client:"+next.ClientID &&
		(!was.Pairwise() || Sector(was) != Sector(next))
	if joined {
		return Fault{"sector_identifier_uri", "can't change the sector of a client that exists: register another client"}
	}
	return nil
}

// Follow returns a Fault if the client may not say that of itself from now on, instead of what it said before.
func Follow(was, next *storage.Client) error {
	if faults := Validate(next); len(faults) > 0 {
		return faults[0]
	}
	return keepsSector(was, next)
}

// Names returns by what the client knows users and sessions. It calls open for pairwise clients only.
func Names(
	ctx context.Context, open func(context.Context) (*pairwise.Service, error), c *storage.Client,
) (pairwise.Names, error) {
	if !c.Pairwise() {
		return pairwise.Names{}, nil
	}
	by, err := open(ctx)
	if err != nil {
		return pairwise.Names{}, err
	}
	return by.Names(ctx, c.TenantID, Sector(c))
}
