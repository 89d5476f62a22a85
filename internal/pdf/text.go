package pdf

import (
	"strings"
	"unicode"

	gobidi "github.com/go-text/typesetting/bidi"
	"github.com/go-text/typesetting/di"
	"github.com/go-text/typesetting/font"
	"github.com/go-text/typesetting/language"
	"github.com/go-text/typesetting/segmenter"
	"github.com/go-text/typesetting/shaping"
	"golang.org/x/image/math/fixed"
	"golang.org/x/text/unicode/bidi"
)

// Direction is which way a text runs as a whole.
type Direction int

// The directions.
const (
	Auto        Direction = iota // as its first letter does, from the left where it has none
	LeftToRight                  //
	RightToLeft                  //
)

// Style is how a text is set.
type Style struct {
	Size      float64 // of DejaVu, in points; other fonts are set so that they look as large
	Bold      bool
	Direction Direction
}

// Line is a line of text, its glyphs in the order in which they stand from the left. It belongs to the Setter that made it.
type Line struct {
	Width float64
	runs  []run
}

// run is some glyphs of one font.
type run struct {
	face   *typeface
	size   float64
	glyphs []glyph
}

type glyph struct {
	id            int
	text          string // that it stands for; empty where another glyph of its cluster says it
	advance, x, y float64
}

// Setter sets text. It is for one goroutine.
type Setter struct {
	fonts   *Fonts
	faces   map[*typeface]*font.Face
	shaper  shaping.HarfbuzzShaper
	seg     segmenter.Segmenter
	para    gobidi.Paragraph
	letters int // that one text has at most
}

// maxLetters bounds what one text may cost: nothing on a page is as long.
const maxLetters = 2000

// NewSetter makes a Setter.
func NewSetter(fonts *Fonts) *Setter {
	return &Setter{fonts: fonts, faces: map[*typeface]*font.Face{}, letters: maxLetters}
}

// Clean is a text as it is set: without control characters and without those that turn its direction round, which belong to whoever wrote the text and not to the page that it stands on;
// with few marks on one letter; and cut where it is longer than anything on a page.
func Clean(text string) string { return string(clean(text, maxLetters)) }

func clean(text string, most int) []rune {
	const maxMarks = 4
	var out []rune
	marks := 0
	for _, r := range strings.ToValidUTF8(text, "\uFFFD") {
		switch {
		case unicode.IsSpace(r), unicode.Is(unicode.Cc, r), r == '\u2028', r == '\u2029':
			r = ' '
		case unicode.Is(unicode.Bidi_Control, r), r == '\uFEFF', r == '\u00AD', unicode.Is(unicode.Cs, r), r >= 0xE0000 && r <= 0xE0FFF, r >= 0xFE00 && r <= 0xFE0F:
			continue
		}
		if unicode.Is(unicode.M, r) {
			if marks++; marks > maxMarks {
				continue
			}
		} else {
			marks = 0
		}
		if r == ' ' && len(out) > 0 && out[len(out)-1] == ' ' {
			continue
		}
		if len(out) == most {
			return append(out[:most-1], '…')
		}
		out = append(out, r)
	}
	return []rune(strings.Trim(string(out), " "))
}

// paragraph is a text with what is known of each of its runes.
type paragraph struct {
	runes   []rune
	levels  []int
	faces   []*typeface
	scripts []language.Script
	advance []float64
	style   Style
	base    int // level
}

// Wrap sets a text in lines of a width at most. A word that is wider is broken. Of more lines than most, the last ends in "…"; none at all
// where the text has nothing to set.
func (s *Setter) Wrap(text string, style Style, width float64, most int) []Line {
	p := s.paragraph(clean(text, s.letters), style)
	if p == nil {
		return nil
	}
	s.measure(p)
	var lines []Line
	for start := 0; start < len(p.runes); {
		end, next := s.fit(p, start, width)
		if len(lines) == most-1 && next < len(p.runes) {
			return append(lines, s.cut(p, start, width))
		}
		lines = append(lines, s.line(p, start, end))
		start = next
	}
	return lines
}

