package address

import "github.com/vouchsafe/vouchsafe/storage"

// Show gives the user an address as a server shows it, so that it can be printed. It isn't judged, because that server
// has stored it, perhaps by the rules of an earlier release, and it has no key: the user can't be stored.
func Show(u *storage.User, email string) { u.Email = email }
