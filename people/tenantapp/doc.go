// Package tenantapp has the use cases of apps that have a tenant to themselves, as those of secret-tech/backend-auth
// do. The app's server has a login of its own, which came with the tenant. It adds the users, signs them in by its own
// forms, and hands tokens to them that Vouchsafe alone can verify.
//
// A token dies with its session. That of the app is stored in tenant_sessions, with a random key, sealed. That of a
// user is a session like any other: the user sees it and can end it, and a new password ends it.
//
// The app's server is trusted with the users of its tenant, and with no others. As in package delegated, it cannot
// change the accounts of administrators.
package tenantapp
