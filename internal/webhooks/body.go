package webhooks

import (
	"encoding/json"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Body is what a webhook is sent of an event. The type of a test is "test".
// Members may be added, and none changes its meaning.
type Body struct {
	Type      string    `json:"type" doc:"What happened: see docs/events.md."`
	ID        string    `json:"id" doc:"The event's id, the same whenever it is told."`
	Timestamp time.Time `json:"timestamp" doc:"When it happened."`
	Tenant    string    `json:"tenant" doc:"The tenant's id."`
	Data      Data      `json:"data" doc:"What it is about."`
}

// Data is what an event is about. It has no address of a browser, and never a secret.
type Data struct {
	Subject   string            `json:"subject,omitempty" doc:"The id of the user that it is about."`
	Actor     string            `json:"actor,omitempty" doc:"The id of the user or client that acted; cli for the command line."`
	ClientID  string            `json:"client_id,omitempty" doc:"The client that it is about."`
	RequestID string            `json:"request_id,omitempty" doc:"The request, as in the server's log."`
	Detail    map[string]string `json:"detail,omitempty" doc:"More about it."`
}

// BodyOf returns the body that tells of the event.
func BodyOf(e storage.Event) Body {
	return Body{e.Kind, e.ID, e.At.UTC(), e.TenantID, Data{e.UserID, e.Actor, e.ClientID, e.RequestID, e.Detail}}
}

// encode returns the JSON of a body: the same at each attempt.
func encode(b Body) ([]byte, error) { return json.Marshal(b) }
