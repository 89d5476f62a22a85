package demo

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math"

	"github.com/souklive/souk/internal/catalog"
)

// good is one thing on the demo's stall, with the colours and the outline that its picture is drawn from.
type good struct {
	title       string
	description string
	condition   catalog.Condition
	price       int64 // in cents; 0: by auction only
	wall, table color.RGBA
	body        color.RGBA
	outline     func(h float64) float64 // half the width at height h, both from 0 to 1
}

var goods = []good{
	{"Brass coffee pot, Fès, about 1960", "Hand-hammered dallah with its lid, 32 cm high. A small dent at the foot, polished by use.", "GOOD", 0, rgb(0x1f2a44), rgb(0x3b2a20), rgb(0xd9a441), vase(0.16, 0.30, 0.7)},
	{"Blue pottery bowl from Safi", "Tin-glazed, painted by hand, 27 cm across. No chips.", "LIKE_NEW", 48_00, rgb(0xe9dcc3), rgb(0xb98a5a), rgb(0x2f66a8), bowl},
	{"Amber glass lamp", "Mouth-blown, with a new cable. Light like a late afternoon.", "GOOD", 75_00, rgb(0x2b1d2f), rgb(0x4a2f25), rgb(0xe88b2e), vase(0.10, 0.34, 0.45)},
	{"Terracotta water jar", "From a courtyard in Marrakech; keeps water cool without electricity.", "FAIR", 39_00, rgb(0xcfe0d8), rgb(0x8a6a4f), rgb(0xb5562f), vase(0.13, 0.36, 0.55)},
	{"Celadon vase, signed", "Crackled glaze, 24 cm, the potter's mark on the foot.", "LIKE_NEW", 120_00, rgb(0xf2e9e1), rgb(0x7c5f4b), rgb(0x7fae95), vase(0.09, 0.26, 0.6)},
	{"Copper mixing bowl", "For whisking egg whites as they should be. Re-tinned last year.", "GOOD", 55_00, rgb(0x24343b), rgb(0x54382b), rgb(0xc46a3a), bowl},
	{"Rose water sprinkler", "Silvered brass, for guests at the door.", "GOOD", 0, rgb(0x4b1f33), rgb(0x2a1a1a), rgb(0xd7d3c8), vase(0.05, 0.22, 0.35)},
	{"Indigo storage jar", "With a wooden lid, for lentils or pencils.", "NEW", 32_00, rgb(0xf6ead2), rgb(0xc79a63), rgb(0x27408b), vase(0.22, 0.30, 0.5)},
	{"Olive-wood salad bowl", "Turned from one piece, oiled, 30 cm.", "NEW", 64_00, rgb(0xdfe5d0), rgb(0x9c7a55), rgb(0x8a5a2b), bowl},
	{"Saffron-coloured pitcher", "Two litres, pours without dripping. We tried.", "LIKE_NEW", 28_00, rgb(0x2c3d55), rgb(0x5a4033), rgb(0xe8b530), vase(0.15, 0.29, 0.4)},
	{"Black-figure amphora, replica", "Museum replica of the seventies, heavier than it looks.", "FAIR", 90_00, rgb(0xe7c9a4), rgb(0x8c5a3c), rgb(0x25211f), vase(0.12, 0.33, 0.65)},
	{"Green tamegroute candlestick", "Each of these greens comes out of the kiln once.", "GOOD", 22_00, rgb(0xf3e2cf), rgb(0xa37349), rgb(0x2f7d4f), vase(0.07, 0.18, 0.2)},
}

func rgb(v uint32) color.RGBA {
	return color.RGBA{R: uint8(v >> 16), G: uint8(v >> 8), B: uint8(v), A: 0xff}
}

// vase has a neck, a belly at some height, and a foot.
func vase(neck, belly, at float64) func(float64) float64 {
	return func(h float64) float64 {
		bulge := bell((h - (1 - at)) / 0.27)
		lip := 0.04 * bell((h-1)/0.04)
		return neck*(0.55+0.45*h) + (belly-neck*0.7)*bulge + lip
	}
}

// bell is 1 in the middle and falls off on both sides.
func bell(x float64) float64 { return math.Exp(-x * x) }

// bowl opens upwards, and fills only the lower half.
func bowl(h float64) float64 {
	if h > 0.5 {
		return 0
	}
	return 0.12 + 0.30*math.Sqrt(h*2)
}

const photoSide = 640 // pixels

// draw paints the good on a table in front of a wall: each pixel is one of the three, lit from the left.
func (g good) draw(side int) ([]byte, error) {
	img := image.NewRGBA(image.Rect(0, 0, side, side))
	for y := range side {
		for x := range side {
			img.SetRGBA(x, y, g.at(float64(x)/float64(side)-0.5, float64(y)/float64(side)))
		}
	}
	var out bytes.Buffer
	err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&out, img)
	return out.Bytes(), err
}

// at is the colour at x from -0.5 to 0.5 and y from 0, the top, to 1.
func (g good) at(x, y float64) color.RGBA {
	const top, foot, edge = 0.16, 0.82, 0.70
	h := (foot - y) / (foot - top)
	if h >= 0 && h <= 1 {
		if w := g.outline(h); w > 0 && math.Abs(x) < w {
			u := x / w // from -1, the lit side, to 1
			light := 0.55 + 0.5*math.Sqrt(max(0, 1-u*u)) - 0.28*u
			if band := math.Abs(math.Mod(h*9, 1) - 0.5); h > 0.28 && h < 0.5 && band < 0.2 {
				light *= 1.18
			}
			if gleam := math.Hypot(u+0.45, (h-0.45)*3); gleam < 0.25 {
				light += 0.5 * (0.25 - gleam)
			}
			return shade(g.body, light)
		}
	}
	if y > edge {
		shadow := bell((x-0.10)/0.24) * bell((y-foot-0.015)/0.035)
		return shade(g.table, 1.15-0.5*(y-edge)-0.6*shadow+0.03*math.Sin(y*170+3*math.Sin(x*9)))
	}
	return shade(g.wall, 1.1-0.5*math.Hypot(x+0.25, y-0.25))
}

func shade(c color.RGBA, by float64) color.RGBA {
	lit := func(v uint8) uint8 { return uint8(min(255, max(0, float64(v)*by))) }
	return color.RGBA{R: lit(c.R), G: lit(c.G), B: lit(c.B), A: 0xff}
}
