package picture

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"slices"

	"golang.org/x/image/draw"
)

// Quality is how well the shown pictures are kept, by the scale of JPEG's reference encoder.
const Quality = 82

// Widths are those that a picture is shown at; none is larger than the picture.
func Widths() []int { return []int{160, 320, 640, 1280, 2048} }

// Rendition is a picture at one width, as a JPEG.
type Rendition struct {
	Width, Height int
	Body          []byte
}

// Render decodes a picture that Inspect knows, turns it as its camera was held, and writes it at each width, the largest first. What is
// transparent becomes white.
func Render(body []byte, info Info) ([]Rendition, error) {
	img, _, err := image.Decode(bytes.NewReader(body))
	if err != nil {
		return nil, errors.Join(ErrCut, err)
	}
	out := make([]Rendition, 0, len(Widths()))
	for _, width := range targets(info.Width) {
		height := max(1, (info.Height*width+info.Width/2)/info.Width)
		switch {
		case len(out) > 0: // the next smaller of the last one, which is turned
			img = scale(img, width, height)
		case info.orientation >= 5:
			img = turn(scale(img, height, width), info.orientation)
		default:
			img = turn(scale(img, width, height), info.orientation)
		}
		var jpg bytes.Buffer
		if err := jpeg.Encode(&jpg, img, &jpeg.Options{Quality: Quality}); err != nil {
			return nil, fmt.Errorf("encode at %d pixels: %w", width, err)
		}
		out = append(out, Rendition{width, height, jpg.Bytes()})
	}
	return out, nil
}

// targets are the widths of a picture so wide, the largest first: its own where it is smaller than the largest.
func targets(width int) (ws []int) {
	all := Widths()
	ws = append(ws, min(width, all[len(all)-1]))
	for _, w := range slices.Backward(all) {
		if w < ws[0] {
			ws = append(ws, w)
		}
	}
	return ws
}

// strip is how many rows or columns are scaled at a time: the scaler keeps 32 bytes a pixel between its two passes.
const strip = 64

// scale makes a picture so large, on white: first its rows, then its columns, each strip by strip. In the other direction a pass leaves
// everything where it is, so that no seam is seen.
func scale(src image.Image, width, height int) *image.RGBA {
	from := src.Bounds()
	rows := image.NewRGBA(image.Rect(0, 0, width, from.Dy()))
	draw.Draw(rows, rows.Rect, image.NewUniform(color.White), image.Point{}, draw.Src)
	for y := 0; y < from.Dy(); y += strip {
		end := min(y+strip, from.Dy())
		draw.CatmullRom.Scale(rows, image.Rect(0, y, width, end), src, image.Rect(from.Min.X, from.Min.Y+y, from.Max.X, from.Min.Y+end), draw.Over, nil)
	}
	if height == from.Dy() {
		return rows
	}
	out := image.NewRGBA(image.Rect(0, 0, width, height))
	for x := 0; x < width; x += strip {
		end := min(x+strip, width)
		draw.CatmullRom.Scale(out, image.Rect(x, 0, end, height), rows, image.Rect(x, 0, end, from.Dy()), draw.Src, nil)
	}
	return out
}

// turn undoes how the camera was held.
func turn(src *image.RGBA, orientation int) *image.RGBA {
	if orientation <= 1 {
		return src
	}
	w, h := src.Rect.Dx(), src.Rect.Dy()
	size := src.Rect
	if orientation >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	out := image.NewRGBA(size)
	for y := range h {
		for x := range w {
			to := [...]image.Point{2: {w - 1 - x, y}, 3: {w - 1 - x, h - 1 - y}, 4: {x, h - 1 - y}, 5: {y, x}, 6: {h - 1 - y, x}, 7: {h - 1 - y, w - 1 - x}, 8: {y, w - 1 - x}}[orientation]
			copy(out.Pix[out.PixOffset(to.X, to.Y):][:4], src.Pix[src.PixOffset(x, y):][:4])
		}
	}
	return out
}
