package log

import (
	"encoding/csv"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/vouchsafe/vouchsafe/console"
	"github.com/vouchsafe/vouchsafe/internal/audit"
	"github.com/vouchsafe/vouchsafe/internal/web"
	"github.com/vouchsafe/vouchsafe/login/texts"
	"github.com/vouchsafe/vouchsafe/storage"
)

// patience is how long a browser has to take the next part of a download.
const patience = time.Minute

// export sends all entries that the list finds, oldest first. One that breaks off ends the connection, so that the
// browser says that the download failed.
func (p Config) export(c *console.Call) error {
	q, err := p.query(c)
	if err != nil {
		return err
	}
	if len(q.faults) > 0 {
		return c.Go(c.To(root, "person", c.FormValue("person"), "since", c.FormValue("since"), "until", c.FormValue("until")))
	}
	x := audit.Export{Tenant: q.Tenant, Until: q.Until, Kinds: q.Kinds}
	if !q.Since.IsZero() {
		x.After = storage.IDAt(q.Since)
	}
	c.W.Header().Set("X-Content-Type-Options", "nosniff")
	write := writeCSV(c.W, c.Words)
	if c.FormValue("format") == "json" {
		c.W.Header().Set("Content-Type", "application/jsonl")
		c.W.Header().Set("Content-Disposition", `attachment; filename="log.jsonl"`)
		write = writeJSON(c.W)
	} else {
		c.W.Header().Set("Content-Type", "text/csv; charset=utf-8")
		c.W.Header().Set("Content-Disposition", `attachment; filename="log.csv"`)
	}
	ctx, out := web.Lasting(c.Context()), http.NewResponseController(c.W)
	err = x.Run(ctx, p.Store, func(events []storage.Event) error {
		_ = out.SetWriteDeadline(time.Now().Add(patience)) // without it, the server's own deadline holds
		found := slices.DeleteFunc(events, func(e storage.Event) bool { return !audit.Table.Match(q.Filter, e) })
		if err := write(found); err != nil {
			return err
		}
		return out.Flush()
	})
	if err != nil {
		web.Note(c.Context(), "cause", err.Error())
		panic(http.ErrAbortHandler)
	}
	return nil
}

// writeJSON returns what writes a line of JSON for each event.
func writeJSON(w http.ResponseWriter) func([]storage.Event) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return func(events []storage.Event) error {
		for _, e := range events {
			if err := enc.Encode(audit.EventOf(e)); err != nil {
				return err
			}
		}
		return nil
	}
}

// columns are the names of the columns of a table.
var columns = []string{"at", "kind", "why", "user_id", "client_id", "actor", "ip", "request_id", "detail", "id"}

// writeCSV returns what writes a table (RFC 4180), with why something was refused.
func writeCSV(w http.ResponseWriter, words texts.Words) func([]storage.Event) error {
	out, begun := csv.NewWriter(w), false
	return func(events []storage.Event) error {
		if !begun {
			begun = true
			_ = out.Write(columns) // Error says it
		}
		for _, e := range events {
			var detail []string
			for _, name := range slices.Sorted(maps.Keys(e.Detail)) {
				detail = append(detail, name+"="+e.Detail[name])
			}
			row := []string{e.At.UTC().Format(time.RFC3339), e.Kind, why(words, e), e.UserID, e.ClientID, e.Actor, e.IP,
				e.RequestID, strings.Join(detail, " "), e.ID}
			for i := range row {
				row[i] = plain(row[i])
			}
			_ = out.Write(row)
		}
		out.Flush()
		return out.Error()
	}
}

// plain returns a text that no spreadsheet takes for a formula: some of it was chosen by strangers.
func plain(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r\n", rune(text[0])) {
		return "'" + text
	}
	return text
}
