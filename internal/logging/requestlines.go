package logging

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/vouchsafe/vouchsafe/internal/web"
)

// requestLines is a handler that writes the line of each request in the format of slog's JSON
// handler, but faster: that handler takes a twentieth of the time of a small request. All other
// lines go to that handler.
type requestLines struct {
	slog.Handler
	to io.Writer
}

var requestBuffers = sync.Pool{New: func() any { return new([]byte) }}

// Handle implements slog.Handler.
func (h requestLines) Handle(ctx context.Context, r slog.Record) error {
	if r.Message != web.RequestLine {
		return h.Handler.Handle(ctx, r)
	}
	buf := requestBuffers.Get().(*[]byte)
	defer requestBuffers.Put(buf)
	line := append(r.Time.AppendFormat(append((*buf)[:0], `{"time":"`...), time.RFC3339Nano), `","level":"`...)
	line = append(append(line, r.Level.String()...), `","msg":"`+web.RequestLine+`"`...)
	r.Attrs(func(a slog.Attr) bool {
		line = appendText(append(line, ','), a.Key)
		line = append(line, ':')
		if a.Value.Kind() == slog.KindInt64 {
			line = strconv.AppendInt(line, a.Value.Int64(), 10)
		} else {
			line = appendText(line, a.Value.String())
		}
		return true
	})
	*buf = append(line, '}', '\n')
	_, err := h.to.Write(*buf)
	return err
}

// The log line of a request has no attributes of a Logger, so that only other lines need WithAttrs
// and WithGroup.

// WithAttrs implements slog.Handler.
func (h requestLines) WithAttrs(attrs []slog.Attr) slog.Handler { return h.Handler.WithAttrs(attrs) }

// WithGroup implements slog.Handler.
func (h requestLines) WithGroup(name string) slog.Handler { return h.Handler.WithGroup(name) }

// appendText appends s as a JSON string.
func appendText(to []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			text, _ := json.Marshal(s) // marshalling a string cannot fail
			return append(to, text...)
		}
	}
	return append(append(append(to, '"'), s...), '"')
}
