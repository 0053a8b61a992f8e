package brand

import (
	"bytes"
	"image/color"
	"image/png"
	"testing"
)

// Icons have their size, round corners, and a tenant's own colour instead of ours.
func TestIcons(t *testing.T) {
	for accent, want := range map[string]color.NRGBA{"": {0x1f, 0x5f, 0x5b, 0xff}, "#aa3311": {0xaa, 0x33, 0x11, 0xff},
		"nonsense": {0x1f, 0x5f, 0x5b, 0xff}} {
		for _, size := range []int{32, 180} {
			img, err := png.Decode(bytes.NewReader(Icon(accent, size)))
			if err != nil {
				t.Fatal(err)
			}
			at := func(x, y int) color.NRGBA {
				return color.NRGBAModel.Convert(img.At(x*size/32, y*size/32)).(color.NRGBA)
			}
			if b := img.Bounds(); b.Dx() != size || b.Dy() != size || at(0, 0).A != 0 || at(16, 3) != want {
				t.Errorf("%q, %d pixels: got %v, corner %v, ground %v, want %v", accent, size, b, at(0, 0), at(16, 3), want)
			}
		}
	}
	icon := Icon("", 32)
	if ico := ICO(icon, 32); !bytes.HasPrefix(ico, []byte{0, 0, 1, 0, 1, 0, 32, 32}) || !bytes.Equal(ico[22:], icon) {
		t.Error("the .ico does not hold the icon")
	}
}
