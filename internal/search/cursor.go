package search

import (
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/google/uuid"

	"github.com/souklive/souk/internal/page"
)

// searchList marks the cursors of searches.
const searchList = 'S'

// cursorSize is mark, query, key, time and number.
const cursorSize = 1 + 8 + 8 + 8 + 16

// encode writes the place as a cursor of a query.
func (p Place) encode(query [8]byte) string {
	buf := make([]byte, 0, cursorSize)
	buf = append(append(buf, searchList), query[:]...)
	buf = binary.BigEndian.AppendUint64(buf, uint64(p.Key))
	buf = binary.BigEndian.AppendUint64(buf, uint64(p.At.UnixMicro()))
	buf = append(buf, p.ID[:]...)
	return base64.RawURLEncoding.EncodeToString(buf)
}

// decode reads where a page of a query begins; nil at its top.
func decode(cursor *string, query [8]byte) (*Place, error) {
	if cursor == nil {
		return nil, nil
	}
	buf, err := base64.RawURLEncoding.DecodeString(*cursor)
	if err != nil || len(buf) != cursorSize || buf[0] != searchList {
		return nil, page.ErrCursor
	}
	if [8]byte(buf[1:9]) != query {
		return nil, page.ErrQuery
	}
	micros := int64(binary.BigEndian.Uint64(buf[17:25]))
	if micros < 0 || micros > lastMicro {
		return nil, page.ErrCursor
	}
	return &Place{Key: int64(binary.BigEndian.Uint64(buf[9:17])), At: time.UnixMicro(micros).UTC(), ID: uuid.UUID(buf[25:])}, nil
}

// lastMicro is the end of the year 9999.
var lastMicro = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC).UnixMicro()
