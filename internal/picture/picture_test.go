package picture_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"slices"
	"strings"
	"testing"

	"github.com/souklive/souk/internal/picture"
)

// flag is red at its top left, green at its top right, blue below.
func flag(width, height int) *image.RGBA {
	img := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			c := color.RGBA{0, 0, 255, 255}
			if y < height/2 {
				c = color.RGBA{255, 0, 0, 255}
				if x >= width/2 {
					c = color.RGBA{0, 255, 0, 255}
				}
			}
			img.SetRGBA(x, y, c)
		}
	}
	return img
}

func asJPEG(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: 95}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(t *testing.T, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// secret is what nobody is to find in a picture that is shown.
const secret = "43.2951 N, 5.3744 E"

// exif is a TIFF with an orientation and a secret.
func exif(order binary.AppendByteOrder, mark string, orientation uint16) []byte {
	b := append([]byte(mark), 0, 0, 0, 0)
	copy(b[4:], order.AppendUint32(nil, 8))
	b = order.AppendUint16(b, 1)
	b = order.AppendUint16(b, 0x0112)
	b = order.AppendUint16(b, 3)
	b = order.AppendUint32(b, 1)
	b = order.AppendUint16(b, orientation)
	return append(append(b, 0, 0, 0, 0, 0, 0), secret...)
}

func withEXIF(jpg, tiff []byte) []byte {
	segment := append([]byte("Exif\x00\x00"), tiff...)
	head := binary.BigEndian.AppendUint16([]byte{0xff, 0xd8, 0xff, 0xe1}, uint16(len(segment)+2))
	return slices.Concat(head, segment, jpg[2:])
}

func chunk(kind string, data []byte) []byte {
	b := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	b = append(append(b, kind...), data...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[4:]))
}

