package postgres

import (
	"testing"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5/pgtype"
	pgxuuid "github.com/vgarvardt/pgx-google-uuid/v5"
)

// Sixty-four ids as an array: with the types that connections are taught, and without.
func BenchmarkUUIDs(b *testing.B) {
	taught := pgtype.NewMap()
	pgxuuid.Register(taught)
	ids := make([]uuid.UUID, 64)
	for i := range ids {
		ids[i] = uuid.New()
	}
	for name, types := range map[string]*pgtype.Map{"taught": taught, "untaught": pgtype.NewMap()} {
		b.Run(name, func(b *testing.B) {
			var buf []byte
			for b.Loop() {
				var err error
				if buf, err = types.Encode(pgtype.UUIDArrayOID, pgtype.BinaryFormatCode, ids, buf[:0]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
