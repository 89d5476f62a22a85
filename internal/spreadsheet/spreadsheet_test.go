package spreadsheet_test

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/spreadsheet"
)

var columns = spreadsheet.Columns{Known: []string{"title", "price", "sku"}, Needed: []string{"title"}}

// read is all rows of a file, or why it can't be read.
func read(t *testing.T, file string) ([]spreadsheet.Row, error) {
	t.Helper()
	h, err := spreadsheet.ReadHeader(strings.NewReader(file), columns)
	if err != nil {
		return nil, err
	}
	r := spreadsheet.NewReader(strings.NewReader(file[h.Length:]), h, h.Length, 2)
	var rows []spreadsheet.Row
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			if int(r.Offset()) != len(file) {
				t.Errorf("the end is at %d of %d", r.Offset(), len(file))
			}
			return rows, nil
		}
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file string
		want error
	}{
		"commas":              {"title,price\na,1\n", nil},
		"semicolons":          {"title;price\na;1\n", nil},
		"tabs":                {"title\tprice\na\t1\n", nil},
		"mark":                {"\ufefftitle,price\na,1\n", nil},
		"capitals and spaces": {" Title , PRICE \r\na,1\r\n", nil},
		"one column":          {"title\na\n", nil},
		"quoted":              {"\"title\",\"price\"\na,1\n", nil},
		"UTF-16":              {"\xff\xfet\x00i\x00", spreadsheet.ErrEncoding},
		"Latin-1":             {"titl\xe9,price\n", spreadsheet.ErrEncoding},
		"a picture":           {"\x89PNG\r\n\x1a\n\x00", spreadsheet.ErrEncoding},
		"zeros":               {"title,\x00\n", spreadsheet.ErrEncoding},
		"nothing":             {"", spreadsheet.ErrEmpty},
		"a blank line":        {"\n", spreadsheet.ErrEmpty},
		"bars":                {"title|price\na|1\n", spreadsheet.ErrDelimiter},
		"not a column":        {"title,prise\n", spreadsheet.ErrColumnUnknown},
		"twice":               {"title,price,title\n", spreadsheet.ErrColumnTwice},
		"without a title":     {"price,sku\n", spreadsheet.ErrColumnMissing},
		"open quotes":         {"\"title,price\n", spreadsheet.ErrRowQuotes},
		"one endless line":    {strings.Repeat("title,", 100_000), spreadsheet.ErrColumnTwice},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, err := read(t, c.file)
			if !errors.Is(err, c.want) {
				t.Fatalf("%v, want %v", err, c.want)
			}
			if err == nil && (len(rows) != 1 || rows[0].Cells["title"] != "a" || rows[0].Line != 2) {
				t.Errorf("%+v", rows)
			}
		})
	}
}

// A row that can't be read says so by its line, and the next one is read.
func TestBadRows(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		row  string
		want error
		at   string
	}{
		"Latin-1":             {"caf\xe9,1,a", spreadsheet.ErrRowEncoding, ""},
		"a bare mark":         {"5\" nail,1,a", spreadsheet.ErrRowQuotes, ""},
		"text behind a mark":  {"\"a\"b,1,a", spreadsheet.ErrRowQuotes, ""},
		"too few":             {"a,1", spreadsheet.ErrRowColumns, ""},
		"too many":            {"a,1,b,c", spreadsheet.ErrRowColumns, ""},
		"a formula":           {"=1+1,1,a", spreadsheet.ErrFormula, "title"},
		"a command":           {"@SUM(A1),1,a", spreadsheet.ErrFormula, "title"},
		"a signed formula":    {"a,-2+3,a", spreadsheet.ErrFormula, "price"},
		"a formula in quotes": {"a,1,\"=HYPERLINK(\"\"x\"\")\"", spreadsheet.ErrFormula, "sku"},
		"very long":           {strings.Repeat("a", 70_000) + ",1,a", spreadsheet.ErrRowLength, ""},
		"never closed":        {"\"" + strings.Repeat("a", 70_000), spreadsheet.ErrRowLength, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, err := read(t, "title,price,sku\nfirst,1,x\n"+c.row+"\nlast,2,y\n")
			if err != nil || len(rows) != 3 {
				t.Fatalf("%d rows, %v", len(rows), err)
			}
			if refusal, ok := fault.As(rows[1].Err); !ok || !errors.Is(refusal, c.want) || strings.Join(refusal.Field, ".") != c.at || rows[1].Line != 3 {
				t.Errorf("line %d: %v, want %v at %q", rows[1].Line, rows[1].Err, c.want, c.at)
			}
			if rows[0].Err != nil || rows[2].Err != nil || rows[2].Cells["title"] != "last" || rows[2].Line != 4 {
				t.Errorf("its neighbours are %+v and %+v", rows[0], rows[2])
			}
		})
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	rows, err := read(t, "title,price\r\n\"two\r\nlines\",-1\r\n\r\n \r\nlast,+2.50")
	if err != nil || len(rows) != 4 {
		t.Fatalf("%+v, %v", rows, err)
	}
	if rows[0].Cells["title"] != "two\nlines" || rows[0].Cells["price"] != "-1" || !rows[1].Empty() || !rows[2].Empty() || rows[3].Line != 6 || rows[3].Cells["price"] != "+2.50" {
		t.Errorf("%+v", rows)
	}
}

