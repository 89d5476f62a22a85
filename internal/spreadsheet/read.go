package spreadsheet

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/souklive/souk/internal/fault"
)

// The refusals of this package. Those of a file end its reading; those of a row are the row's.
var (
	ErrEncoding      = fault.New(fault.Invalid, "FILE_ENCODING", "The file is not UTF-8 text. Save it as \"CSV UTF-8\".")
	ErrEmpty         = fault.New(fault.Invalid, "FILE_EMPTY", "The file has no header line.")
	ErrDelimiter     = fault.New(fault.Invalid, "FILE_DELIMITER", "The header's columns are not separated by commas, semicolons or tabs.")
	ErrColumnUnknown = fault.New(fault.Invalid, "COLUMN_UNKNOWN", "The file has a column that does not exist.")
	ErrColumnTwice   = fault.New(fault.Invalid, "COLUMN_TWICE", "The file has a column twice.")
	ErrColumnMissing = fault.New(fault.Invalid, "COLUMN_MISSING", "The file lacks a column that it needs.")

	ErrRowEncoding = fault.New(fault.Invalid, "ROW_ENCODING", "The row has bytes that are not UTF-8.")
	ErrRowQuotes   = fault.New(fault.Invalid, "ROW_QUOTES", "The row's quotation marks do not match: a cell with one is put in quotation marks, and its own are doubled.")
	ErrRowColumns  = fault.New(fault.Invalid, "ROW_COLUMNS", "The row has not as many cells as the header.")
	ErrRowLength   = fault.New(fault.Invalid, "ROW_LENGTH", "The row is longer than 64 KiB; a quotation mark may be missing in it.")
	ErrFormula     = fault.New(fault.Invalid, "CELL_FORMULA", "The cell begins like a formula. Put an apostrophe before it if it is text.")
)

const (
	maxHeader = 16 << 10
	maxRow    = 64 << 10
)

// Header is a file's first line.
type Header struct {
	Columns []string // in lower case
	Comma   rune
	Length  int64 // in bytes, its line's end and a byte order mark included
}

// Columns are what a header may have, and what it must.
type Columns struct{ Known, Needed []string }

// ReadHeader reads a file's first line. The columns may stand in any order, and most may be missing.
func ReadHeader(r io.Reader, columns Columns) (Header, error) {
	line, err := bufio.NewReaderSize(r, maxHeader).ReadSlice('\n')
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
		return Header{}, err
	}
	h := Header{Length: int64(len(line))}
	if bytes.HasPrefix(line, []byte("\xff\xfe")) || bytes.HasPrefix(line, []byte("\xfe\xff")) {
		return h, ErrEncoding.With("encoding", "UTF-16")
	}
	line = bytes.TrimPrefix(line, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(line) || bytes.IndexByte(line, 0) >= 0 {
		return h, ErrEncoding
	}
	words := strings.TrimSpace(string(line))
	if words == "" {
		return h, ErrEmpty
	}
	if h.Comma = delimiter(words); h.Comma == 0 {
		if !contains(columns.Known, words) {
			return h, ErrDelimiter
		}
		h.Comma = ','
	}
	reader := csv.NewReader(strings.NewReader(words))
	reader.Comma = h.Comma
	if h.Columns, err = reader.Read(); err != nil {
		return h, ErrRowQuotes.At("1")
	}
	err = h.check(columns)
	return h, err
}

// delimiter is what separates the words of a header, which have none of them in their names.
func delimiter(words string) rune {
	best, most := rune(0), 0
	for _, comma := range []rune{',', ';', '\t'} {
		if n := strings.Count(words, string(comma)); n > most {
			best, most = comma, n
		}
	}
	return best
}

func contains(known []string, word string) bool {
	for _, k := range known {
		if strings.EqualFold(k, strings.TrimSpace(word)) {
			return true
		}
	}
	return false
}

func (h *Header) check(columns Columns) error {
	seen := map[string]bool{}
	for i, c := range h.Columns {
		c = strings.ToLower(strings.TrimSpace(c))
		h.Columns[i] = c
		switch {
		case !contains(columns.Known, c):
			return ErrColumnUnknown.With("column", c)
		case seen[c]:
			return ErrColumnTwice.With("column", c)
		}
		seen[c] = true
	}
	for _, c := range columns.Needed {
		if !seen[c] {
			return ErrColumnMissing.With("column", c)
		}
	}
	return nil
}

// Row is one row of a file.
type Row struct {
	Line  int               // of the file, where it begins; the header is line 1
	Cells map[string]string // by column, trimmed; a column that is missing is an empty cell
	Err   error             // why it can't be read: a *fault.Error, its Field the column where one is to blame
}