// Line sets a text in one line, cut at a width.
func (s *Setter) Line(text string, style Style, width float64) Line {
	lines := s.Wrap(text, style, width, 1)
	if len(lines) == 0 {
		return Line{}
	}
	return lines[0]
}

func (s *Setter) paragraph(text []rune, style Style) *paragraph {
	if len(text) == 0 {
		return nil
	}
	p := &paragraph{style: style}
	base := gobidi.LeftToRight
	if direction(text, style.Direction) == RightToLeft {
		base, p.base = gobidi.RightToLeft, 1
	}
	p.runes = text
	p.levels = make([]int, len(p.runes))
	runs := s.para.Segment(p.runes, base)
	for i := range runs.NumRuns() {
		r := runs.Run(i)
		for at := r.Start; at < r.End; at++ {
			p.levels[at] = int(r.Level)
		}
	}
	p.scripts, p.faces = make([]language.Script, len(p.runes)), make([]*typeface, len(p.runes))
	fonts := s.fonts.regular
	if style.Bold {
		fonts = s.fonts.bold
	}
	for i := range p.runes {
		before := max(i-1, 0)
		p.scripts[i] = language.LookupScript(p.runes[i])
		if i > 0 && (p.scripts[i] == language.Common || p.scripts[i] == language.Inherited) {
			p.scripts[i] = p.scripts[before]
		}
		p.faces[i] = choose(fonts, p.runes[i], p.faces[before])
	}
	return p
}

func direction(text []rune, want Direction) Direction {
	if want != Auto {
		return want
	}
	for _, r := range text {
		properties, _ := bidi.LookupRune(r)
		switch properties.Class() {
		case bidi.L:
			return LeftToRight
		case bidi.R, bidi.AL:
			return RightToLeft
		default:
		}
	}
	return LeftToRight
}

// choose is the font that a rune is set in. Spaces and marks stay in the font of what they follow.
func choose(fonts [2]*typeface, r rune, before *typeface) *typeface {
	has := func(t *typeface) bool {
		_, ok := t.font.NominalGlyph(r)
		return ok
	}
	if before != nil && (r == ' ' || unicode.Is(unicode.M, r)) && has(before) {
		return before
	}
	if isArabic(r) {
		fonts[0], fonts[1] = fonts[1], fonts[0]
	}
	if !has(fonts[0]) && has(fonts[1]) {
		return fonts[1]
	}
	if isArabic(r) && !has(fonts[0]) {
		return fonts[1] // whose box it is
	}
	return fonts[0]
}

func isArabic(r rune) bool {
	return unicode.Is(unicode.Arabic, r) || r >= 0x600 && r <= 0x6FF
}

// measure finds out how wide each rune is; those of a cluster have it in their first.
func (s *Setter) measure(p *paragraph) {
	p.advance = make([]float64, len(p.runes))
	for _, piece := range p.pieces(0, len(p.runes)) {
		out := s.shape(p, piece)
		for _, g := range out.Glyphs {
			p.advance[g.TextIndex()] += points(g.Advance)
		}
	}
}

// fit is where a line that begins at a rune ends, and where the next begins.
func (s *Setter) fit(p *paragraph, start int, width float64) (end, next int) {
	s.seg.Init(p.runes[start:])
	breaks := s.seg.LineIterator()
	best := 0
	for breaks.Next() {
		l := breaks.Line()
		stop := start + l.Offset + len(l.Text)
		shown := p.trim(start, stop)
		if p.sum(start, shown) > width {
			break
		}
		end, best = shown, stop
	}
	if best > 0 {
		return end, best
	}
	letters := s.seg.GraphemeIterator()
	for letters.Next() {
		l := letters.Grapheme()
		stop := start + l.Offset + len(l.Text)
		if best > 0 && p.sum(start, stop) > width {
			break
		}
		best = stop
	}
	return best, best
}

