package kernelext

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// An entry is one file: a line that says the format, a line of JSON with the key and the
// payload's size and digest, and the payload. Names are digests of keys, so that a key
// may hold anything. Entries are written beside their name and renamed, so readers, also
// of other kernels, see a whole entry or none.

const entryMagic = "whybook build 1\n"

// entryHead is the second line of an entry.
type entryHead struct {
	Key    string `json:"key"`
	Size   int    `json:"size"`
	SHA256 string `json:"sha256"`
}

// errDamaged is matched by the error of an entry that is there but not whole.
var errDamaged = errors.New("damaged cache entry")

func damaged(err error) bool { return errors.Is(err, errDamaged) }

func entryPath(folder, key string) string {
	sum := sha256.Sum256([]byte(key))
	return filepath.Join(folder, hex.EncodeToString(sum[:16])+".entry")
}

// readEntry returns the payload stored under key. The error matches fs.ErrNotExist when
// there is no entry, and errDamaged when it is not what writeEntry wrote.
func readEntry(folder, key string) ([]byte, error) {
	path := entryPath(folder, key)
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	rest, ok := bytes.CutPrefix(data, []byte(entryMagic))
	line, payload, found := bytes.Cut(rest, []byte("\n"))
	if !ok || !found {
		return nil, fmt.Errorf("%s: no header: %w", path, errDamaged)
	}
	var head entryHead
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, fmt.Errorf("%s: header: %w: %w", path, err, errDamaged)
	}
	sum := sha256.Sum256(payload)
	switch {
	case head.Key != key:
		return nil, fmt.Errorf("%s: made for another recipe: %w", path, errDamaged)
	case head.Size != len(payload):
		return nil, fmt.Errorf("%s: %d of %d bytes: %w", path, len(payload), head.Size, errDamaged)
	case head.SHA256 != hex.EncodeToString(sum[:]):
		return nil, fmt.Errorf("%s: checksum does not match: %w", path, errDamaged)
	}
	return payload, nil
}

// writeEntry stores payload under key.
func writeEntry(folder, key string, payload []byte) (err error) {
	sum := sha256.Sum256(payload)
	head, err := json.Marshal(entryHead{Key: key, Size: len(payload), SHA256: hex.EncodeToString(sum[:])})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	f, err := os.CreateTemp(folder, ".entry-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, ignoreMissing(os.Remove(f.Name())))
		}
	}()
	for _, part := range [][]byte{[]byte(entryMagic), head, []byte("\n"), payload} {
		if _, err := f.Write(part); err != nil {
			return errors.Join(err, f.Close())
		}
	}
	if err := f.Chmod(0o644); err != nil { // users may share a cache folder
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), entryPath(folder, key))
}

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
