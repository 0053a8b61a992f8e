package brand

import (
	"encoding/xml"
	"fmt"
	"strings"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Product is the name of a tenant that has none of its own, and of the default tenant until it is
// given one.
const Product = "Vouchsafe"

// Mark is what stands for a tenant that has no logo.
type Mark struct {
	// Ours says that the tenant is not branded: its mark is that of the product.
	Ours bool
	// Letter is the initial of the tenant's name, or "" if the name has none.
	Letter string

	fill, onFill colour
}

// MarkOf returns the mark of a tenant with that name. The product's mark stands for nothing but the
// product: a tenant with a name or an accent of its own has its initial instead.
func MarkOf(name string, b storage.Branding) Mark {
	m := Mark{Letter: Initial(name), fill: light.accent, onFill: light.onAccent}
	if c, ok := parseColour(b.Accent); ok {
		v := light.shades(c)
		m.fill, m.onFill = v.fill, v.onFill
	} else if name == "" || name == Product {
		m.Ours = true
	}
	return m
}

// SVG returns the mark as a picture of its own. The letter is in a font of the browser's, which
// may be of any script, and the picture loads nothing. It returns "" for the mark of the product.
func (m Mark) SVG() string {
	if m.Ours {
		return ""
	}
	var letter strings.Builder
	_ = xml.EscapeText(&letter, []byte(m.Letter)) // writing to memory cannot fail
	size := 19
	if strings.ContainsFunc(m.Letter, wide) {
		size = 16
	}
	return fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">`+
		`<rect width="32" height="32" rx="9" fill="%s"/><text x="16" y="16" dy=".36em" text-anchor="middle" `+
		`font-family="system-ui,-apple-system,Segoe UI,Roboto,sans-serif" font-weight="600" font-size="%d" fill="%s">`+
		`%s</text></svg>`, m.fill, size, m.onFill, letter.String())
}

// wide reports whether letters of the rune's script fill a square.
func wide(r rune) bool { return r >= 0x0900 && r <= 0x109f || r >= 0x1100 }