func render(t *testing.T, body []byte) []picture.Rendition {
	t.Helper()
	info, err := picture.Inspect(body)
	if err != nil {
		t.Fatal(err)
	}
	out, err := picture.Render(body, info)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestWidths(t *testing.T) {
	t.Parallel()
	for width, want := range map[int]string{
		3000: "[2048x1365 1280x853 640x427 320x213 160x107]", 1280: "[1280x853 640x427 320x213 160x107]", 200: "[200x133 160x107]", 160: "[160x107]", 1: "[1x1]",
	} {
		body := asJPEG(t, flag(width, max(1, width*2/3)))
		var got []string
		for _, r := range render(t, body) {
			config, format, err := image.DecodeConfig(bytes.NewReader(r.Body))
			if err != nil || format != "jpeg" || config.Width != r.Width || config.Height != r.Height {
				t.Errorf("%d: %+v is a %s, %v", width, config, format, err)
			}
			got = append(got, fmt.Sprintf("%dx%d", r.Width, r.Height))
		}
		if len(got) != strings.Count(want, "x") || !near(fmt.Sprint(got), want) {
			t.Errorf("%d: %v, want %s", width, got, want)
		}
	}
}

// near is equal but for a pixel of a height.
func near(got, want string) bool {
	a, b := strings.Fields(strings.Trim(got, "[]")), strings.Fields(strings.Trim(want, "[]"))
	for i := range a {
		var w, h, w2, h2 int
		if _, err := fmt.Sscanf(a[i]+" "+b[i], "%dx%d %dx%d", &w, &h, &w2, &h2); err != nil || w != w2 || max(h-h2, h2-h) > 1 {
			return false
		}
	}
	return true
}

// However the camera was held, the flag stands upright, and what EXIF said besides is gone.
func TestTurnedAndStripped(t *testing.T) {
	t.Parallel()
	upright := flag(400, 200)
	for orientation := uint16(1); orientation <= 8; orientation++ {
		held := unturn(upright, int(orientation))
		for name, body := range map[string][]byte{
			"JPEG, little": withEXIF(asJPEG(t, held), exif(binary.LittleEndian, "II*\x00", orientation)),
			"JPEG, big":    withEXIF(asJPEG(t, held), exif(binary.BigEndian, "MM\x00*", orientation)),
			"PNG":          insertChunk(asPNG(t, held), chunk("eXIf", exif(binary.BigEndian, "MM\x00*", orientation))),
		} {
			out := render(t, body)
			if out[0].Width != 400 || out[0].Height != 200 {
				t.Errorf("%s held %d is %dx%d", name, orientation, out[0].Width, out[0].Height)
				continue
			}
			for _, r := range out {
				if bytes.Contains(r.Body, []byte(secret)) || bytes.Contains(r.Body, []byte("Exif")) {
					t.Errorf("%s held %d tells where it was taken", name, orientation)
				}
				img, err := jpeg.Decode(bytes.NewReader(r.Body))
				if err != nil {
					t.Fatal(err)
				}
				at := func(x, y int) string { return hue(img.At(r.Width*x/8, r.Height*y/8)) }
				if got := at(1, 1) + at(7, 1) + at(1, 7) + at(7, 7); got != "rgbb" {
					t.Errorf("%s held %d at %d: %s", name, orientation, r.Width, got)
				}
			}
		}
	}
}

func insertChunk(body, c []byte) []byte { return slices.Concat(body[:33], c, body[33:]) }

func hue(c color.Color) string {
	r, g, b, _ := c.RGBA()
	switch max(r, g, b) {
	case r:
		return "r"
	case g:
		return "g"
	}
	return "b"
}

// unturn is what a camera that is held so writes, by the EXIF specification: where row 0 and column 0 of it are seen.
func unturn(img *image.RGBA, orientation int) *image.RGBA {
	w, h := img.Rect.Dx(), img.Rect.Dy()
	sw, sh := w, h
	if orientation >= 5 {
		sw, sh = h, w
	}
	out := image.NewRGBA(image.Rect(0, 0, sw, sh))
	for y := range sh {
		for x := range sw {
			var seen image.Point
			switch orientation {
			case 1: // row 0 at the top, column 0 at the left
				seen = image.Pt(x, y)
			case 2: // top, right
				seen = image.Pt(w-1-x, y)
			case 3: // bottom, right
				seen = image.Pt(w-1-x, h-1-y)
			case 4: // bottom, left
				seen = image.Pt(x, h-1-y)
			case 5: // left, top
				seen = image.Pt(y, x)
			case 6: // right, top
				seen = image.Pt(w-1-y, x)
			case 7: // right, bottom
				seen = image.Pt(w-1-y, h-1-x)
			case 8: // left, bottom
				seen = image.Pt(y, h-1-x)
			}
			out.SetRGBA(x, y, img.RGBAAt(seen.X, seen.Y))
		}
	}
	return out
}

// lossyWebP is a picture of one pixel by the reference encoder.
const lossyWebP = "UklGRiIAAABXRUJQVlA4IBYAAAAwAQCdASoBAAEADsD+JaQAA3AAAAAA"

func TestWebP(t *testing.T) {
	t.Parallel()
	body, err := base64.StdEncoding.DecodeString(lossyWebP)
	if err != nil {
		t.Fatal(err)
	}
	if out := render(t, body); len(out) != 1 || out[0].Width != 1 {
		t.Errorf("%+v", out)
	}
	if _, err := picture.Inspect(body[:len(body)-4]); !errors.Is(err, picture.ErrCut) {
		t.Errorf("cut: %v", err)
	}
}

func TestTransparentIsWhite(t *testing.T) {
	t.Parallel()
	out := render(t, asPNG(t, image.NewNRGBA(image.Rect(0, 0, 300, 300))))
	for _, r := range out {
		img, err := jpeg.Decode(bytes.NewReader(r.Body))
		if err != nil {
			t.Fatal(err)
		}
		if r, g, b, _ := img.At(100, 100).RGBA(); min(r, g, b) < 0xf000 {
			t.Errorf("%x %x %x", r, g, b)
		}
	}
}

// No seam is seen where strips meet: a plain picture stays plain.
func TestNoSeams(t *testing.T) {
	t.Parallel()
	plain := image.NewRGBA(image.Rect(0, 0, 1000, 900))
	for i := range plain.Pix {
		plain.Pix[i] = []byte{90, 120, 150, 255}[i%4]
	}
	for _, r := range render(t, asPNG(t, plain))[1:] {
		img, err := jpeg.Decode(bytes.NewReader(r.Body))
		if err != nil {
			t.Fatal(err)
		}
		for y := range r.Height {
			for x := range r.Width {
				if red, _, blue, _ := img.At(x, y).RGBA(); red>>8 < 86 || red>>8 > 94 || blue>>8 < 146 || blue>>8 > 154 {
					t.Fatalf("at %d: %d,%d is %d, %d", r.Width, x, y, red>>8, blue>>8)
				}
			}
		}
	}
}

// bomb is a PNG of a few bytes that says it is enormous.
func bomb(t *testing.T, width, height uint32, depth byte) []byte {
	t.Helper()
	body := asPNG(t, image.NewGray(image.Rect(0, 0, 1, 1)))
	binary.BigEndian.PutUint32(body[16:], width)
	binary.BigEndian.PutUint32(body[20:], height)
	body[24] = depth
	binary.BigEndian.PutUint32(body[29:], crc32.ChecksumIEEE(body[12:29]))
	return body
}

func TestInspectRefuses(t *testing.T) {
	t.Parallel()
	jpg, pngs := asJPEG(t, flag(64, 64)), asPNG(t, flag(64, 64))
	progressive := bytes.Clone(jpg)
	sof := bytes.Index(progressive, []byte{0xff, 0xc0})
	progressive[sof+1] = 0xc2
	binary.BigEndian.PutUint16(progressive[sof+5:], 8000)
	binary.BigEndian.PutUint16(progressive[sof+7:], 5000)
	progressive[sof+11] = 0x11 // colour as fine as light
	for name, c := range map[string]struct {
		body []byte
		want error
	}{
		"nothing":                     {nil, picture.ErrType},
		"a ZIP":                       {[]byte("PK\x03\x04" + strings.Repeat("x", 600)), picture.ErrType},
		"a GIF":                       {[]byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"), picture.ErrType},
		"an SVG":                      {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"/>`), picture.ErrType},
		"a ZIP behind a JPEG's mark":  {append([]byte("\xff\xd8\xff\xe0"), "PK\x03\x04"+strings.Repeat("x", 600)...), picture.ErrType},
		"HTML behind a PNG's mark":    {[]byte("\x89PNG\r\n\x1a\n<script>alert(1)</script>"), picture.ErrType},
		"too many pixels":             {bomb(t, 8001, 5000, 8), picture.ErrSize},
		"far too many":                {bomb(t, 1<<31-1, 1<<31-1, 8), picture.ErrType},
		"one long row":                {bomb(t, 20_001, 1, 8), picture.ErrSize},
		"too much once decoded":       {bomb(t, 8000, 5000, 16), nil},
		"a progressive one, too fine": {progressive, picture.ErrSize},
		"half a JPEG":                 {jpg[:len(jpg)-20], picture.ErrCut},
		"a JPEG without its end":      {jpg[:len(jpg)-2], picture.ErrCut},
		"half a PNG":                  {pngs[:len(pngs)/2], picture.ErrCut},
		"a PNG without its end":       {pngs[:len(pngs)-12], picture.ErrCut},
		"too many bytes":              {append(bytes.Clone(jpg), make([]byte, picture.MaxBytes)...), picture.ErrSize},
		"a JPEG":                      {jpg, nil},
		"with something behind it":    {append(bytes.Clone(jpg), "PK\x03\x04"...), nil},
	} {
		if _, err := picture.Inspect(c.body); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	// What its headers promise and its data does not keep is found when it is decoded.
	hollow := slices.Concat(pngs[:33], chunk("IDAT", []byte("nothing")), chunk("IEND", nil))
	info, err := picture.Inspect(hollow)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := picture.Render(hollow, info); !errors.Is(err, picture.ErrCut) {
		t.Errorf("hollow: %v", err)
	}
}

// Whatever the bytes are, looking at them ends, and neither panics.
func FuzzPicture(f *testing.F) {
	webp, _ := base64.StdEncoding.DecodeString(lossyWebP)
	var small bytes.Buffer
	_ = jpeg.Encode(&small, flag(9, 7), nil)
	f.Add(small.Bytes())
	f.Add(withEXIF(small.Bytes(), exif(binary.BigEndian, "MM\x00*", 6)))
	small.Reset()
	_ = png.Encode(&small, flag(5, 3))
	f.Add(small.Bytes())
	f.Add(webp)
	f.Fuzz(func(t *testing.T, body []byte) {
		info, err := picture.Inspect(body)
		if err != nil || info.Width*info.Height > 1_000_000 {
			return
		}
		out, err := picture.Render(body, info)
		if err == nil && (len(out) == 0 || out[0].Width != min(info.Width, 2048)) {
			t.Errorf("%+v: %d renditions", info, len(out))
		}
	})
}
