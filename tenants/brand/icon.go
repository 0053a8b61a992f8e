package brand

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"math"
)

// sampling is how many points in each direction are averaged for a pixel of an icon.
const sampling = 4

// Icon returns the mark as a PNG of size × size pixels. Browsers and phones request /favicon.ico
// and /apple-touch-icon.png without being told to. The icon is the mark of the pages
// (static/mark.svg) or, if the tenant has an accent of its own, a plain mark in that colour.
func Icon(accent string, size int) []byte {
	ground, ours := of("#1f5f5b"), true
	if c, ok := parseColour(accent); ok {
		ground, ours = c, false
	}
	img := image.NewNRGBA(image.Rect(0, 0, size, size))
	for y := range size {
		for x := range size {
			img.SetNRGBA(x, y, pixel(x, y, size, ground, ours))
		}
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

// pixel returns the mean colour of the points in a pixel.
func pixel(x, y, size int, ground colour, ours bool) color.NRGBA {
	var sum [3]float64
	covered := 0.0
	for i := range sampling * sampling {
		at := func(n, sub int) float64 {
			return (float64(n) + (float64(sub)+0.5)/sampling) * 32 / float64(size)
		}
		c, ok := point(at(x, i%sampling), at(y, i/sampling), ground, ours)
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
// for a point outside of the rounded square.
func point(x, y float64, ground colour, ours bool) (colour, bool) {
	const corner = 9
	dx, dy := math.Max(corner-math.Min(x, 32-x), 0), math.Max(corner-math.Min(y, 32-y), 0)
	switch {
	case math.Hypot(dx, dy) > corner:
		return colour{}, false
	case !ours:
		if math.Hypot(x-16, y-16) < 6 {
			return white, true
		}
	case math.Hypot(x-16, y-10.5) < 2:
		return of("#8fe0c8"), true
	case stroke(x, y, 8.5, 10.5, 16, 23.5) || stroke(x, y, 16, 23.5, 23.5, 10.5):
		return white, true
	}
	return ground, true
}

// stroke reports whether the point is on the line from (x1, y1) to (x2, y2), which is 3 wide.
func stroke(x, y, x1, y1, x2, y2 float64) bool {
	dx, dy := x2-x1, y2-y1
	along := math.Min(1, math.Max(0, ((x-x1)*dx+(y-y1)*dy)/(dx*dx+dy*dy)))
	return math.Hypot(x-x1-along*dx, y-y1-along*dy) <= 1.5
}
