package main

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// pushedFloor is the floor of pushed requests. Beside the handler it does what RFC 9126 cannot be had without: it reads
// the form and compares the hash of the client's secret, and returns the form sealed with AES-GCM; it opens what a
// browser brings, reads it, and remembers that it was used, where the server does that: in Redis, or in its memory.
// The checks of the request itself are none of that.
type pushedFloor struct {
	aead   cipher.AEAD
	secret [sha256.Size]byte
	used   func(ctx context.Context, id string) (first bool, err error)
	rows   rows
}

// newPushedFloor returns the floor. redisURL is "" for a server without Redis.
func newPushedFloor(db rows, redisURL string) (*pushedFloor, error) {
	key := make([]byte, 32)
	rand.Read(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	f := &pushedFloor{rows: db}
	if f.aead, err = cipher.NewGCM(block); err != nil {
		return nil, err
	}
	var memory sync.Map
	f.used = func(_ context.Context, id string) (bool, error) {
		_, there := memory.LoadOrStore(id, time.Now())
		return !there, nil
	}
	if redisURL == "" {
		return f, nil
	}
	o, err := redis.ParseURL(redisURL)
	if err != nil {
		return nil, err
	}
	c := redis.NewClient(o)
	f.used = func(ctx context.Context, id string) (bool, error) {
		return c.SetNX(ctx, "floor:"+id, "1", time.Minute).Result()
	}
	return f, nil
}

// push seals a request.
func (f *pushedFloor) push(w http.ResponseWriter, r *http.Request) {
	_, secret, _ := r.BasicAuth()
	sum := sha256.Sum256([]byte(secret))
	_ = subtle.ConstantTimeCompare(sum[:], f.secret[:]) // the floor does not know the secret
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	nonce := make([]byte, f.aead.NonceSize())
	rand.Read(nonce)
	sealed := f.aead.Seal(nonce, nonce, []byte(r.PostForm.Encode()), nil)
	body, err := json.Marshal(map[string]any{"expires_in": 90,
		"request_uri": "urn:ietf:params:oauth:request_uri:" + base64.RawURLEncoding.EncodeToString(sealed)})
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusCreated)
	_, _ = w.Write(body)
}

// open opens what push has sealed, spends it, and reads what an authorization needs.
func (f *pushedFloor) open(w http.ResponseWriter, r *http.Request) {
	sealed := strings.TrimPrefix(r.URL.Query().Get("request_uri"), "urn:ietf:params:oauth:request_uri:")
	if err := f.opened(r.Context(), sealed); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Location", callback+"?code="+rand.Text())
	w.WriteHeader(http.StatusSeeOther)
}

func (f *pushedFloor) opened(ctx context.Context, sealed string) error {
	raw, err := base64.RawURLEncoding.DecodeString(sealed)
	if err != nil || len(raw) < f.aead.NonceSize() {
		return errors.New("not sealed here")
	}
	plain, err := f.aead.Open(nil, raw[:f.aead.NonceSize()], raw[f.aead.NonceSize():], nil)
	if err != nil {
		return err
	}
	if _, err := url.ParseQuery(string(plain)); err != nil {
		return err
	}
	if first, err := f.used(ctx, sealed[:22]); err != nil || !first {
		return errors.Join(err, errors.New("used before"))
	}
	for range 2 {
		if err := f.rows.read(ctx); err != nil {
			return err
		}
	}
	return nil
}

// pushedInTurn is the floor of a sign-in with a pushed request.
func pushedInTurn(w *worker) error {
	path, _, err := w.push()
	if err != nil {
		return err
	}
	if _, _, err := w.get(path); err != nil {
		return err
	}
	return posted(firstTokens)(w)
}
