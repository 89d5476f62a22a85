package pdf

import (
	"bytes"
	_ "embed" // the fonts
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/go-text/typesetting/font"
	ot "github.com/go-text/typesetting/font/opentype"
)

var (
	//go:embed fonts/DejaVuSans.ttf
	dejaVu []byte
	//go:embed fonts/DejaVuSans-Bold.ttf
	dejaVuBold []byte
	//go:embed fonts/Amiri-Regular.ttf
	amiri []byte
	//go:embed fonts/Amiri-Bold.ttf
	amiriBold []byte
)

// Fonts are the fonts that documents are written in, parsed. They may be used by any number of documents at once.
type Fonts struct{ regular, bold [2]*typeface } // what is tried first is the first

// Load parses the fonts.
func Load() (*Fonts, error) {
	var (
		f    Fonts
		errs [4]error
	)
	f.regular[0], errs[0] = parse("DejaVuSans", dejaVu, 1)
	f.regular[1], errs[1] = parse("Amiri", amiri, arabicScale)
	f.bold[0], errs[2] = parse("DejaVuSans-Bold", dejaVuBold, 1)
	f.bold[1], errs[3] = parse("Amiri-Bold", amiriBold, arabicScale)
	return &f, errors.Join(errs[:]...)
}

// arabicScale is how much larger Amiri is set than DejaVu, whose letters are large for their size.
const arabicScale = 1.25

// typeface is one font file: its tables, and what shapes with it.
type typeface struct {
	name    string
	scale   float64
	font    *font.Font
	upem    int
	bbox    [4]int
	ascent  int
	descent int
	tables  map[string][]byte
	loca    []uint32
}

// kept are the tables of a font that a PDF has of it, besides glyf, loca and hmtx, which are written anew.
var kept = []string{"cvt ", "fpgm", "head", "hhea", "maxp", "prep"}

func parse(name string, file []byte, scale float64) (*typeface, error) {
	loader, err := ot.NewLoader(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("font %s: %w", name, err)
	}
	t := &typeface{name: name, scale: scale, tables: map[string][]byte{}}
	for _, tag := range append([]string{"glyf", "loca", "hmtx"}, kept...) {
		if table, err := loader.RawTable(ot.MustNewTag(tag)); err == nil {
			t.tables[tag] = table
		}
	}
	if t.font, err = font.NewFont(loader); err != nil {
		return nil, fmt.Errorf("font %s: %w", name, err)
	}
	t.upem = int(t.font.Upem())
	head, hhea := t.tables["head"], t.tables["hhea"]
	if len(head) < 54 || len(hhea) < 36 || len(t.tables["glyf"]) == 0 {
		return nil, fmt.Errorf("font %s has no outlines of TrueType", name)
	}
	for i := range t.bbox {
		t.bbox[i] = t.thousandths(int(int16(binary.BigEndian.Uint16(head[36+2*i:]))))
	}
	t.ascent = t.thousandths(int(int16(binary.BigEndian.Uint16(hhea[4:]))))
	t.descent = t.thousandths(int(int16(binary.BigEndian.Uint16(hhea[6:]))))
	t.loca = offsets(t.tables["loca"], binary.BigEndian.Uint16(head[50:]) == 1)
	return t, nil
}

// thousandths is a length of the font in thousandths of its size, as PDF has it.
func (t *typeface) thousandths(units int) int { return units * 1000 / t.upem }

func offsets(loca []byte, long bool) (all []uint32) {
	if long {
		for ; len(loca) >= 4; loca = loca[4:] {
			all = append(all, binary.BigEndian.Uint32(loca))
		}
		return all
	}
	for ; len(loca) >= 2; loca = loca[2:] {
		all = append(all, 2*uint32(binary.BigEndian.Uint16(loca)))
	}
	return all
}

// glyph is the outline of a glyph, empty where it has none.
func (t *typeface) glyph(g int) []byte {
	if g+1 >= len(t.loca) || t.loca[g] >= t.loca[g+1] {
		return nil
	}
	return t.tables["glyf"][t.loca[g]:t.loca[g+1]]
}

// metric is a glyph's advance and left side bearing, as hmtx has them.
func (t *typeface) metric(g int) [4]byte {
	hmtx, full := t.tables["hmtx"], int(binary.BigEndian.Uint16(t.tables["hhea"][34:]))
	var m [4]byte
	if g < full {
		copy(m[:], hmtx[4*g:])
		return m
	}
	copy(m[:2], hmtx[4*(full-1):])
	copy(m[2:], hmtx[4*full+2*(g-full):])
	return m
}

// width is a glyph's advance in thousandths of the size.
func (t *typeface) width(g int) int {
	m := t.metric(g)
	return t.thousandths(int(binary.BigEndian.Uint16(m[:])))
}

// Flags of a part of a composite glyph (OpenType, glyf).
const (
	wordArgs = 1 << 0
	aScale   = 1 << 3
	more     = 1 << 5
	xyScale  = 1 << 6
	twoByTwo = 1 << 7
)

// subset is a font with some glyphs alone, in their order, which begins with .notdef (0); those that others are put together of come after them.
func (t *typeface) subset(glyphs []int) []byte {
	glyphs = slices.Clone(glyphs)
	var glyf []byte
	loca, hmtx := []byte{0, 0, 0, 0}, []byte{}
	for i := 0; i < len(glyphs); i++ { // which grows
		outline := slices.Clone(t.glyph(glyphs[i]))
		if len(outline) > 10 && int16(binary.BigEndian.Uint16(outline)) < 0 {
			for at := 10; ; {
				flags := binary.BigEndian.Uint16(outline[at:])
				part := int(binary.BigEndian.Uint16(outline[at+2:]))
				n := slices.Index(glyphs, part)
				if n < 0 {
					n, glyphs = len(glyphs), append(glyphs, part)
				}
				binary.BigEndian.PutUint16(outline[at+2:], uint16(n))
				if at += partLength(flags); flags&more == 0 {
					break
				}
			}
		}
		glyf = append(glyf, outline...)
		for len(glyf)%4 != 0 {
			glyf = append(glyf, 0)
		}
		loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
		m := t.metric(glyphs[i])
		hmtx = append(hmtx, m[:]...)
	}
	tables := map[string][]byte{"glyf": glyf, "loca": loca, "hmtx": hmtx}
	for _, tag := range kept {
		if t.tables[tag] != nil {
			tables[tag] = slices.Clone(t.tables[tag])
		}
	}
	binary.BigEndian.PutUint16(tables["head"][50:], 1) // long offsets
	binary.BigEndian.PutUint16(tables["hhea"][34:], uint16(len(glyphs)))
	binary.BigEndian.PutUint16(tables["maxp"][4:], uint16(len(glyphs)))
	var sorted []ot.Table
	for _, tag := range []string{"cvt ", "fpgm", "glyf", "head", "hhea", "hmtx", "loca", "maxp", "prep"} {
		if body := tables[tag]; body != nil {
			for len(body)%4 != 0 {
				body = append(body, 0)
			}
			sorted = append(sorted, ot.Table{Tag: ot.MustNewTag(tag), Content: body})
		}
	}
	return ot.WriteTTF(sorted)
}

func partLength(flags uint16) int {
	n := 6
	if flags&wordArgs != 0 {
		n += 2
	}
	switch {
	case flags&aScale != 0:
		n += 2
	case flags&xyScale != 0:
		n += 4
	case flags&twoByTwo != 0:
		n += 8
	}
	return n
}
