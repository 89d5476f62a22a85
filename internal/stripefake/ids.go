package stripefake

import (
	"crypto/sha256"
	"encoding/binary"
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// idSource gives ids that look like Stripe's and follow from the seed and a counter alone.
type idSource struct {
	seed uint64
	next uint64
}

func (s *idSource) make(prefix string) string {
	s.next++
	var in [16]byte
	binary.BigEndian.PutUint64(in[:8], s.seed)
	binary.BigEndian.PutUint64(in[8:], s.next)
	sum := sha256.Sum256(append(in[:], prefix...))
	text := make([]byte, 24)
	for i := range text {
		text[i] = base62[int(sum[i])%len(base62)]
	}
	return prefix + "_" + string(text)
}
