package provider

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

// publishedAge is how long clients may cache what is published. It is short, because a key that was
// made in a hurry signs at once (keys.Ring.Rotate), and much shorter than the time for which other
// keys are published before they sign.
const publishedAge = 5 * time.Minute

// published keeps documents that all may read, as they are sent: one for each tenant,
// built anew only when what it was built from has changed. The zero value is ready.
type published struct{ docs sync.Map } // tenant → *document

// document is a published body.
type document struct {
	from   any // tells what it was built from
	body   []byte
	header web.Header
	length []string // Content-Length
}

// serve writes the tenant's document. It calls build if there is none yet, or if it was built from another value than
// from. Clients may cache it for age.
func (d *published) serve(w http.ResponseWriter, r *http.Request, age time.Duration, from any,
	build func() ([]byte, error),
) error {
	tenant := web.TenantOf(r.Context()).ID
	doc, _ := d.docs.Load(tenant)
	if doc == nil || doc.(*document).from != from {
		body, err := build()
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		doc = &document{from: from, body: body, length: []string{strconv.Itoa(len(body))}, header: web.Header{
			web.Line("Content-Type", "application/json"),
			web.Line("Cache-Control", "public, max-age="+strconv.Itoa(int(age/time.Second))),
			web.Line("Etag", `"`+base64.RawURLEncoding.EncodeToString(sum[:12])+`"`),
			web.Line("X-Content-Type-Options", "nosniff"),
		}}
		d.docs.Store(tenant, doc)
	}
	h := w.Header()
	delete(h, "X-Request-Id") // caches hand the answer on, to other requests
	doc.(*document).header.Set(h)
	asked := r.Header
	if r.Method == http.MethodGet && asked["If-None-Match"] == nil && asked["If-Match"] == nil && asked["Range"] == nil {
		h["Content-Length"] = doc.(*document).length
		_, err := w.Write(doc.(*document).body)
		return err
	}
	// ServeContent implements the rest of RFC 9110, and costs more than all else here.
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(doc.(*document).body))
	return nil
}
