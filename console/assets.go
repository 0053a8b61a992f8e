package console

import (
	"embed"
	"html/template"
	"sync"

	"github.com/vouchsafe/vouchsafe/login/ui"
)

//go:embed templates
var templateFiles embed.FS

//go:embed static
var staticFiles embed.FS

// frameTemplates are the layout and the shared blocks, read at the first use.
var frameTemplates = sync.OnceValues(func() (*template.Template, error) {
	return template.ParseFS(templateFiles, "templates/*.html")
})

// packedAssets are the stylesheet and the script, read at the first use.
var packedAssets = sync.OnceValues(func() (*ui.Assets, error) { return ui.PackAssets(staticFiles) })
