package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/jsonapi"
	"github.com/vouchsafe/vouchsafe/internal/secret"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/storage"
)

// keepAnswers is how long an Idempotency-Key counts.
const keepAnswers = 24 * time.Hour

// maxIdempotencyKey bounds an Idempotency-Key, in bytes.
const maxIdempotencyKey = 255

// Problems of requests with an Idempotency-Key (draft-ietf-httpapi-idempotency-key-header section 2.7).
var (
	keyReused = jsonapi.Outcome{Status: http.StatusUnprocessableEntity, Code: "idempotency_key_reused",
		When: "the `Idempotency-Key` came with another request in the last 24 hours."}
	keyInUse = jsonapi.Outcome{Status: http.StatusConflict, Code: "idempotency_key_in_use",
		When: "the request with this `Idempotency-Key` is being carried out. If the server was stopped before it changed " +
			"anything, the request is carried out when it is sent again after a minute."}
	keySpent = jsonapi.Outcome{Status: http.StatusConflict, Code: "idempotency_key_carried_out",
		When: "the request with this `Idempotency-Key` was carried out, but the server was stopped before it answered: " +
			"read what it was to change."}
)

// idempotencyKey describes the header.
var idempotencyKey = jsonapi.Header{Name: "Idempotency-Key", Text: "A text of your own, new for each thing that is " +
	"to be done. The same request with the same key within 24 hours is not carried out again: it gets the answer of the " +
	"first, without secrets, and with Idempotency-Replayed: true."}

// onlyShownOnce are members that an answer shows once: a repeated answer leaves them out.
var onlyShownOnce = []string{"client_secret", "link"}

// once carries a request with an Idempotency-Key out once: a repetition gets the same answer, but for secrets. What
// was refused was not carried out, and may be tried again. Of the request a MAC is kept, not a hash: the body may have
// a password, which a thief of the database could guess from a hash.
func (s *Server) once(
	c *call, w http.ResponseWriter, r *http.Request, serve func(w http.ResponseWriter, r *http.Request) error,
) error {
	keys := r.Header.Values("Idempotency-Key")
	if len(keys) == 0 {
		return serve(w, r)
	}
	if len(keys) > 1 || keys[0] == "" || len(keys[0]) > maxIdempotencyKey {
		return &jsonapi.Problem{Status: http.StatusBadRequest, Code: "malformed",
			Detail: "The header Idempotency-Key must be there once, with 1 to 255 bytes."}
	}
	body, err := jsonapi.ReadAll(w, r)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	now, key := time.Now(), c.asker.Actor+"\x00"+keys[0]
	request := []byte(r.Method + "\x00" + r.URL.RequestURI() + "\x00" + key + "\x00" + string(body))
	macs := s.Secrets.Box(c.asker.Tenant.ID, secret.RepeatableRequest)
	a := storage.Answer{
		TenantID: c.asker.Tenant.ID, Key: key, Request: macs.MAC(request),
		LeaseEnds: now.Add(s.AnswerLease), ExpiresAt: now.Add(keepAnswers),
	}
	err = s.Store.ReserveAnswer(r.Context(), a, now)
	if errors.Is(err, storage.ErrExists) {
		return s.repeat(w, r, a, func(mac []byte) bool { return macs.VerifyMAC(request, mac) })
	}
	if err != nil {
		return err
	}
	return s.carryOut(w, r, a, serve)
}

// carryOut serves a request and keeps its answer. The answer is kept even if the client has gone.
func (s *Server) carryOut(
	w http.ResponseWriter, r *http.Request, a storage.Answer,
	serve func(w http.ResponseWriter, r *http.Request) error,
) error {
	ctx := context.WithoutCancel(r.Context())
	kept := &keeper{ResponseWriter: w, status: http.StatusOK}
	if err := serve(kept, r.WithContext(storage.WithReserved(r.Context(), a))); err != nil {
		if drop := s.Store.DropAnswer(ctx, a); drop != nil {
			web.Note(r.Context(), "answer", drop.Error())
		}
		return err
	}
	a.Status, a.Location, a.Body = int64(kept.status), w.Header().Get("Location"), withoutSecrets(kept.body.Bytes())
	if err := s.Store.KeepAnswer(ctx, a); err != nil {
		web.Note(r.Context(), "answer", err.Error()) // a repetition is told that it was carried out
	}
	return nil
}

// keeper is a response that is kept, too.
type keeper struct {
	http.ResponseWriter
	status int
	body   bytes.Buffer
}

// WriteHeader implements http.ResponseWriter.
func (k *keeper) WriteHeader(status int) {
	k.status = status
	k.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (k *keeper) Write(b []byte) (int, error) {
	k.body.Write(b)
	return k.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the response.
func (k *keeper) Unwrap() http.ResponseWriter { return k.ResponseWriter }

// withoutSecrets returns a JSON object without what is only shown once.
func withoutSecrets(body []byte) []byte {
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) != nil {
		return nil
	}
	found := false
	for _, name := range onlyShownOnce {
		_, is := object[name]
		found = found || is
		delete(object, name)
	}
	if !found {
		return body
	}
	left, err := json.Marshal(object)
	if err != nil {
		return nil
	}
	return left
}

// repeat answers a request that was carried out before. isOf reports whether a MAC is that of the request.
func (s *Server) repeat(w http.ResponseWriter, r *http.Request, a storage.Answer, isOf func(mac []byte) bool) error {
	was, err := s.Store.Answer(r.Context(), a.TenantID, a.Key, time.Now())
	switch {
	case isNotFound(err): // it was dropped, or has expired, at this moment
		return &jsonapi.Problem{Status: keyInUse.Status, Code: keyInUse.Code, Detail: "Try again.", RetryAfter: time.Second}
	case err != nil:
		return err
	case !isOf(was.Request):
		return &jsonapi.Problem{Status: keyReused.Status, Code: keyReused.Code,
			Detail: "This Idempotency-Key came with another request. Use a new one."}
	case was.CarriedOut && time.Now().After(was.ExpiresAt.Add(s.AnswerLease-keepAnswers)):
		return &jsonapi.Problem{Status: keySpent.Status, Code: keySpent.Code,
			Detail: "The request was carried out, and its answer was lost when the server stopped. Read what it was to change."}
	case was.Status == 0:
		return &jsonapi.Problem{Status: keyInUse.Status, Code: keyInUse.Code, RetryAfter: time.Second,
			Detail: "The request is being carried out. Send it again, with the same key."}
	}
	h := w.Header()
	h.Set("Idempotency-Replayed", "true")
	h.Set("Cache-Control", "no-store")
	if was.Location != "" {
		h.Set("Location", was.Location)
	}
	if len(was.Body) > 0 {
		h.Set("Content-Type", "application/json")
	}
	w.WriteHeader(int(was.Status))
	_, _ = w.Write(was.Body) // the client has gone
	return nil
}
