package shipping

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/souklive/souk/internal/address"
)

// Limits are what a carrier prints of an address.
type Limits struct {
	Name, NameLines int // characters of a line, and lines, of who receives it
	Line, Lines     int // of where
	City            int
	Signs           string // that are printed beside Latin letters, digits and spaces
	CitySigns       string
	Upper           bool // in capital letters alone
}

// Fitted is an address as a carrier prints it.
type Fitted struct {
	Name       []string
	Lines      []string
	City       string
	Region     string
	PostalCode string
	Country    string
	Phone      string
}

// Loss is what of an address a carrier's limits do not take.
type Loss struct {
	Field string `json:"field"` // name, line1 (the street, all of it), city
	Lost  string `json:"lost"`  // the words or signs that are not printed
}

// Fit writes an address as a carrier takes it: accents as bare letters, other signs left out, long lines broken where there is another line, shortened as
// the country's post does, and only then cut. What is cut or left out is reported. A name or a street of another script than Latin is refused: letter by
// letter Arabic gives no street that a driver finds.
func (l Limits) Fit(p address.Postal) (f Fitted, losses []Loss, err error) {
	f = Fitted{Region: p.Region, PostalCode: p.PostalCode, Country: p.Country, Phone: p.Phone}
	for _, field := range []struct {
		name  string
		texts []string
		signs string
		width int
		lines int
		short map[string]string // people and cities are not abbreviated
		into  func([]string)
	}{
		{"name", []string{p.Name}, l.Signs, l.Name, max(l.NameLines, 1), nil, func(s []string) { f.Name = s }},
		{"line1", []string{p.Line1, p.Line2}, l.Signs, l.Line, l.Lines, abbreviations(p.Country), func(s []string) { f.Lines = s }},
		{"city", []string{p.City}, l.CitySigns, l.City, 1, nil, func(s []string) { f.City = strings.Join(s, " ") }},
	} {
		texts := make([]string, 0, len(field.texts))
		for i, t := range field.texts {
			latin, left, ok := l.latin(t, field.signs)
			if !ok {
				name := field.name
				if i > 0 {
					name = "line2"
				}
				return Fitted{}, nil, ErrScript.At(name)
			}
			if left != "" {
				losses = append(losses, Loss{field.name, left})
			}
			if latin != "" {
				texts = append(texts, latin)
			}
		}
		lines, cut := wrap(texts, field.width, field.lines, field.short)
		if cut != "" {
			losses = append(losses, Loss{field.name, cut})
		}
		if len(lines) == 0 {
			return Fitted{}, nil, ErrScript.At(field.name)
		}
		field.into(lines)
	}
	return f, losses, nil
}

// latin writes a text in plain Latin letters, digits and some signs, and says which signs it left out; false where it has letters of another script.
func (l Limits) latin(s, signs string) (plain, left string, ok bool) {
	var b, lost strings.Builder
	for _, r := range norm.NFKD.String(s) {
		if latin, has := letters[r]; has {
			b.WriteString(latin)
			continue
		}
		switch {
		case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9', strings.ContainsRune(signs, r):
			b.WriteRune(r)
		case '\u0660' <= r && r <= '\u0669':
			b.WriteRune('0' + r - '\u0660')
		case '\u06f0' <= r && r <= '\u06f9':
			b.WriteRune('0' + r - '\u06f0')
		case unicode.In(r, unicode.Mn, unicode.Cf) && !unicode.Is(unicode.Arabic, r): // accents, and marks that nobody sees
		case unicode.IsLetter(r):
			return "", "", false
		default:
			if !unicode.IsSpace(r) && !strings.ContainsRune(lost.String(), r) && !strings.ContainsRune(",;.", r) {
				lost.WriteRune(r)
			}
			b.WriteByte(' ')
		}
	}
	plain = strings.Join(strings.Fields(b.String()), " ")
	if l.Upper {
		plain = strings.ToUpper(plain)
	}
	return plain, lost.String(), true
}

// letters are those that are no letter with an accent, and signs that are another in disguise.
var letters = map[rune]string{
	'ß': "ss", 'ẞ': "SS", 'œ': "oe", 'Œ': "OE", 'æ': "ae", 'Æ': "AE", 'ø': "o", 'Ø': "O", 'ł': "l", 'Ł': "L", 'đ': "d", 'Đ': "D", 'ð': "d", 'Ð': "D",
	'þ': "th", 'Þ': "TH", 'ı': "i", 'ħ': "h", 'Ħ': "H", '’': "'", '‘': "'", 'ʼ': "'", '`': "'", '´': "'", '–': "-", '—': "-", '‐': "-", '‑': "-", '−': "-",
}