// Empty says that no cell has anything.
func (r Row) Empty() bool {
	for _, c := range r.Cells {
		if c != "" {
			return false
		}
	}
	return r.Err == nil
}

// Reader reads the rows behind a header.
type Reader struct {
	header Header
	source *bufio.Reader
	offset int64
	line   int
	broken error
}

// NewReader reads from a place in the file behind its header: an Offset, and the Line, of a reader before.
func NewReader(r io.Reader, header Header, offset int64, line int) *Reader {
	return &Reader{header: header, source: bufio.NewReaderSize(r, maxRow), offset: offset, line: line}
}

// Offset is where the next row begins, in bytes of the file.
func (r *Reader) Offset() int64 { return r.offset }

// Line is the line at which the next row begins.
func (r *Reader) Line() int { return r.line }

// Read is the next row; io.EOF behind the last one, any other error is the source's.
func (r *Reader) Read() (Row, error) {
	row := Row{Line: r.line}
	text, err := r.record()
	if err != nil && !errors.Is(err, ErrRowLength) {
		return row, err
	}
	if row.Err = err; row.Err == nil {
		row.Cells, row.Err = r.cells(text)
	}
	return row, nil
}

// place is where in a row a byte stands. A quotation mark counts where a cell begins; within a bare one it spoils that row alone.
type place uint8

const (
	cellStart  place = iota
	cellBare         // in a cell without quotation marks, or behind one's end
	cellQuoted       // within quotation marks, where lines may end
	cellMark         // behind a mark that was within: the end, or the first of two
)

func (p place) next(b, comma byte) place {
	switch {
	case p == cellQuoted && b == '"':
		return cellMark
	case p == cellQuoted:
		return cellQuoted
	case b == comma || b == '\n':
		return cellStart
	case b == '"' && p != cellBare:
		return cellQuoted
	}
	return cellBare
}

// record is the bytes of the next row: up to the first end of a line that is not within quotation marks.
func (r *Reader) record() ([]byte, error) {
	if r.broken != nil {
		return nil, r.broken
	}
	var record []byte
	at, tooLong := cellStart, false
	for {
		part, err := r.source.ReadSlice('\n')
		r.offset += int64(len(part))
		if err == nil {
			r.line++
		}
		for _, b := range part {
			at = at.next(b, byte(r.header.Comma))
		}
		if tooLong = tooLong || len(record)+len(part) > maxRow; !tooLong {
			record = append(record, part...)
		}
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil && !errors.Is(err, io.EOF):
			return nil, err
		case err != nil: // the end of the file
			r.broken = io.EOF
			if len(record) == 0 && !tooLong {
				return nil, io.EOF
			}
		case at == cellQuoted && !tooLong:
			continue
		}
		if tooLong {
			return nil, ErrRowLength
		}
		return record, nil
	}
}

func (r *Reader) cells(record []byte) (map[string]string, error) {
	if !utf8.Valid(record) || bytes.IndexByte(record, 0) >= 0 {
		return nil, ErrRowEncoding
	}
	if len(bytes.TrimSpace(record)) == 0 {
		return map[string]string{}, nil
	}
	reader := csv.NewReader(bytes.NewReader(record))
	reader.Comma, reader.FieldsPerRecord = r.header.Comma, -1
	words, err := reader.Read()
	if err != nil {
		return nil, ErrRowQuotes
	}
	if len(words) != len(r.header.Columns) {
		return nil, ErrRowColumns.With("cells", len(words)).With("columns", len(r.header.Columns))
	}
	cells := make(map[string]string, len(words))
	for i, word := range words {
		column := r.header.Columns[i]
		if cells[column], err = readCell(word); err != nil {
			return nil, ErrFormula.At(column)
		}
	}
	return cells, nil
}

// formulaSigns are what a spreadsheet program takes for the beginning of a formula.
const formulaSigns = "=+-@\t\r"

func readCell(word string) (string, error) {
	if bare := strings.TrimLeft(word, "'"); bare != "" && bare != word && strings.ContainsRune(formulaSigns, rune(bare[0])) {
		return strings.TrimSpace(word[1:]), nil
	}
	word = strings.TrimSpace(word)
	if word != "" && strings.ContainsRune(formulaSigns, rune(word[0])) && !isNumber(word) {
		return "", ErrFormula
	}
	return word, nil
}

// isNumber lets a sign stand before what is nothing but a number.
func isNumber(word string) bool {
	digits := false
	for i, c := range word {
		switch {
		case c >= '0' && c <= '9':
			digits = true
		case c == '.' || c == ',':
		case i == 0 && (c == '-' || c == '+'):
		default:
			return false
		}
	}
	return digits
}
