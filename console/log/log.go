// Package log is the console's place for the audit trail: what happened, in a sentence each, why something was refused
// and what to change, and the download of all of it.
package log

import (
	"context"
	"embed"

	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/people/administration"
	"github.com/vouchsafe/vouchsafe/storage"
)

//go:embed templates
var templates embed.FS

// Config is what the place reads.
type Config struct {
	Accounts *administration.Accounts
	Store    Store
}

// Store has the audit trail, and the names of clients.
type Store interface {
	audit.SearchStore
	audit.ExportStore
	EventByID(ctx context.Context, tenant, id string) (storage.Event, error)
	Client(ctx context.Context, tenant, id string) (storage.Client, error)
}

// root is the path of the place's first page.
const root = "/log"
