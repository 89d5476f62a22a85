package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// signingKey is the key that the settings name, or else the one kept in the state directory, made at
// the first start, so that links signed before a restart stay valid after it.
func signingKey(c Config) ([]byte, error) {
	if c.SigningKey != "" {
		return []byte(c.SigningKey.Reveal()), nil
	}
	return keptKey(c.StateDir, "signing.key")
}

// keptKey is a key of the state directory, made where there is none.
func keptKey(stateDir, name string) ([]byte, error) {
	path := filepath.Join(stateDir, name)
	key, err := readKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	return makeKey(path)
}

func readKey(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read a key: %w", err)
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) < 32 {
		return nil, fmt.Errorf("%s holds no key; delete it, and a new one is made", path)
	}
	return key, nil
}

// makeKey writes a fresh key whole or not at all. Where two servers start at once, both end with the
// key of the one that was first.
func makeKey(path string) ([]byte, error) {
	// PostgreSQL's user, who may be another one, passes through it.
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // see above
		return nil, fmt.Errorf("make the state directory: %w", err)
	}
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails

	temp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // made with 0600
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	defer func() { _ = os.Remove(temp.Name()) }()
	_, err = temp.WriteString(hex.EncodeToString(key) + "\n")
	if err = errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return nil, fmt.Errorf("write a key: %w", err)
	}
	err = os.Link(temp.Name(), path)
	if errors.Is(err, fs.ErrExist) {
		return readKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("keep a key: %w", err)
	}
	return key, nil
}
