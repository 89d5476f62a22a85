package code

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/google/uuid"
)

const (
	keySize = 32
	// padding hides how long a code is: what is sealed is a multiple of it.
	padding = 64
)

// Keys are what a server needs to read and write codes, and what no database has.
type Keys struct {
	current string // the id of the key that new data keys are wrapped under
	wrap    map[string]cipher.AEAD
	hash    []byte
}

// ParseKeys reads "id:64 hexadecimal digits" with commas between, the one first that new codes are sealed under, and the key of the
// hashes that codes are compared by. The latter is apart from the former and never changes: it outlives them.
func ParseKeys(wrapping, hashing string) (*Keys, error) {
	hash, err := parseKey(hashing)
	if err != nil {
		return nil, fmt.Errorf("the key of hashes %w", err)
	}
	k := &Keys{wrap: map[string]cipher.AEAD{}, hash: hash}
	idForm := regexp.MustCompile(`^[a-z0-9-]{1,32}$`)
	for part := range strings.SplitSeq(wrapping, ",") {
		id, digits, _ := strings.Cut(strings.TrimSpace(part), ":")
		if !idForm.MatchString(id) {
			return nil, errors.New("a key has an id of 1 to 32 small letters, digits and dashes before its colon")
		}
		key, err := parseKey(digits)
		switch {
		case err != nil:
			return nil, fmt.Errorf("key %s %w", id, err)
		case hmac.Equal(key, hash):
			return nil, fmt.Errorf("key %s is the key of hashes, which must be another", id)
		case k.wrap[id] != nil:
			return nil, fmt.Errorf("key %s is there twice", id)
		}
		if k.wrap[id], err = sealer(key); err != nil {
			return nil, err
		}
		if k.current == "" {
			k.current = id
		}
	}
	return k, nil
}

func parseKey(digits string) ([]byte, error) {
	key, err := hex.DecodeString(strings.TrimSpace(digits))
	if err != nil || len(key) != keySize {
		return nil, errors.New("is not 64 hexadecimal digits") // the library's error would quote it
	}
	return key, nil
}

// sealer seals with AES-256-GCM; a fresh nonce of 96 bits stands before what it gives.
func sealer(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// Digest is a keyed hash: who has it and not the key can't tell by trying what it is of.
func (k *Keys) Digest(purpose string, parts ...[]byte) [32]byte {
	mac := hmac.New(sha256.New, k.hash)
	for _, part := range append([][]byte{[]byte(purpose)}, parts...) {
		_, _ = mac.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part))))
		_, _ = mac.Write(part)
	}
	return [32]byte(mac.Sum(nil))
}

// fingerprint tells a seller's codes apart.
func (k *Keys) fingerprint(seller uuid.UUID, text string) [32]byte {
	return k.Digest("code", seller[:], []byte(text))
}

// wrapped is a batch's data key as it is kept.
type wrapped struct {
	batch, variant uuid.UUID
	keyID          string
	key            []byte
}

// newDataKey makes a data key, and wraps it under the current key.
func (k *Keys) newDataKey(batch, variant uuid.UUID) (cipher.AEAD, wrapped, error) {
	key := make([]byte, keySize)
	_, _ = rand.Read(key) // never fails
	w := k.wrapUp(batch, variant, key)
	data, err := sealer(key)
	return data, w, err
}

func (k *Keys) wrapUp(batch, variant uuid.UUID, key []byte) wrapped {
	w := wrapped{batch: batch, variant: variant, keyID: k.current}
	w.key = k.wrap[k.current].Seal(nil, nil, key, w.bound()) //nolint:gosec // G407: its nonce is random and stands before what it gives
	return w
}

// bound is what a wrapped key cannot be taken away from.
func (w wrapped) bound() []byte {
	return fmt.Appendf(nil, "souk code batch %s %s %s", w.batch, w.variant, w.keyID)
}

// KeyMissingError says that a server lacks a key, or has another one of that name.
type KeyMissingError struct{ KeyID string }

func (e *KeyMissingError) Error() string {
	return fmt.Sprintf("codes are sealed under key %q, which is not among this server's or is another", e.KeyID)
}

// unwrap gives a data key.
func (k *Keys) unwrap(w wrapped) ([]byte, error) {
	under, known := k.wrap[w.keyID]
	if !known {
		return nil, &KeyMissingError{w.keyID}
	}
	key, err := under.Open(nil, nil, w.key, w.bound())
	if err != nil {
		return nil, &KeyMissingError{w.keyID}
	}
	return key, nil
}

// rewrap brings a data key under the current key. The codes below it stay as they are.
func (k *Keys) rewrap(w wrapped) (wrapped, error) {
	key, err := k.unwrap(w)
	if err != nil {
		return wrapped{}, err
	}
	return k.wrapUp(w.batch, w.variant, key), nil
}

// bindCode is what a sealed code cannot be taken away from: another row's code, or another variant's, does not open.
func bindCode(code, variant uuid.UUID) []byte {
	return fmt.Appendf(nil, "souk code %s %s", code, variant)
}

func seal(data cipher.AEAD, code, variant uuid.UUID, text string) []byte {
	plain := binary.BigEndian.AppendUint16(nil, uint16(len(text)))
	plain = append(plain, text...)
	plain = append(plain, make([]byte, (padding-len(plain)%padding)%padding)...)
	return data.Seal(nil, nil, plain, bindCode(code, variant)) //nolint:gosec // G407: as above
}

func (k *Keys) open(w wrapped, code uuid.UUID, sealed []byte) (string, error) {
	key, err := k.unwrap(w)
	if err != nil {
		return "", err
	}
	data, err := sealer(key)
	if err != nil {
		return "", err
	}
	plain, err := data.Open(nil, nil, sealed, bindCode(code, w.variant))
	if err != nil {
		return "", fmt.Errorf("code %s does not open: its row was changed", code)
	}
	if n := int(binary.BigEndian.Uint16(plain)); n <= len(plain)-2 {
		return string(plain[2 : 2+n]), nil
	}
	return "", fmt.Errorf("code %s is cut short", code)
}
