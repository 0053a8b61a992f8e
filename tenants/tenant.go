package tenants

import (
	"net/url"
	"regexp"

	"github.com/vouchsafe/vouchsafe/internal/hostname"
)

// idForm is what the id of a tenant may look like: it is a label of a host, and part of URLs.
var idForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// IDRule says in words which ids [ValidID] accepts.
const IDRule = "write 1 to 63 lower-case letters, digits and hyphens, with no hyphen at either end"

// ValidID reports whether a tenant may have the id.
func ValidID(id string) bool { return idForm.MatchString(id) }

// HostFault returns why no request could reach a tenant at the host, and what to write instead, or "".
// A host is compared with what browsers send. issuer is that of the default tenant.
func HostFault(issuer, host string) string {
	if host == "" {
		return ""
	}
	u, err := url.Parse(issuer)
	if err != nil {
		return "" // the issuer's own check reports that
	}
	switch want, err := hostname.Canonical(u.Scheme, host); {
	case err != nil:
		return "isn't a host: write one, such as id.example.com"
	case want == u.Host:
		return "is the issuer's own host, at which the default tenant is: write another, or leave it out"
	case want != host:
		return "is not as browsers write it: write " + want
	}
	return ""
}

// ValidLogo reports whether the URI can be that of a logo: an absolute https URL.
func ValidLogo(uri string) bool {
	u, err := url.Parse(uri)
	return err == nil && u.Scheme == "https" && u.Host != ""
}
