// Package store writes results to files and reads them back, value by value and bit by bit.
//
// A file is one JSON document with the name and version of what it holds, a checksum, and
// the value. Structs are objects of their fields that are not zero, lists of float64 are
// base64 of their little-endian bytes, and a value behind an interface carries the name of
// its type, which Read looks up among the types it is given:
//
//	{"format": "whybook.map/1", "sha256": "...", "value": {"Target": 3, ...}}
//
// Nothing in a file is believed: a type that is not listed, a field that does not exist, a
// length that is not there, deep nesting and trailing bytes are errors that match ErrFormat.
package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// ErrFormat is matched by every error about bytes that Write did not write.
var ErrFormat = errors.New("not a whole file of this kind")

// ErrType is matched by the error of Write about a value that cannot be stored, such as a
// function, and by that of Read about a type that it was not given.
var ErrType = errors.New("a type that cannot be stored")

// maxBytes bounds a file: a map of 100 million values.
const maxBytes = 1 << 30

type document struct {
	Format string          `json:"format"`
	SHA256 string          `json:"sha256"` // of value as it stands
	Value  json.RawMessage `json:"value"`
}

// Write writes v under the name of its format. Equal values give equal bytes.
func Write(w io.Writer, format string, v any) error {
	value, err := Encode(v)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(value)
	text, err := json.Marshal(document{Format: format, SHA256: hex.EncodeToString(sum[:]), Value: value})
	if err != nil {
		return err
	}
	_, err = w.Write(append(text, '\n'))
	return err
}

// Read reads what Write wrote into the value that p points to. known has a value of every
// type that may stand behind an interface.
func Read(r io.Reader, format string, p any, known ...any) error {
	text, err := io.ReadAll(io.LimitReader(r, maxBytes+1))
	if err != nil {
		return err
	}
	if len(text) > maxBytes {
		return fmt.Errorf("more than %d bytes: %w", maxBytes, ErrFormat)
	}
	var file document
	if err := strict(text, &file); err != nil {
		return err
	}
	if file.Format != format {
		return fmt.Errorf("the format is %q, need %q: %w", file.Format, format, ErrFormat)
	}
	if sum := sha256.Sum256(file.Value); file.SHA256 != hex.EncodeToString(sum[:]) {
		return fmt.Errorf("the checksum does not match: %w", ErrFormat)
	}
	return Decode(file.Value, p, known...)
}

// strict reads one JSON value without unknown fields and with nothing after it.
func strict(text []byte, p any) error {
	in := json.NewDecoder(bytes.NewReader(text))
	in.DisallowUnknownFields()
	if err := in.Decode(p); err != nil {
		return fmt.Errorf("%w: %w", err, ErrFormat)
	}
	if _, err := in.Token(); err != io.EOF {
		return fmt.Errorf("bytes after the end: %w", ErrFormat)
	}
	return nil
}

// File calls write with a new file beside path and gives it that name when it is whole, so
// that readers see the old file or the new one.
func File(path string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	err = write(f)
	if err == nil {
		err = f.Chmod(0o644) // CreateTemp makes files that only their owner may read
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
