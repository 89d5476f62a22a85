package pdf

import (
	"bytes"
	"cmp"
	"compress/zlib"
	"crypto/sha256"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
)

// A4, in points.
const (
	Width  = 595.28
	Height = 841.89
)

// Document is a PDF that is being written. Lengths are points, from a page's left and upper edge.
type Document struct {
	Title    string
	Language string // BCP 47
	Reads    Direction
	Created  time.Time

	pages []*Page
	fonts []*used
}

// Page is one of its pages.
type Page struct {
	document *Document
	content  bytes.Buffer
}

// used is what a document uses of a font: each glyph under a number for each text that it stands for, so that the text can be told by the number.
type used struct {
	face    *typeface
	name    string
	numbers map[numbered]int
	order   []numbered // the first is .notdef's, and stands for nothing
}

type numbered struct {
	glyph int
	text  string
}

// Page begins another page.
func (d *Document) Page() *Page {
	p := &Page{document: d}
	d.pages = append(d.pages, p)
	return p
}

func (d *Document) font(face *typeface) *used {
	for _, u := range d.fonts {
		if u.face == face {
			return u
		}
	}
	u := &used{face: face, name: "F" + strconv.Itoa(len(d.fonts)+1), numbers: map[numbered]int{{}: 0}, order: []numbered{{}}}
	d.fonts = append(d.fonts, u)
	return u
}

func (u *used) number(g glyph) int {
	key := numbered{g.id, g.text}
	n, ok := u.numbers[key]
	if !ok {
		n = len(u.order)
		u.numbers[key], u.order = n, append(u.order, key)
	}
	return n
}

// Text writes a line that begins at x, on a base line.
func (p *Page) Text(line Line, x, base float64) {
	for _, r := range line.runs {
		u := p.document.font(r.face)
		pen, rise := x, 0.0
		fmt.Fprintf(&p.content, "BT /%s %s Tf 1 0 0 1 %s %s Tm [", u.name, number(r.size), number(x), number(Height-base))
		for _, g := range r.glyphs {
			if math.Abs(g.y-rise) > 0.01 {
				rise = g.y
				fmt.Fprintf(&p.content, "] TJ %s Ts [", number(rise))
			}
			if moved := x + g.x - pen; math.Abs(moved) > 0.005 {
				p.content.WriteString(number(-moved * 1000 / r.size))
				pen += moved
			}
			n := u.number(g)
			fmt.Fprintf(&p.content, "<%04X>", n)
			pen += float64(r.face.width(g.id)) * r.size / 1000
			x += g.advance
		}
		p.content.WriteString("] TJ")
		if rise != 0 {
			p.content.WriteString(" 0 Ts")
		}
		p.content.WriteString(" ET\n")
	}
}

// Rule draws a line from the left to the right.
func (p *Page) Rule(x, y, width, thickness, grey float64) {
	fmt.Fprintf(&p.content, "%s G %s w %s %s m %s %s l S 0 G\n", number(grey), number(thickness), number(x), number(Height-y), number(x+width), number(Height-y))
}

// Fill fills a rectangle, of which y is the upper edge.
func (p *Page) Fill(x, y, width, height, grey float64) {
	fmt.Fprintf(&p.content, "%s g %s %s %s %s re f 0 g\n", number(grey), number(x), number(Height-y-height), number(width), number(height))
}

// number is a number as PDF has it.
func number(n float64) string {
	s := strings.TrimRight(strings.TrimRight(strconv.FormatFloat(n, 'f', 3, 64), "0"), ".")
	if s == "-0" {
		return "0"
	}
	return s
}

// writer puts objects one after the other.
type writer struct {
	out     bytes.Buffer
	offsets []int
}

// object writes the object of a number.
func (w *writer) object(n int, body string) {
	for len(w.offsets) <= n {
		w.offsets = append(w.offsets, 0)
	}
	w.offsets[n] = w.out.Len()
	fmt.Fprintf(&w.out, "%d 0 obj\n%s\nendobj\n", n, body)
}

