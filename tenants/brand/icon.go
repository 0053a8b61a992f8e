package brand

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"math"
	"unicode/utf8"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// sampling is how many points in each direction are averaged for a pixel of an icon.
const sampling = 4

// Icon returns the mark as a PNG of size × size pixels. Browsers and phones request /favicon.ico
// and /apple-touch-icon.png without being told to, and do not read SVG there. The built-in font has
// the Latin, Greek and Cyrillic scripts; the mark of a tenant whose initial is of another one is a disc.
func (m Mark) Icon(size int) []byte {
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	drawn := !m.Ours && m.Letter != "" && inFont(m.Letter)
	for y := range size {
		for x := range size {
			img.SetNRGBA(x, y, pixel(x, y, size, func(x, y float64) (colour, bool) { return m.point(x, y, drawn) }))
		}
	}
	if drawn {
		m.drawLetter(img)
	}
	var buf bytes.Buffer
	if err := png.Encode(&buf, img); err != nil {
		panic(err) // writing to memory cannot fail
	}
	return buf.Bytes()
}

// ICO wraps a PNG of at most 255 pixels in the format of /favicon.ico.
func ICO(icon []byte, size int) []byte {
	b := binary.LittleEndian.AppendUint16(nil, 0)
	b = binary.LittleEndian.AppendUint16(b, 1) // the type: an icon
	b = binary.LittleEndian.AppendUint16(b, 1) // the number of images
	b = append(b, byte(size), byte(size), 0, 0)
	b = binary.LittleEndian.AppendUint16(b, 1)
	b = binary.LittleEndian.AppendUint16(b, 32)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(icon)))
	b = binary.LittleEndian.AppendUint32(b, 22) // the offset of the PNG
	return append(b, icon...)
}

// face returns the font in which initials are drawn, at a size in pixels.
func face(size int) font.Face {
	f, err := opentype.Parse(gobold.TTF)
	if err != nil {
		panic(err) // it is built in, and tests draw with it
	}
	made, err := opentype.NewFace(f, &opentype.FaceOptions{Size: float64(size), DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		panic(err) // the font has no such fault, and the size is ours
	}
	return made
}

// inFont reports whether the letter is one rune that the font has.
func inFont(letter string) bool {
	r, length := utf8.DecodeRuneInString(letter)
	if length != len(letter) {
		return false
	}
	f, err := opentype.Parse(gobold.TTF)
	if err != nil {
		return false
	}
	glyph, err := f.GlyphIndex(nil, r)
	return err == nil && glyph != 0
}

// drawLetter draws the initial in the middle of the icon.
func (m Mark) drawLetter(img draw.Image) {
	size := img.Bounds().Dx()
	d := font.Drawer{Dst: img, Src: image.NewUniform(m.onFill.nrgba()), Face: face(size * 5 / 8)}
	box, _ := d.BoundString(m.Letter)
	middle := fixed.I(size) / 2
	d.Dot = fixed.Point26_6{X: middle - (box.Min.X+box.Max.X)/2, Y: middle - (box.Min.Y+box.Max.Y)/2}
	d.DrawString(m.Letter)
}

// nrgba returns the colour for package image.
func (c colour) nrgba() color.NRGBA { return color.NRGBA{c[0], c[1], c[2], 0xff} }

// pixel returns the mean colour of the points in a pixel.
func pixel(x, y, size int, point func(x, y float64) (colour, bool)) color.NRGBA {
	var sum [3]float64
	covered := 0.0
	for i := range sampling * sampling {
		at := func(n, sub int) float64 {
			return (float64(n) + (float64(sub)+0.5)/sampling) * 32 / float64(size)
		}
		c, ok := point(at(x, i%sampling), at(y, i/sampling))
		if !ok {
			continue
		}
		covered++
		for k := range sum {
			sum[k] += float64(c[k])
		}
	}
	if covered == 0 {
		return color.NRGBA{}
	}
	mean := func(k int) uint8 { return uint8(math.Round(sum[k] / covered)) }
	return color.NRGBA{mean(0), mean(1), mean(2), uint8(math.Round(255 * covered / (sampling * sampling)))}
}

// point returns the colour of a point of the mark, whose sides have the length 32. It reports false
// for a point outside of the rounded square. lettered says that an initial is drawn on it.
func (m Mark) point(x, y float64, lettered bool) (colour, bool) {
	const corner = 9
	dx, dy := math.Max(corner-math.Min(x, 32-x), 0), math.Max(corner-math.Min(y, 32-y), 0)
	switch {
	case math.Hypot(dx, dy) > corner:
		return colour{}, false
	case m.Ours && math.Hypot(x-16, y-10.5) < 2:
		return of("#8fe0c8"), true
	case m.Ours && (stroke(x, y, 8.5, 10.5, 16, 23.5) || stroke(x, y, 16, 23.5, 23.5, 10.5)),
		!m.Ours && !lettered && math.Hypot(x-16, y-16) < 6:
		return m.onFill, true
	}
	return m.fill, true
}

// stroke reports whether the point is on the line from (x1, y1) to (x2, y2), which is 3 wide.
func stroke(x, y, x1, y1, x2, y2 float64) bool {
	dx, dy := x2-x1, y2-y1
	along := math.Min(1, math.Max(0, ((x-x1)*dx+(y-y1)*dy)/(dx*dx+dy*dy)))
	return math.Hypot(x-x1-along*dx, y-y1-along*dy) <= 1.5
}
