package web

import (
	"io"
	"net/http"
	"time"
)

// uploadPatience is how long a client may take to send the next piece of a large body.
const uploadPatience = 30 * time.Second

// AllowUpload has the request read a body that is larger than Edge.MaxBody allows: at most so many bytes. The server's
// limit of time holds until the caller knows who sends the body, and calls await: then there is one for each piece.
func AllowUpload(w http.ResponseWriter, r *http.Request, most int64) (await func()) {
	body := RequestOf(r.Context()).body
	if body == nil {
		return func() {}
	}
	u := &upload{ReadCloser: http.MaxBytesReader(w, body, most), deadline: http.NewResponseController(w)}
	r.Body = u
	return func() { u.patient = true }
}

// upload is a body that moves the deadline while it comes, once it is patient.
type upload struct {
	io.ReadCloser
	deadline *http.ResponseController
	patient  bool
	moved    time.Time
}

// Read implements io.Reader.
func (u *upload) Read(b []byte) (int, error) {
	if now := time.Now(); u.patient && now.Sub(u.moved) > time.Second {
		u.moved = now
		_ = u.deadline.SetReadDeadline(now.Add(uploadPatience)) // without it, the server's own deadline holds
	}
	return u.ReadCloser.Read(b)
}
