package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
)

//go:embed static
var staticFiles embed.FS

// Assets are the files that pages link to. Their names have a hash of their content, so that browsers
// may keep them for ever.
type Assets struct {
	files map[string]asset  // by the name in URLs
	names map[string]string // from the name in the source to that in URLs
	// style is the stylesheet as an element, for pages that cannot link to anything, and
	// styleSource the source that a Content-Security-Policy needs to allow it.
	style       template.HTML
	styleSource string
	mark        []byte // the product's mark, as SVG
}

// asset is one file, as it is and compressed.
type asset struct {
	kind        string
	plain, gzip []byte
}

// packedAssets returns what loadAssets does; all Pages share it.
var packedAssets = sync.OnceValues(func() (*Assets, error) {
	a, err := PackAssets(staticFiles)
	if err == nil && a.styleSource == "" {
		err = fmt.Errorf("no style.css among the static files")
	}
	return a, err
})

// PackAssets reads and compresses the files of the folder static.
func PackAssets(from fs.FS) (*Assets, error) {
	entries, err := fs.ReadDir(from, "static")
	if err != nil {
		return nil, err
	}
	a := &Assets{files: map[string]asset{}, names: map[string]string{}}
	for _, e := range entries {
		plain, err := fs.ReadFile(from, "static/"+e.Name())
		if err != nil {
			return nil, err
		}
		var packed bytes.Buffer
		zip, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		if err != nil {
			return nil, err
		}
		if _, err := zip.Write(plain); err != nil {
			return nil, err
		}
		if err := zip.Close(); err != nil {
			return nil, err
		}
		ext := path.Ext(e.Name())
		sum := sha256.Sum256(plain)
		name := strings.TrimSuffix(e.Name(), ext) + "." + hex.EncodeToString(sum[:6]) + ext
		a.names[e.Name()] = name
		a.files[name] = asset{kind: mime.TypeByExtension(ext), plain: plain, gzip: packed.Bytes()}
		switch e.Name() {
		case "mark.svg":
			a.mark = plain
		case "style.css":
			a.style += template.HTML("<style>" + string(plain) + "</style>")
			a.styleSource = "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
		}
	}
	return a, nil
}

// Asset returns the name of a static file in URLs, below /static/.
func (p *Pages) Asset(name string) (string, error) { return p.static.Name(name) }

// Name returns the name of a file in URLs.
func (a *Assets) Name(name string) (string, error) {
	hashed, ok := a.names[name]
	if !ok {
		return "", fmt.Errorf("no static file %q", name)
	}
	return hashed, nil
}

// Serve writes the file that the path names.
func (a *Assets) Serve(w http.ResponseWriter, r *http.Request) {
	f, ok := a.files[path.Base(r.URL.Path)]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Vary", "Accept-Encoding")
	body := f.plain
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		h.Set("Content-Encoding", "gzip")
		body = f.gzip
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // an error means that the browser is gone
}
