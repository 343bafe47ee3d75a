package datasets

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shared returns the path of a file in the data folder beside the repository, which a
// user's clone does not have.
func shared(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "shared", "data", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		t.Skipf("needs the test data %s beside the repository", name)
	}
	return path
}

// build makes the set or ends the test.
func build(t testing.TB, src Source) Set {
	t.Helper()
	s, err := src.Build(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Check(); err != nil {
		t.Fatal(err)
	}
	return s
}

// wantError checks that err matches want (when that is not nil) and says all of texts.
func wantError(t testing.TB, err, want error, texts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, want one that says %q", texts)
		return
	}
	if want != nil && !errors.Is(err, want) {
		t.Errorf("error %q does not match %q", err, want)
	}
	for _, text := range texts {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("error %q does not say %q", err, text)
		}
	}
}

// balanced returns a table of k classes with n samples each, whose single value is the
// row number, so that a subset shows which rows it took.
func balanced(k, n int) Set {
	s := Set{Name: "balanced", Shape: Shape{1, 1, 1}, Classes: make([]string, k)}
	for c := range s.Classes {
		s.Classes[c] = string(rune('A'+c/26)) + string(rune('a'+c%26))
	}
	for i := range k * n {
		s.Labels = append(s.Labels, i%k)
		s.Values = append(s.Values, float64(i))
	}
	return s
}

func zipped(b []byte) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	z.Write(b)
	z.Close()
	return out.Bytes()
}

// idx returns an IDX file with the given magic number, dimensions and values.
func idx(magic uint32, values []byte, dims ...int) []byte {
	b := binary.BigEndian.AppendUint32(nil, magic)
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, uint32(d))
	}
	return append(b, values...)
}
