package tree

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"testing"
	"testing/iotest"
)

// TestSaveLoad: a tree comes back with the same bytes, and whatever is damaged is refused.
func TestSaveLoad(t *testing.T) {
	x, y := random(100, 3, 9, 3, 11)
	for _, tr := range []*Tree{classify(t, CART{}, x, y, 3), classify(t, CART{MaxDepth: 2, Criterion: Entropy}, x, y, 4), regress(t, CART{MinLeaf: 4}, x, x)} {
		file := saved(t, tr)
		r := bytes.NewReader(append(bytes.Clone(file), "beyond"...))
		back, err := Load(r)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(saved(t, back), file) {
			t.Error("saved again, the bytes differ")
		}
		if rest, err := io.ReadAll(r); err != nil || string(rest) != "beyond" {
			t.Errorf("Load left %q, %v", rest, err)
		}
		want, err := tr.Values(t.Context(), x)
		if err != nil {
			t.Fatal(err)
		}
		got, err := back.Values(t.Context(), x)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "values", got.RawMatrix().Data, want.RawMatrix().Data, 0)
		for n := range file {
			if _, err := Load(bytes.NewReader(file[:n])); !errors.Is(err, ErrFormat) {
				t.Fatalf("the first %d bytes: %v", n, err)
			}
			bad := bytes.Clone(file)
			bad[n] ^= 1 << (n % 8)
			if _, err := Load(bytes.NewReader(bad)); !errors.Is(err, ErrFormat) {
				t.Fatalf("byte %d changed: %v", n, err)
			}
		}
	}
	if _, err := Load(iotest.ErrReader(io.ErrClosedPipe)); !errors.Is(err, io.ErrClosedPipe) || errors.Is(err, ErrFormat) {
		t.Errorf("a reader that fails: %v", err)
	}
	if err := (*Tree)(nil).Save(io.Discard); err == nil {
		t.Error("nil was saved")
	}
}

// TestForgedFiles have a right checksum and a wrong content.
func TestForgedFiles(t *testing.T) {
	le := binary.LittleEndian
	test := func(column uint32) []byte { return le.AppendUint64(le.AppendUint32(nil, column), 0) }
	leaf := func(rows uint32, numbers ...float64) []byte { // weight, values, impurity
		b := le.AppendUint32(le.AppendUint32(nil, math.MaxUint32), rows)
		for _, v := range numbers {
			b = le.AppendUint64(b, math.Float64bits(v))
		}
		return b
	}
	good := leaf(3, 3, 1, 2, 0.5)
	pure := func(rows uint32, weight float64, class uint32) []byte {
		b := le.AppendUint32(le.AppendUint32(nil, math.MaxUint32-1), rows)
		return le.AppendUint32(le.AppendUint64(b, math.Float64bits(weight)), class)
	}
	file := func(criterion, nodes uint32, parts ...[]byte) []byte {
		b := []byte(magic)
		for _, v := range []uint32{criterion, 2, 2, nodes} {
			b = le.AppendUint32(b, v)
		}
		b = append(b, bytes.Join(parts, nil)...)
		sum := sha256.Sum256(b)
		return append(b, sum[:]...)
	}
	if _, err := Load(bytes.NewReader(file(0, 3, test(1), good, pure(1, 1, 1)))); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{
		"a test without children": file(0, 1, test(0)),
		"a child missing":         file(0, 3, test(0), test(0), good),
		"leaves beyond the tree":  file(0, 3, good, good, good),
		"no such column":          file(0, 3, test(2), good, good),
		"no nodes":                file(0, 0),
		"criterion":               file(3, 1, good),
		"no rows":                 file(0, 1, leaf(0, 3, 1, 2, 0.5)),
		"no weight":               file(0, 1, leaf(3, 0, 0, 0, 0.5)),
		"NaN":                     file(2, 1, leaf(3, 3, math.NaN(), 2, 0.5)),
		"negative class":          file(0, 1, leaf(3, 3, -1, 4, 0.5)),
		"classes do not add up":   file(0, 1, leaf(3, 3, 1, 1, 0.5)),
		"impurity":                file(2, 1, leaf(3, 3, 1, 1, -1)),
		"no such class":           file(0, 1, pure(1, 1, 2)),
		"a class of outputs":      file(2, 1, pure(1, 1, 0)),
		"pure without rows":       file(0, 1, pure(0, 1, 0)),
	} {
		if _, err := Load(bytes.NewReader(bad)); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzLoad(f *testing.F) {
	x, y := random(30, 2, 5, 2, 12)
	tr, err := CART{}.Classify(f.Context(), x, y, 2)
	if err != nil {
		f.Fatal(err)
	}
	var b bytes.Buffer
	if err := tr.Save(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:40])
	f.Fuzz(func(t *testing.T, data []byte) {
		tr, err := Load(bytes.NewReader(data))
		if err != nil {
			return
		}
		// What loads can be used without a panic.
		d, _ := tr.Dims()
		if d > 1000 {
			return
		}
		if _, _, err := tr.Path(make([]float64, d)); err != nil {
			t.Fatal(err)
		}
		_ = tr.Importance()
		if _, err := tr.Prune(0.01); err != nil {
			t.Fatal(err)
		}
	})
}
