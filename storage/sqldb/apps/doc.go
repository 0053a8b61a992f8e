// Package apps keeps in SQL what apps have that manage the users of a tenant themselves: the logins and sign-ins of the
// apps, and what they store of users.
package apps
