package code

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/souklive/souk/db"
	"github.com/souklive/souk/internal/catalog"
	"github.com/souklive/souk/internal/fault"
	"github.com/souklive/souk/internal/id"
	"github.com/souklive/souk/internal/postgres"
	"github.com/souklive/souk/internal/text"
)

const (
	maxCodes = 10_000
	maxCode  = 500
	// maxRefused is how many lines are named.
	maxRefused = 1000
)

// LineProblem says what is wrong with a line.
type LineProblem string

// What may be wrong with a line.
const (
	TooLong    LineProblem = "TOO_LONG"
	Characters LineProblem = "CHARACTERS"
	Twice      LineProblem = "TWICE"
)

// RefusedLine is a line of an upload that is no code to sell.
type RefusedLine struct {
	Line   int // from 1
	Reason LineProblem
}

// UploadInput is codes of a variant, one on each line.
type UploadInput struct {
	Variant        uuid.UUID
	Text           string
	IdempotencyKey string
}

// Uploaded is what became of an upload.
type Uploaded struct {
	Variant      uuid.UUID
	Accepted     int
	RefusedCount int
	Refused      []RefusedLine // in the order of the lines, the first thousand
}

// line is a line that may be a code.
type line struct {
	number int
	text   string
	print  [32]byte
}

// lines reads an upload: lines are trimmed, and empty ones left out.
func (k *Keys) lines(seller uuid.UUID, upload string) (good []line, refused []RefusedLine) {
	seen := map[[32]byte]bool{}
	number := 0
	for raw := range strings.SplitSeq(strings.TrimPrefix(upload, "\ufeff"), "\n") {
		number++
		l := line{number: number, text: strings.TrimSpace(raw)}
		if l.text == "" {
			continue
		}
		l.print = k.fingerprint(seller, l.text)
		switch {
		case utf8.RuneCountInString(l.text) > maxCode:
			refused = append(refused, RefusedLine{number, TooLong})
		case !text.IsLine(l.text):
			refused = append(refused, RefusedLine{number, Characters})
		case seen[l.print]:
			refused = append(refused, RefusedLine{number, Twice})
		default:
			seen[l.print] = true
			good = append(good, l)
		}
	}
	return good, refused
}

// Upload seals the codes of a variant, and adds them to its stock. What is wrong with a line is told, and the others are taken; a code
// that its seller has uploaded before, for whatever variant, is refused. The same key gives the same answer.
func (s *Service) Upload(ctx context.Context, seller uuid.UUID, in UploadInput) (_ Uploaded, err error) {
	defer fault.Wrap(&err, "upload codes of %s", in.Variant)
	v, err := s.catalog.OwnVariant(ctx, seller, in.Variant)
	if err != nil {
		return Uploaded{}, err
	}
	if v.Kind != catalog.DigitalCode {
		return Uploaded{}, ErrKind.At("variantId")
	}
	good, refused := s.keys.lines(seller, in.Text)
	if n := len(good) + len(refused); n < 1 || n > maxCodes {
		return Uploaded{}, ErrTooMany.At("codes")
	}
	hash := s.keys.Digest("upload", in.Variant[:], []byte(in.Text))
	var taken [][]byte
	err = postgres.InTx(ctx, s.pool, func(tx pgx.Tx) (err error) {
		taken, err = s.uploadTx(ctx, tx, seller, in, hash, good)
		return err
	})
	if postgres.Violates(err, "code_batch_key") {
		taken, err = s.replay(ctx, seller, in, hash)
	}
	if postgres.Violates(err, "code_batch_variant_id_seller_id_fkey") { // its listing is deleted in this moment
		err = catalog.ErrVariantNotFound.At("variantId")
	}
	if err != nil {
		return Uploaded{}, err
	}
	return answer(in.Variant, good, refused, taken), nil
}

func (s *Service) uploadTx(ctx context.Context, tx pgx.Tx, seller uuid.UUID, in UploadInput, hash [32]byte, good []line) ([][]byte, error) {
	batch := id.New()
	data, key, err := s.keys.newDataKey(batch, in.Variant)
	if err != nil {
		return nil, err
	}
	err = s.q.CodeBatchInsert(ctx, tx, db.CodeBatchInsertParams{
		ID: batch, SellerID: seller, VariantID: in.Variant, KeyID: key.keyID, WrappedKey: key.key,
		IdempotencyKey: in.IdempotencyKey, RequestHash: hash[:],
	})
	if err != nil {
		return nil, err
	}
	rows := db.CodesInsertParams{BatchID: batch, VariantID: in.Variant}
	for _, l := range good {
		code := id.New()
		rows.Ids = append(rows.Ids, code)
		rows.Fingerprints = append(rows.Fingerprints, l.print[:])
		rows.Sealed = append(rows.Sealed, seal(data, code, in.Variant, l.text))
	}
	taken, err := s.q.CodesInsert(ctx, tx, rows)
	if err != nil || len(taken) == 0 {
		return nil, err
	}
	return taken, s.stock.ReceiveCodesTx(ctx, tx, seller, in.Variant, len(taken), batch)
}

// replay is what an earlier upload of the same key has taken.
func (s *Service) replay(ctx context.Context, seller uuid.UUID, in UploadInput, hash [32]byte) ([][]byte, error) {
	first, err := s.q.CodeBatchByKey(ctx, s.pool, seller, in.IdempotencyKey)
	switch {
	case err != nil:
		return nil, err
	case !bytes.Equal(first.RequestHash, hash[:]):
		return nil, ErrKeyReused.At("idempotencyKey")
	}
	return s.q.CodeFingerprintsOfBatch(ctx, s.pool, first.ID)
}

// answer says of each line what became of it.
func answer(variant uuid.UUID, good []line, refused []RefusedLine, taken [][]byte) Uploaded {
	accepted := make(map[[32]byte]bool, len(taken))
	for _, hash := range taken {
		accepted[[32]byte(hash)] = true
	}
	for _, l := range good {
		if !accepted[l.print] {
			refused = append(refused, RefusedLine{l.number, Twice})
		}
	}
	slices.SortFunc(refused, func(a, b RefusedLine) int { return a.Line - b.Line })
	return Uploaded{Variant: variant, Accepted: len(taken), RefusedCount: len(refused), Refused: refused[:min(len(refused), maxRefused)]}
}
