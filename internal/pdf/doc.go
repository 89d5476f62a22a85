// Package pdf writes text in any direction as PDF: shaped by HarfBuzz's rules, ordered by Unicode's bidirectional algorithm, with the glyphs that it uses of fonts that it carries,
// and so that the text can be searched and copied. What it writes depends on what it is given alone: the same input is the same bytes.
//
// The shaping, the order and the places where lines break are go-text/typesetting's. Libraries that write PDF in Go place characters, not glyphs, so that Arabic can't be
// written by them; what is here writes glyphs, by ISO 32000-1: composite fonts (9.7) with a map back to text (9.10.3).
//
// Fonts: DejaVu Sans for all but Arabic, which is Amiri's. Their licences lie beside them. What none of them has, an emoji or a Chinese character, is an empty box.
package pdf