// What is written is read as it was, and no cell of it is one that a spreadsheet program runs.
func TestWrittenIsRead(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.StringMatching(`[ -~é=+@'"\n;,\t-]{0,12}`)
		want := [][]string{}
		var file bytes.Buffer
		w, err := spreadsheet.NewWriter(&file, columns.Known)
		for range rapid.IntRange(1, 5).Draw(t, "rows") {
			cells := []string{"a" + cell.Draw(t, "title"), strings.TrimSpace(cell.Draw(t, "price")), strings.TrimSpace(cell.Draw(t, "sku"))}
			want = append(want, cells)
			err = errors.Join(err, w.Write(cells))
		}
		if err := errors.Join(err, w.Flush()); err != nil {
			t.Fatal(err)
		}
		h, err := spreadsheet.ReadHeader(bytes.NewReader(file.Bytes()), columns)
		if err != nil {
			t.Fatal(err)
		}
		r := spreadsheet.NewReader(bytes.NewReader(file.Bytes()[h.Length:]), h, h.Length, 2)
		for i, cells := range want {
			row, err := r.Read()
			if err != nil || row.Err != nil {
				t.Fatalf("row %d, %q: %v, %v", i, cells, err, row.Err)
			}
			for j, c := range columns.Known {
				if got := row.Cells[c]; got != strings.TrimSpace(cells[j]) {
					t.Fatalf("%q was read as %q", cells[j], got)
				}
			}
		}
	})
}

// A reader that begins where another has stopped reads what that one would have read.
func TestGoingOn(t *testing.T) {
	t.Parallel()
	const file = "title,price\n\"a\nb\",1\nc,2\n\"d\n\n\",3\ne,4\n"
	h, err := spreadsheet.ReadHeader(strings.NewReader(file), columns)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := read(t, file)
	if err != nil {
		t.Fatal(err)
	}
	offset, line := h.Length, 2
	for i := range whole {
		r := spreadsheet.NewReader(strings.NewReader(file[offset:]), h, offset, line)
		row, err := r.Read()
		if err != nil || row.Line != whole[i].Line || row.Cells["title"] != whole[i].Cells["title"] {
			t.Errorf("row %d: %+v, %v, want %+v", i, row, err, whole[i])
		}
		offset, line = r.Offset(), r.Line()
	}
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("title,price\na,1\n\"b\n\"\"\",=2\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		h, err := spreadsheet.ReadHeader(bytes.NewReader(file), columns)
		if err != nil {
			return
		}
		r := spreadsheet.NewReader(bytes.NewReader(file[h.Length:]), h, h.Length, 2)
		for n := 0; ; n++ {
			if _, err := r.Read(); err != nil {
				break
			}
			if n > len(file) {
				t.Fatal("it has no end")
			}
		}
		if int(r.Offset()) != len(file) {
			t.Errorf("the end is at %d of %d", r.Offset(), len(file))
		}
	})
}

// A file is text or not, in whatever pieces it comes.
func TestCheckInPieces(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		file := []byte(rapid.StringOfN(rapid.RuneFrom([]rune("aé€𝄞\x00\n")), 0, 20, -1).Draw(t, "text"))
		if at := rapid.IntRange(0, 3*len(file)+3).Draw(t, "spoilt"); at < len(file) {
			file[at] = rapid.Byte().Draw(t, "by")
		}
		file = file[:len(file)-rapid.IntRange(0, min(2, len(file))).Draw(t, "cut")]
		want := utf8.Valid(file) && bytes.IndexByte(file, 0) < 0
		var c spreadsheet.Check
		for left := file; len(left) > 0; {
			n := rapid.IntRange(1, len(left)).Draw(t, "piece")
			if took, err := c.Write(left[:n]); took != n || err != nil {
				t.Fatalf("took %d of %d, %v", took, n, err)
			}
			left = left[n:]
		}
		if err := c.Err(); (err == nil) != want {
			t.Fatalf("%q: %v", file, err)
		}
	})
}
