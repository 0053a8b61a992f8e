package vouchsafetest

import (
	"bytes"
	"io"
	"net/http"
)

// patient sends a large request again when the server closes the connection while the body is still
// on its way. A server may do that once it has refused the request (RFC 9110, section 15.5.14), and
// a client on a busy machine then loses the answer, in one of several ways. Three attempts without an answer
// are an error.
type patient struct{ *http.Transport }

// largeBody is more than any endpoint accepts, in bytes.
const largeBody = 64 << 10

func (p patient) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.ContentLength <= largeBody || req.GetBody == nil {
		return p.Transport.RoundTrip(req)
	}
	for attempt := 1; ; attempt++ {
		res, err := p.whole(req)
		if attempt == 3 || err == nil || req.Context().Err() != nil {
			return res, err
		}
		body, err := req.GetBody()
		if err != nil {
			return nil, err
		}
		req = req.Clone(req.Context())
		req.Body = body
	}
}

// whole returns an answer with all of its body.
func (p patient) whole(req *http.Request) (*http.Response, error) {
	res, err := p.Transport.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(raw))
	return res, nil
}
