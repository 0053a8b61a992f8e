package clients

import (
	"github.com/vouchsafe/vouchsafe/people/address"
	"github.com/vouchsafe/vouchsafe/storage"
)

// allow checks who may use the client, and gives domains the stored form.
func (v *clientChecks) allow() {
	v.list("allow.groups", v.Allow.Groups, func(field, id string) {
		if !storage.ValidGroupID(id) {
			v.fault(field, "%q is no group id: %s", id, storage.GroupIDRule)
		}
	})
	for i, d := range v.Allow.EmailDomains {
		if domain, err := address.Domain(d); err == nil {
			v.Allow.EmailDomains[i] = domain
		}
	}
	v.list("allow.email_domains", v.Allow.EmailDomains, func(field, d string) {
		if _, err := address.Domain(d); err != nil {
			v.fault(field, "%q isn't a domain: write one, such as example.com", d)
		}
	})
}
