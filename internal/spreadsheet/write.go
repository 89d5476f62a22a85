package spreadsheet

import (
	"encoding/csv"
	"io"
	"strings"
)

// Writer writes a file that Reader reads, with commas, and with the byte order mark by which spreadsheet programs know UTF-8.
type Writer struct{ csv *csv.Writer }

// NewWriter writes the header.
func NewWriter(w io.Writer, columns []string) (*Writer, error) {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return nil, err
	}
	writer := &Writer{csv.NewWriter(w)}
	return writer, writer.csv.Write(columns)
}

// Write writes a row, a cell for each column.
func (w *Writer) Write(cells []string) error {
	row := make([]string, len(cells))
	for i, c := range cells {
		row[i] = writtenCell(c)
	}
	return w.csv.Write(row)
}

// Flush writes what waits.
func (w *Writer) Flush() error {
	w.csv.Flush()
	return w.csv.Error()
}

// writtenCell keeps a text from being run as a formula. What begins with an apostrophe before such a sign gets another one, so
// that it is read as it was.
func writtenCell(c string) string {
	bare := strings.TrimLeft(c, "'")
	if bare != "" && strings.ContainsRune(formulaSigns, rune(bare[0])) && !isNumber(c) {
		return "'" + c
	}
	return c
}
