package ui

import (
	"time"

	"github.com/vouchsafe/vouchsafe/login/texts"
)

// Stamp is a time for users and for programs.
type Stamp struct{ Text, Machine string }

// StampOf returns t in words and as RFC 3339.
func StampOf(w texts.Words, t time.Time) Stamp {
	return Stamp{w.Moment(t), t.UTC().Format(time.RFC3339)}
}
