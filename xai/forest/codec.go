package forest

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/whybook/whybook/xai/tree"
)

// ErrFormat is matched by errors about a file that is not a saved forest, or is damaged.
var ErrFormat = errors.New("not a usable forest file")

// The saved form of a Forest, all numbers little-endian:
//
//	magic    "whybook forest 1\n"
//	header   u32 trees, columns, outputs, rows, sampled (0 or 1); u64 seed
//	sha256   of magic and header
//	trees    as tree.Tree.Save writes them
const magic = "whybook forest 1\n"

const headerSize = len(magic) + 5*4 + 8

// Save writes the forest in a format that Load reads.
func (f *Forest) Save(w io.Writer) error {
	if f == nil || len(f.trees) == 0 {
		return errors.New("forest.Forest.Save: there is no forest")
	}
	sampled := 0
	if f.sampled {
		sampled = 1
	}
	b := []byte(magic)
	for _, v := range []int{len(f.trees), f.columns, f.outputs, f.rows, sampled} {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	b = binary.LittleEndian.AppendUint64(b, f.seed)
	sum := sha256.Sum256(b)
	if _, err := w.Write(append(b, sum[:]...)); err != nil {
		return fmt.Errorf("forest.Forest.Save: %w", err)
	}
	for i, t := range f.trees {
		if err := t.Save(w); err != nil {
			return fmt.Errorf("forest.Forest.Save: tree %d: %w", i, err)
		}
	}
	return nil
}

// Load reads a forest that Save wrote; it may read beyond its end. Anything else is an error
// that matches ErrFormat, unless reading itself fails.
func Load(r io.Reader) (*Forest, error) {
	f, err := decode(bufio.NewReaderSize(r, 1<<16))
	if err != nil {
		return nil, fmt.Errorf("forest.Load: %w", err)
	}
	return f, nil
}

func decode(r io.Reader) (*Forest, error) {
	b := make([]byte, headerSize+sha256.Size)
	if _, err := io.ReadFull(r, b); err == io.EOF || err == io.ErrUnexpectedEOF {
		return nil, fmt.Errorf("ends too early: %w", ErrFormat)
	} else if err != nil {
		return nil, err
	}
	header, sum := b[:headerSize], b[headerSize:]
	if got := header[:len(magic)]; string(got) != magic {
		return nil, fmt.Errorf("starts with %q, want %q: %w", got, magic, ErrFormat)
	}
	if want := sha256.Sum256(header); !bytes.Equal(want[:], sum) {
		return nil, fmt.Errorf("sha256 of the header is %x, want %x: %w", want, sum, ErrFormat)
	}
	number := func(i int) int { return int(binary.LittleEndian.Uint32(header[len(magic)+4*i:])) }
	f := &Forest{columns: number(1), outputs: number(2), rows: number(3), sampled: number(4) == 1,
		seed: binary.LittleEndian.Uint64(header[len(magic)+20:])}
	if number(0) < 1 || f.rows < 1 || f.rows > math.MaxInt32 || number(4) > 1 {
		return nil, fmt.Errorf("claims %d trees, %d rows and %d for sampled: %w", number(0), f.rows, number(4), ErrFormat)
	}
	for i := range number(0) {
		t, err := tree.Load(r)
		if errors.Is(err, tree.ErrFormat) {
			return nil, fmt.Errorf("tree %d: %w: %w", i, ErrFormat, err)
		} else if err != nil {
			return nil, fmt.Errorf("tree %d: %w", i, err)
		}
		if d, k := t.Dims(); d != f.columns || k != f.outputs || i > 0 && t.Classifies() != f.trees[0].Classifies() {
			return nil, fmt.Errorf("tree %d is of another kind than its forest: %w", i, ErrFormat)
		}
		f.trees = append(f.trees, t)
	}
	return f, nil
}
