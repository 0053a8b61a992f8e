package factor

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"

	"github.com/boombuler/barcode/qr"
)

const (
	pixels = 4 // the side of a module of the code, in pixels
	margin = 4 // the width of the white margin in modules, as readers need it
)

// QR returns text as a PNG of a QR code. It returns an error if text is too long.
func QR(text string) ([]byte, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return nil, fmt.Errorf("make QR code: %w", err)
	}
	n := code.Bounds().Dx()
	side := (n + 2*margin) * pixels
	img := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range side {
		for x := range side {
			at := image.Pt(x/pixels-margin, y/pixels-margin)
			if !at.In(image.Rect(0, 0, n, n)) {
				continue
			}
			if r, _, _, _ := code.At(at.X, at.Y).RGBA(); r == 0 {
				img.SetColorIndex(x, y, 1)
			}
		}
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}
