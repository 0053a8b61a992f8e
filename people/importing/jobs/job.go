package jobs

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/vouchsafe/vouchsafe/people/importing"
	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// MaxFile is the size of the largest file, in bytes.
	MaxFile = 256 << 20
	// MaxLines is how many lines are listed that were not imported.
	MaxLines = 10_000
	// Kept is how long a file waits for the administrator's decision.
	Kept = 24 * time.Hour
	// KeptResult is how long it is shown what became of an import.
	KeptResult = 7 * 24 * time.Hour

	// maxWaiting is how many imports of a tenant may be under way or wait.
	maxWaiting = 3
	// partSize is the size of a part of a file, in bytes.
	partSize = 256 << 10
	// lease is how long a server may work without a note.
	lease = time.Minute
	// mostTries is at which of the servers that get no further an import fails: its file may be what ends them.
	mostTries = 3
)

// Errors of Receive.
var (
	ErrEmpty    = errors.New("the file is empty")
	ErrTooLarge = errors.New("the file is too large")
	ErrTooMany  = errors.New("other imports are under way, or wait for a decision")
)

// Faults that end an import, beside what is wrong with its file.
const (
	FaultBroken = "broken" // the file did not arrive as a whole
	FaultActor  = "actor"  // who wants it may no longer import users
	FaultServer = "server" // see the server's log
	FaultFile   = "file"   // Note.Text says what is wrong
)

// Note is what is known of an import.
type Note struct {
	Name    string `json:"name"`              // of the file, as the browser says
	Product string `json:"product,omitempty"` // that has written the file; "" for rows of our own
	CSV     bool   `json:"csv,omitempty"`

	// Actor is the administrator, and Home the tenant of the administrator's account.
	Actor     string `json:"actor"`
	Home      string `json:"home"`
	RequestID string `json:"request_id"`
	IP        string `json:"ip"`

	Bytes int64 `json:"bytes"`
	// Read is how much of the file is done, in bytes: of the check, and then of the addition.
	Read int64 `json:"read"`
	// Found is what the check found, and Made what the addition has done so far.
	Found importing.Counts `json:"found"`
	Made  importing.Counts `json:"made"`
	Lines int64            `json:"lines"` // that are listed
	// Furthest is how many rows a pass over the file has done at most, and Tries how many servers have begun since then.
	Furthest int `json:"furthest,omitempty"`
	Tries    int `json:"tries,omitempty"`
	// Fault is why the import failed, and Text what is wrong with the file, in English.
	Fault string `json:"fault,omitempty"`
	Text  string `json:"text,omitempty"`
}

// Job is an import, as its administrator sees it.
type Job struct {
	ID, State            string
	CreatedAt, ExpiresAt time.Time
	Note
}

// Working reports whether a server works at the import, or will.
func (j Job) Working() bool {
	return j.State == storage.ImportReceiving || j.State == storage.ImportChecking || j.State == storage.ImportAdding
}

// Counts returns what the current pass over the file has counted.
func (j Job) Counts() importing.Counts {
	if j.State == storage.ImportReceiving || j.State == storage.ImportChecking || j.State == storage.ImportChecked {
		return j.Found
	}
	return j.Made
}

// jobOf returns an import as it is shown. One whose file stopped coming has failed.
func jobOf(im storage.Import, now time.Time) (j Job, err error) {
	j = Job{ID: im.ID, State: im.State, CreatedAt: im.CreatedAt, ExpiresAt: im.ExpiresAt}
	err = json.Unmarshal(im.Data, &j.Note)
	if im.State == storage.ImportReceiving && now.After(im.LeaseEnds) {
		j.State, j.Fault = storage.ImportFailed, FaultBroken
	}
	return j, err
}

// with returns the import in another state, with a note. No process works at it.
func with(im storage.Import, state string, n Note, expires time.Time) (storage.Import, error) {
	data, err := json.Marshal(n)
	im.State, im.Data, im.Runner, im.LeaseEnds, im.ExpiresAt = state, data, "", time.Time{}, expires
	return im, err
}

// Line is a row of the file that was not imported, or not as a whole.
type Line struct {
	Line int    `json:"line"`
	What string `json:"what"` // Refused, LeftOut or Partly
	Who  string `json:"who,omitempty"`
	Why  string `json:"why"`
}

// What may become of a row.
const (
	Refused = "refused"
	LeftOut = "left_out" // on purpose
	Partly  = "partly"   // the user comes without this
)