// wrap breaks texts into so many lines at most, each text on a line of its own as long as there is room, and gives back what there is none for.
func wrap(texts []string, width, most int, short map[string]string) (lines []string, cut string) {
	for _, try := range [][]string{texts, shorten(texts, short), {strings.Join(shorten(texts, short), " ")}} {
		if lines = slices.Concat(each(try, width)...); len(lines) <= most {
			return lines, ""
		}
	}
	return lines[:most], strings.Join(lines[most:], " ")
}

// each breaks every text between its words; a word that is longer than a line is broken anywhere.
func each(texts []string, width int) [][]string {
	all := make([][]string, len(texts))
	for i, t := range texts {
		line := ""
		for word := range strings.FieldsSeq(t) {
			for len(word) > width {
				if line != "" {
					all[i], line = append(all[i], line), ""
				}
				all[i], word = append(all[i], word[:width]), word[width:]
			}
			switch {
			case line == "":
				line = word
			case len(line)+1+len(word) <= width:
				line += " " + word
			default:
				all[i], line = append(all[i], line), word
			}
		}
		if line != "" {
			all[i] = append(all[i], line)
		}
	}
	return all
}

func shorten(texts []string, short map[string]string) []string {
	shorter := make([]string, len(texts))
	for i, t := range texts {
		words := strings.Fields(t)
		for j, w := range words {
			if s, has := short[strings.ToUpper(strings.TrimRight(w, ".,"))]; has {
				words[j] = s
			}
		}
		shorter[i] = strings.Join(words, " ")
	}
	return shorter
}

// abbreviations are how a country's post writes long words: France's by its norm NF Z 10-011, English ones by the United States' Publication 28.
func abbreviations(country string) map[string]string {
	switch country {
	case "FR", "BE", "LU", "CH", "MA", "TN", "DZ":
		return map[string]string{
			"ALLEE": "ALL", "APPARTEMENT": "APT", "AVENUE": "AV", "BATIMENT": "BAT", "BOULEVARD": "BD", "CHEMIN": "CHE", "COMMANDANT": "CDT", "COURS": "CRS",
			"DOCTEUR": "DR", "ESCALIER": "ESC", "ETAGE": "ETG", "FAUBOURG": "FG", "GENERAL": "GAL", "IMMEUBLE": "IMM", "IMPASSE": "IMP", "LOTISSEMENT": "LOT",
			"MARECHAL": "MAL", "PASSAGE": "PAS", "PLACE": "PL", "PRESIDENT": "PDT", "PROFESSEUR": "PR", "QUARTIER": "QUA", "RESIDENCE": "RES", "ROUTE": "RTE",
			"SAINT": "ST", "SAINTE": "STE", "SQUARE": "SQ",
		}
	case "US", "GB", "CA", "IE", "AE":
		return map[string]string{
			"APARTMENT": "APT", "AVENUE": "AVE", "BOULEVARD": "BLVD", "BUILDING": "BLDG", "COURT": "CT", "DRIVE": "DR", "FLOOR": "FL", "HIGHWAY": "HWY", "LANE": "LN",
			"NORTH": "N", "PARKWAY": "PKWY", "PLACE": "PL", "ROAD": "RD", "ROOM": "RM", "SOUTH": "S", "SQUARE": "SQ", "STREET": "ST", "SUITE": "STE", "TERRACE": "TER",
		}
	}
	return nil
}

// served refuses what a product does not carry.
func served(p Product, r Request) error {
	switch {
	case !p.Serves(r.To.Country):
		return ErrCountry.With("country", r.To.Country)
	case r.Parcel.Grams <= 0 || p.MaxGrams > 0 && r.Parcel.Grams > p.MaxGrams:
		return ErrWeight.At("grams").With("maximumGrams", p.MaxGrams)
	case p.PickupPoint && r.Point == "":
		return ErrPointNeeded.At("pickupPointId")
	}
	return nil
}

// CheckProduct refuses what the product of a request does not carry.
func CheckProduct(c Carrier, r Request) error {
	p, ok := ProductOf(c, r.Product)
	if !ok {
		return ErrProduct.At("product")
	}
	return served(p, r)
}
