package brand

import (
	"bytes"
	"image/color"
	"image/png"
	"testing"

	"github.com/vouchsafe/vouchsafe/storage"
)

// Icons have their size, round corners, and a tenant's own colour and letter instead of ours.
func TestIcons(t *testing.T) {
	branded := func(name, accent string) Mark { return MarkOf(name, storage.Branding{Accent: accent}) }
	for name, c := range map[string]struct {
		mark   Mark
		ground color.NRGBA
	}{
		"ours":      {branded("Vouchsafe", ""), color.NRGBA{0x1f, 0x5f, 0x5b, 0xff}},
		"a letter":  {branded("Acme", "#aa3311"), color.NRGBA{0xaa, 0x33, 0x11, 0xff}},
		"Greek":     {branded("Ωmega", "#aa3311"), color.NRGBA{0xaa, 0x33, 0x11, 0xff}},
		"Chinese":   {branded("例え", "#aa3311"), color.NRGBA{0xaa, 0x33, 0x11, 0xff}},
		"no letter": {branded("--", "#aa3311"), color.NRGBA{0xaa, 0x33, 0x11, 0xff}},
		"nonsense":  {branded("Acme", "nonsense"), color.NRGBA{0x1f, 0x5f, 0x5b, 0xff}},
	} {
		for _, size := range []int{32, 180} {
			img, err := png.Decode(bytes.NewReader(c.mark.Icon(size)))
			if err != nil {
				t.Fatal(err)
			}
			at := func(x, y int) color.NRGBA {
				return color.NRGBAModel.Convert(img.At(x*size/32, y*size/32)).(color.NRGBA)
			}
			if b := img.Bounds(); b.Dx() != size || b.Dy() != size || at(0, 0).A != 0 || at(16, 2) != c.ground {
				t.Errorf("%s, %d pixels: got %v, corner %v, ground %v, want %v", name, size, b, at(0, 0), at(16, 2), c.ground)
			}
			inside := 0 // pixels of the letter, or of the disc
			for x := range size {
				for y := range size {
					if got := img.At(x, y).(color.NRGBA); got.A == 0xff && got.R > 0xf0 && got.G > 0xf0 && got.B > 0xf0 {
						inside++
					}
				}
			}
			if share := float64(inside) / float64(size*size); share < 0.02 || share > 0.25 {
				t.Errorf("%s, %d pixels: the figure covers %.2f of the icon", name, size, share)
			}
		}
	}
	if bytes.Equal(branded("Acme", "").Icon(32), branded("Beta", "").Icon(32)) {
		t.Error("two names have the same icon")
	}
	if bytes.Equal(branded("Vanilla", "#1f5f5b").Icon(180), branded("", "").Icon(180)) {
		t.Error("a tenant has the product's icon")
	}
	icon := branded("", "").Icon(32)
	if ico := ICO(icon, 32); !bytes.HasPrefix(ico, []byte{0, 0, 1, 0, 1, 0, 32, 32}) || !bytes.Equal(ico[22:], icon) {
		t.Error("the .ico does not hold the icon")
	}
}
