package webhooks

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/vouchsafe/vouchsafe/storage"
)

const (
	// heartbeat is how often a stream without events sends a comment, and checks whether its client may still read.
	// It is shorter than proxies wait for an answer to go on.
	heartbeat = 15 * time.Second
	// patience is how long a client may take to read what is sent.
	patience = 30 * time.Second
	// MostOfClient and MostStreams are how many streams a client, and all clients, have open at a replica.
	MostOfClient, MostStreams = 4, 200
)

// ErrTooManyStreams says that a client, or all clients, have as many streams open as they may.
var ErrTooManyStreams = errors.New("too many streams of events")

// Stream is the events of a tenant, as they come, for one client (Server-Sent Events).
type Stream struct {
	Tenant, Client string
	After          int64    // the place behind which it begins
	Kinds          []string // "login.*" stands for all that begin so; none for all
	// Cursor returns what a place is called: the id of an event in the stream, as Last-Event-ID.
	Cursor func(seq int64) (string, error)
	// Allowed returns an error when the client may not read on behind a place any more.
	Allowed func(place int64) error
}

// Join returns ErrTooManyStreams, or counts a stream of the client until leave is called.
func (w *Worker) Join(tenant, client string) (leave func(), err error) {
	key := [2]string{tenant, client}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.streams[key] >= MostOfClient || w.open >= MostStreams {
		return nil, ErrTooManyStreams
	}
	if w.streams == nil {
		w.streams = make(map[[2]string]int)
	}
	w.streams[key]++
	w.open++
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.open--
		if w.streams[key]--; w.streams[key] == 0 {
			delete(w.streams, key)
		}
	}, nil
}

// leaving returns the channel that EndStreams closes.
func (w *Worker) leaving() chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left == nil {
		w.left = make(chan struct{})
	}
	return w.left
}

// EndStreams ends all streams, before the server stops. Their clients connect to another replica, and go on where they
// were. It is called once.
func (w *Worker) EndStreams() { close(w.leaving()) }

// Serve writes the stream until the context ends, the client is gone or not allowed to read, or the server stops. It
// returns the fault that ended it.
func (w *Worker) Serve(ctx context.Context, rw http.ResponseWriter, s Stream) error {
	out := http.NewResponseController(rw)
	// The server's own bounds are those of short requests.
	if err := out.SetReadDeadline(time.Time{}); err != nil {
		return err
	}
	h := rw.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // nginx would keep events back until it has some kilobytes
	rw.WriteHeader(http.StatusOK)
	send := func(text []byte) error {
		err := out.SetWriteDeadline(time.Now().Add(patience))
		if err == nil {
			_, err = rw.Write(text)
		}
		if err == nil {
			err = out.Flush()
		}
		return err
	}
	if err := send([]byte("retry: 2000\n\n")); err != nil {
		return nil // the client is gone
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	told := s.After
	for {
		moved := w.Moved(s.Tenant)
		text, full, err := w.next(ctx, &s)
		if err != nil {
			return err
		}
		if len(text) > 0 {
			if told = s.After; send(text) != nil {
				return nil
			}
		}
		if full {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-w.leaving():
			return nil
		case <-moved:
		case <-beat.C:
			if s.Allowed(s.After) != nil {
				return nil
			}
			text := []byte(":\n\n")
			if told != s.After { // events that it does not want
				if text, err = s.place(nil); err != nil {
					return err
				}
				told = s.After
			}
			if send(text) != nil {
				return nil
			}
		}
	}
}

// next returns what a stream is sent of the events behind its place, and moves the place. full says that there may be
// more.
func (w *Worker) next(ctx context.Context, s *Stream) (text []byte, full bool, err error) {
	found, err := w.Store.FedEvents(ctx, s.Tenant, s.After, streamPage)
	if err != nil {
		return nil, false, err
	}
	for _, e := range found {
		s.After = e.Seq
		if !storage.KindIn(e.Kind, s.Kinds) {
			continue
		}
		body, err := json.Marshal(BodyOf(e.Event))
		if err != nil {
			return nil, false, err
		}
		part, err := s.place(body)
		if err != nil {
			return nil, false, err
		}
		text = append(text, part...)
	}
	return text, len(found) == streamPage, nil
}

// streamPage is how many events a stream reads and sends at a time.
const streamPage = 100

// place returns a part of the stream: the cursor of its place, and data unless it is nil. Data has no line feed.
func (s *Stream) place(data []byte) ([]byte, error) {
	cursor, err := s.Cursor(s.After)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	b.WriteString("id: " + cursor + "\n")
	if data != nil {
		b.WriteString("data: ")
		b.Write(data)
		b.WriteByte('\n')
	}
	b.WriteByte('\n')
	return b.Bytes(), nil
}
