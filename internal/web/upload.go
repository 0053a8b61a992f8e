package web

import (
	"io"
	"net/http"
	"time"
)

// uploadPatience is how long a client may take to send the next piece of a large body.
const uploadPatience = 30 * time.Second

// AllowUpload has the request read a body that is larger than Edge.MaxBody allows: at most so many bytes, without a
// limit of time for all of it, but with one for each piece. The caller has to know who sends it.
func AllowUpload(w http.ResponseWriter, r *http.Request, most int64) {
	body := RequestOf(r.Context()).body
	if body == nil {
		return
	}
	r.Body = &upload{ReadCloser: http.MaxBytesReader(w, body, most), deadline: http.NewResponseController(w)}
}

// upload is a body that moves the deadline while it comes.
type upload struct {
	io.ReadCloser
	deadline *http.ResponseController
	moved    time.Time
}

// Read implements io.Reader.
func (u *upload) Read(b []byte) (int, error) {
	if now := time.Now(); now.Sub(u.moved) > time.Second {
		u.moved = now
		_ = u.deadline.SetReadDeadline(now.Add(uploadPatience)) // without it, the server's own deadline holds
	}
	return u.ReadCloser.Read(b)
}