// stream writes a stream, packed.
func (w *writer) stream(n int, entries string, body []byte) error {
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	if _, err := z.Write(body); err != nil {
		return fmt.Errorf("pack a stream: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("pack a stream: %w", err)
	}
	w.object(n, fmt.Sprintf("<< /Length %d /Filter /FlateDecode%s >>\nstream\n%s\nendstream", packed.Len(), entries, packed.Bytes()))
	return nil
}

// The numbers of a document's objects: these, then each font's, then each page's.
const (
	catalog = 1 + iota
	pages
	info
	firstFont
	perFont = 6
	perPage = 2
)

// Bytes is the document.
func (d *Document) Bytes() ([]byte, error) {
	w := &writer{}
	w.out.WriteString("%PDF-1.7\n%\xE2\xE3\xCF\xD3\n")
	reads := "L2R"
	if d.Reads == RightToLeft {
		reads = "R2L"
	}
	w.object(catalog, fmt.Sprintf("<< /Type /Catalog /Pages %d 0 R /Lang %s /ViewerPreferences << /Direction /%s /DisplayDocTitle true >> >>", pages, literal(d.Language), reads))
	firstPage := firstFont + perFont*len(d.fonts)
	var kids, fonts strings.Builder
	for i := range d.pages {
		fmt.Fprintf(&kids, "%d 0 R ", firstPage+perPage*i)
	}
	for i, u := range d.fonts {
		fmt.Fprintf(&fonts, "/%s %d 0 R ", u.name, firstFont+perFont*i)
	}
	w.object(pages, fmt.Sprintf("<< /Type /Pages /Count %d /Kids [%s] /MediaBox [0 0 %s %s] /Resources << /Font << %s>> >> >>", len(d.pages), kids.String(), number(Width), number(Height), fonts.String()))
	w.object(info, fmt.Sprintf("<< /Title %s /Producer (Souk) /CreationDate (D:%sZ) >>", literal(d.Title), d.Created.UTC().Format("20060102150405")))
	for i, u := range d.fonts {
		if err := u.write(w, firstFont+perFont*i); err != nil {
			return nil, err
		}
	}
	for i, p := range d.pages {
		n := firstPage + perPage*i
		w.object(n, fmt.Sprintf("<< /Type /Page /Parent %d 0 R /Contents %d 0 R >>", pages, n+1))
		if err := w.stream(n+1, "", p.content.Bytes()); err != nil {
			return nil, err
		}
	}
	return w.end(), nil
}

// end writes where each object is.
func (w *writer) end() []byte {
	sum, start := sha256.Sum256(w.out.Bytes()), w.out.Len()
	fmt.Fprintf(&w.out, "xref\n0 %d\n0000000000 65535 f \n", len(w.offsets))
	for _, at := range w.offsets[1:] {
		fmt.Fprintf(&w.out, "%010d 00000 n \n", at)
	}
	fmt.Fprintf(&w.out, "trailer\n<< /Size %d /Root %d 0 R /Info %d 0 R /ID [<%x> <%x>] >>\nstartxref\n%d\n%%%%EOF\n", len(w.offsets), catalog, info, sum[:16], sum[:16], start)
	return w.out.Bytes()
}

// literal is a text string: UTF-16 with its mark, in hexadecimal.
func literal(text string) string {
	var b strings.Builder
	b.WriteString("<FEFF")
	b.WriteString(utf16Hex(Clean(text)))
	b.WriteString(">")
	return b.String()
}

func utf16Hex(text string) string {
	var b strings.Builder
	for _, unit := range utf16.Encode([]rune(text)) {
		fmt.Fprintf(&b, "%04X", unit)
	}
	return b.String()
}

// write writes a font: what of it is used, how wide that is, and which text it stands for.
func (u *used) write(w *writer, n int) error {
	t := u.face
	glyphs := []int{0}
	for _, o := range u.order {
		glyphs = append(glyphs, o.glyph)
	}
	slices.Sort(glyphs)
	glyphs = slices.Compact(glyphs)
	file := t.subset(glyphs)
	sum := sha256.Sum256(file)
	tag := make([]byte, 6) // a subset's name begins with six letters of its own
	for i := range tag {
		tag[i] = 'A' + sum[i]%26
	}
	name := string(tag) + "+" + t.name
	var widths strings.Builder
	toGlyph := make([]byte, 0, 2*len(u.order))
	for _, o := range u.order {
		fmt.Fprintf(&widths, "%d ", t.width(o.glyph))
		at, _ := slices.BinarySearch(glyphs, o.glyph)
		toGlyph = append(toGlyph, byte(at>>8), byte(at))
	}
	w.object(n, fmt.Sprintf("<< /Type /Font /Subtype /Type0 /BaseFont /%s /Encoding /Identity-H /DescendantFonts [%d 0 R] /ToUnicode %d 0 R >>", name, n+1, n+2))
	w.object(n+1, fmt.Sprintf("<< /Type /Font /Subtype /CIDFontType2 /BaseFont /%s /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /FontDescriptor %d 0 R /W [0 [%s]] /CIDToGIDMap %d 0 R >>", name, n+3, widths.String(), n+4))
	if err := w.stream(n+2, "", u.toUnicode()); err != nil {
		return err
	}
	w.object(n+3, fmt.Sprintf("<< /Type /FontDescriptor /FontName /%s /Flags 4 /FontBBox [%d %d %d %d] /ItalicAngle 0 /Ascent %d /Descent %d /CapHeight %d /StemV 80 /FontFile2 %d 0 R >>",
		name, t.bbox[0], t.bbox[1], t.bbox[2], t.bbox[3], t.ascent, t.descent, t.ascent, n+5))
	if err := w.stream(n+4, "", toGlyph); err != nil {
		return err
	}
	return w.stream(n+5, fmt.Sprintf(" /Length1 %d", len(file)), file)
}

// toUnicode says which text each number stands for (ISO 32000-1, 9.10.3), a hundred a section at most.
func (u *used) toUnicode() []byte {
	var b bytes.Buffer
	b.WriteString("/CIDInit /ProcSet findresource begin\n12 dict begin\nbegincmap\n/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def\n" +
		"/CMapName /Adobe-Identity-UCS def\n/CMapType 2 def\n1 begincodespacerange\n<0000> <FFFF>\nendcodespacerange\n")
	type entry struct {
		number int
		text   string
	}
	var all []entry
	for n, o := range u.order {
		if o.text != "" {
			all = append(all, entry{n, o.text})
		}
	}
	slices.SortFunc(all, func(a, b entry) int { return cmp.Compare(a.number, b.number) })
	for part := range slices.Chunk(all, 100) {
		fmt.Fprintf(&b, "%d beginbfchar\n", len(part))
		for _, e := range part {
			fmt.Fprintf(&b, "<%04X> <%s>\n", e.number, utf16Hex(e.text))
		}
		b.WriteString("endbfchar\n")
	}
	b.WriteString("endcmap\nCMapName currentdict /CMap defineresource pop\nend\n" + "end\n")
	return b.Bytes()
}