// cut is a line that ends in "…", as what follows has no place.
func (s *Setter) cut(p *paragraph, start int, width float64) Line {
	for end := len(p.runes); end >= start; end-- {
		if end > start && p.sum(start, end) > width {
			continue
		}
		style := p.style
		if style.Direction = LeftToRight; p.base == 1 {
			style.Direction = RightToLeft
		}
		short := s.paragraph(append([]rune(strings.TrimRight(string(p.runes[start:end]), " ")), '…'), style)
		if line := s.line(short, 0, len(short.runes)); line.Width <= width || end == start {
			return line
		}
	}
	return Line{}
}

func (p *paragraph) trim(start, end int) int {
	for end > start && p.runes[end-1] == ' ' {
		end--
	}
	return end
}

func (p *paragraph) sum(start, end int) (width float64) {
	for _, a := range p.advance[start:end] {
		width += a
	}
	return width
}

// piece is some runes of one level, font and script.
type piece struct{ start, end int }

func (p *paragraph) pieces(start, end int) (all []piece) {
	for i := start; i < end; i++ {
		if i > start && p.levels[i] == p.levels[i-1] && p.faces[i] == p.faces[i-1] && p.scripts[i] == p.scripts[i-1] {
			all[len(all)-1].end++
			continue
		}
		all = append(all, piece{i, i + 1})
	}
	return all
}

// line sets some runes of a paragraph, in the order in which they are seen (UAX #9, L2).
func (s *Setter) line(p *paragraph, start, end int) (line Line) {
	pieces := p.pieces(start, end)
	highest := 0
	for _, piece := range pieces {
		highest = max(highest, p.levels[piece.start])
	}
	for level := highest; level > 0; level-- {
		for i := 0; i < len(pieces); i++ {
			from := i
			for i < len(pieces) && p.levels[pieces[i].start] >= level {
				i++
			}
			for a, b := from, i-1; a < b; a, b = a+1, b-1 {
				pieces[a], pieces[b] = pieces[b], pieces[a]
			}
		}
	}
	for _, piece := range pieces {
		r := s.run(p, piece)
		for _, g := range r.glyphs {
			line.Width += g.advance
		}
		line.runs = append(line.runs, r)
	}
	return line
}

func (s *Setter) run(p *paragraph, piece piece) run {
	face := p.faces[piece.start]
	r := run{face: face, size: p.style.Size * face.scale}
	told := map[int]bool{}
	for _, g := range s.shape(p, piece).Glyphs {
		one := glyph{id: int(g.GlyphID), advance: points(g.Advance), x: points(g.XOffset), y: points(g.YOffset)}
		if at := g.TextIndex(); !told[at] {
			told[at] = true
			one.text = string(p.runes[at : at+g.RunesCount()])
		}
		r.glyphs = append(r.glyphs, one)
	}
	return r
}

func (s *Setter) shape(p *paragraph, piece piece) shaping.Output {
	face := p.faces[piece.start]
	if s.faces[face] == nil {
		s.faces[face] = font.NewFace(face.font)
	}
	to := di.DirectionLTR
	if p.levels[piece.start]%2 == 1 {
		to = di.DirectionRTL
	}
	spoken := language.NewLanguage("en")
	if p.scripts[piece.start] == language.Arabic {
		spoken = language.NewLanguage("ar")
	}
	return s.shaper.Shape(shaping.Input{
		Text: p.runes, RunStart: piece.start, RunEnd: piece.end, Direction: to, Face: s.faces[face],
		Size: fixed.Int26_6(p.style.Size * face.scale * 64 * precision), Script: p.scripts[piece.start], Language: spoken,
	})
}

// precision is how much larger text is shaped than it is set: lengths are whole 64ths there.
const precision = 16

func points(length fixed.Int26_6) float64 { return float64(length) / 64 / precision }
