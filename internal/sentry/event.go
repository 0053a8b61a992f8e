package sentry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"path"
	"strconv"
	"strings"
	"time"
)

// event is a report, as https://develop.sentry.dev/sdk/foundations/transport/event-payloads/ describes it.
type event struct {
	EventID     string            `json:"event_id"` // 32 hexadecimal digits
	Timestamp   time.Time         `json:"timestamp"`
	Platform    string            `json:"platform"`
	Level       string            `json:"level"`
	Logger      string            `json:"logger"`
	Transaction string            `json:"transaction,omitempty"`
	Release     string            `json:"release,omitempty"`
	Environment string            `json:"environment"`
	Tags        map[string]string `json:"tags,omitempty"`
	Extra       map[string]any    `json:"extra,omitempty"`
	Exception   exceptions        `json:"exception"`
}

type exceptions struct {
	Values []exception `json:"values"`
}

type exception struct {
	Type  string      `json:"type"`
	Value string      `json:"value"`
	Trace *stacktrace `json:"stacktrace,omitempty"`
}

type stacktrace struct {
	Frames []frame `json:"frames"` // the newest last
}

type frame struct {
	Function string `json:"function"`
	Module   string `json:"module"`
	Filename string `json:"filename"`
	Line     int    `json:"lineno"`
	InApp    bool   `json:"in_app"`
}

// envelope returns the event as the service takes it: a line of headers, and the item with a line of its own.
func (e *event) envelope() ([]byte, error) {
	body, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\"event_id\":%q,\"sent_at\":%q}\n", e.EventID, time.Now().UTC().Format(time.RFC3339Nano))
	fmt.Fprintf(&b, "{\"type\":\"event\",\"content_type\":\"application/json\",\"length\":%d}\n", len(body))
	b.Write(body)
	b.WriteByte('\n')
	return b.Bytes(), nil
}

const (
	ownModule = "github.com/vouchsafe/vouchsafe"
	maxFrames = 60
)

// framesOf reads what debug.Stack returns: pairs of lines with a function and its place. Arguments are left out,
// folders of the machine that built the program, and what was called after the panic.
func framesOf(stack string) []frame {
	if i := strings.Index(stack, "\npanic("); i >= 0 {
		stack = stack[i+1:]
		stack = stack[strings.IndexByte(stack, '\n')+1:]
	}
	lines := strings.Split(stack, "\n")
	var all []frame
	for i := 1; i+1 < len(lines) && len(all) < maxFrames; i++ {
		place, ok := strings.CutPrefix(lines[i+1], "\t")
		name := lines[i]
		if !ok || strings.HasPrefix(name, "\t") {
			continue
		}
		name, _, _ = strings.Cut(strings.TrimPrefix(name, "created by "), " in goroutine ")
		if j := strings.LastIndexByte(name, '('); j > 0 && strings.HasSuffix(name, ")") {
			name = name[:j]
		}
		place, _, _ = strings.Cut(place, " +0x")
		j := strings.LastIndexByte(place, ':')
		if j < 0 {
			continue
		}
		line, _ := strconv.Atoi(place[j+1:]) // 0 stands for an unknown line
		f := frame{Function: name, Line: line}
		if k := strings.LastIndexByte(name, '/') + 1; strings.IndexByte(name[k:], '.') >= 0 {
			k += strings.IndexByte(name[k:], '.')
			f.Module, f.Function = name[:k], name[k+1:]
		}
		f.InApp = strings.HasPrefix(f.Module, ownModule) || f.Module == "main"
		f.Filename = fileOf(f.Module, place[:j])
		all = append([]frame{f}, all...)
		i++
	}
	return all
}

// fileOf returns the path of a file: from the root of this repository on, or its folder and name.
func fileOf(module, file string) string {
	if below, ok := strings.CutPrefix(module, ownModule+"/"); ok {
		return below + "/" + path.Base(file)
	}
	return path.Base(path.Dir(file)) + "/" + path.Base(file)
}
