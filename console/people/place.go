package people

import (
	"github.com/vouchsafe/vouchsafe/people/acting"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/people/importing/jobs"
	"github.com/vouchsafe/vouchsafe/people/invitations"
	"github.com/vouchsafe/vouchsafe/people/selfservice"
)

// Config is what the place calls. All fields are required.
type Config struct {
	Accounts    *administration.Accounts
	People      selfservice.Service
	Invitations *invitations.Service
	Acting      *acting.Service
	// Files is what exports read.
	Files importing.Store
	// Imports are done beside requests.
	Imports *jobs.Service
}

// place serves the pages.
type place struct{ Config }

const (
	root   = "/people"
	person = root + "/{user}"
)

// Scopes, as the operations of the management API need them.
var (
	read  = []string{"users:read"}
	write = []string{"users:read", "users:write"}
)

// pathOf returns the path of the user's page, and of a page below it.
func pathOf(id, below string) string { return root + "/" + id + below }
