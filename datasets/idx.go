package datasets

import (
	"bufio"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// The magic numbers of IDX files of bytes: 08 means bytes, the last digit is the number of
// dimensions.
const (
	idxImages = 0x00000803
	idxLabels = 0x00000801
)

// ReadIDX reads a pair of IDX files, the format of MNIST and Fashion-MNIST: n grey images
// and n labels, both plain or gzipped. Without class names the classes are "0", "1", ...
// up to the largest label. Errors match ErrFormat for a wrong magic number, a truncated
// file, surplus bytes or counts that differ, and ErrLabel for a label without a name.
func ReadIDX(images, labels io.Reader, classes ...string) (Set, error) {
	size, pixels, err := readIDX(images, idxImages)
	if err != nil {
		return Set{}, errorf("IDX images: %w", err)
	}
	count, raw, err := readIDX(labels, idxLabels)
	if err != nil {
		return Set{}, errorf("IDX labels: %w", err)
	}
	if size[0] != count[0] {
		return Set{}, errorf("IDX: %d images but %d labels: %w", size[0], count[0], ErrFormat)
	}
	s := Set{
		Name: "IDX", Shape: Shape{1, size[1], size[2]}, Classes: slices.Clone(classes),
		Labels: make([]int, len(raw)), Pixels: pixels,
	}
	for i, y := range raw {
		s.Labels[i] = int(y)
	}
	if len(classes) == 0 {
		s.Classes = numbered(s.Labels)
	}
	return s, s.Check()
}

// readIDX reads one IDX file of bytes with the given magic number, whose last byte is the
// number of dimensions, and returns its dimensions and values.
func readIDX(r io.Reader, magic uint32) (dims []int, values []byte, err error) {
	r, err = gunzip(r)
	if err != nil {
		return nil, nil, err
	}
	head, err := readN(r, 4)
	if err != nil {
		return nil, nil, err
	}
	if got := binary.BigEndian.Uint32(head); got != magic {
		return nil, nil, fmt.Errorf("magic number is 0x%08x, want 0x%08x: %w", got, magic, ErrFormat)
	}
	n := int(magic & 0xff)
	if head, err = readN(r, 4*n); err != nil {
		return nil, nil, err
	}
	total := 1
	for k := range n {
		d := int(binary.BigEndian.Uint32(head[4*k:]))
		if d < 1 || d > maxValues/total {
			return nil, nil, fmt.Errorf("dimension %d is %d: %w", k, d, ErrFormat)
		}
		dims = append(dims, d)
		total *= d
	}
	if values, err = readN(r, total); err != nil {
		return nil, nil, err
	}
	return dims, values, atEnd(r)
}

// gunzip returns r, or what it holds when that is gzipped.
func gunzip(r io.Reader) (io.Reader, error) {
	b := bufio.NewReader(r)
	if head, err := b.Peek(2); err != nil || head[0] != 0x1f || head[1] != 0x8b {
		return b, nil // what is wrong with a short file, its reader can say better
	}
	z, err := gzip.NewReader(b)
	if err != nil {
		return nil, malformed(err)
	}
	return gzipped{z}, nil
}

// gzipped gives the errors of damaged gzip data our type.
type gzipped struct{ io.Reader }

func (g gzipped) Read(p []byte) (int, error) {
	n, err := g.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = malformed(err)
	}
	return n, err
}

// atEnd reports bytes that are left over. Reaching the end also makes gzip compare its
// checksum.
func atEnd(r io.Reader) error {
	var b [1]byte
	if n, err := io.ReadFull(r, b[:]); n > 0 {
		return fmt.Errorf("goes on after its last value: %w", ErrFormat)
	} else if err != io.EOF {
		return err
	}
	return nil
}

// numbered returns the class names "0", "1", ... up to the largest label.
func numbered(labels []int) []string {
	names := make([]string, slices.Max(labels)+1)
	for c := range names {
		names[c] = strconv.Itoa(c)
	}
	return names
}
