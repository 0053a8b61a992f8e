// Package tenants holds the rules about tenants: what their ids, hosts and settings may be, and how
// the tenants of a file become those that are stored ([NewPlan]).
//
// A [storage.Tenant] is the record, and issuer.Tenant is what a request sees of it: with its issuer and
// the path of its URLs. This package is about the record alone. It knows no HTTP; package declare
// reads tenants files.
package tenants
