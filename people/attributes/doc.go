// Package attributes holds the rules about what a tenant stores of its users beside their profile: which
// attributes can be declared, and which values they can have.
//
// A tenant declares them (storage.TenantSettings.Attributes); a user has values (storage.User.Attributes).
package attributes
