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

// modules returns the QR code of a text with a side of n modules, and reports which of them are dark. It returns an
// error if text is too long.
func modules(text string) (n int, dark func(x, y int) bool, err error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return 0, nil, fmt.Errorf("make QR code: %w", err)
	}
	return code.Bounds().Dx(), func(x, y int) bool {
		r, _, _, _ := code.At(x, y).RGBA()
		return r == 0
	}, nil
}

// QR returns text as a PNG of a QR code. It returns an error if text is too long.
func QR(text string) ([]byte, error) {
	n, dark, err := modules(text)
	if err != nil {
		return nil, err
	}
	side := (n + 2*margin) * pixels
	img := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	for y := range side {
		for x := range side {
			at := image.Pt(x/pixels-margin, y/pixels-margin)
			if at.In(image.Rect(0, 0, n, n)) && dark(at.X, at.Y) {
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

// QRVector returns text as an SVG of a QR code, which is sharp at any size. It returns an error if text is too long.
func QRVector(text string) ([]byte, error) {
	n, dark, err := modules(text)
	if err != nil {
		return nil, err
	}
	side := n + 2*margin
	var svg bytes.Buffer
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" `+
		`shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="`,
		side, side, side*pixels, side*pixels, side, side)
	for y := range n {
		for x := 0; x < n; x++ {
			from := x
			for x < n && dark(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&svg, "M%d %dh%dv1h-%dz", from+margin, y+margin, x-from, x-from)
			}
		}
	}
	svg.WriteString(`"/></svg>`)
	return svg.Bytes(), nil
}
