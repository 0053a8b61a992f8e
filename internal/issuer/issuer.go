// Package issuer says under which URLs a tenant is reached: the default tenant at the root of the
// installation's URL, others at /t/ID below it or at hosts of their own.
package issuer

import (
	"net/url"
	"strings"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Tenant is a tenant as its users and clients see it. Requests share it: it is not to be changed.
type Tenant struct {
	storage.Tenant
	// Issuer is its iss: no slash at the end.
	Issuer string
	// Path is what its URLs have before the path that handlers see: "" or "/t/ID".
	Path string
	// Secure says that the issuer is https, so that cookies are Secure and __Host-.
	Secure bool
}

// URL returns the absolute URL of a path such as "/token".
func (t *Tenant) URL(path string) string { return t.Issuer + path }

// ResourceMetadata is the path of documents that say how a resource is protected. The path of the resource, with that
// of its issuer, stands behind it (RFC 9728 section 3.1).
const ResourceMetadata = "/.well-known/oauth-protected-resource"

// ResourceMetadataURL returns the URL of the document about the resource with a path such as "/api/v1"; "" is the
// issuer itself.
func (t *Tenant) ResourceMetadataURL(path string) string {
	return strings.TrimSuffix(t.Issuer, t.Path) + ResourceMetadata + t.Path + path
}

// Of returns the tenant of a record, in the installation whose default tenant is at a URL without path.
func Of(root *url.URL, record storage.Tenant) *Tenant {
	t := &Tenant{Tenant: record, Issuer: root.String(), Secure: root.Scheme == "https"}
	switch {
	case record.Host != "":
		t.Issuer = root.Scheme + "://" + record.Host
	case record.ID != storage.DefaultTenant:
		t.Path = "/t/" + record.ID
		t.Issuer += t.Path
	}
	return t
}
