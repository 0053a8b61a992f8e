// Package selfservice has the use cases of users who are signed in and look after their own accounts: they see and end
// sessions, disconnect apps, read what happened, change their profile, download their data, and delete the account.
//
// What changes how a user signs in is not here: it belongs to package people, where the rules of signing in are.
package selfservice

import "github.com/vouchsafe/vouchsafe/people"

// Service has the use cases. It needs a people.Service, and has all of its use cases, too.
type Service struct{ *people.Service }
