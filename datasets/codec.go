package datasets

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"math"
)

// The saved form of a Set, all numbers little-endian:
//
//	magic     "whybook set 1\n"
//	strings   name, classes, columns
//	shape     channels, height, width
//	n         number of samples
//	present   bits: 1 pixels, 2 values, 4 columns, 8 masks
//	labels    n x uint32
//	pixels    n*C*H*W bytes, values n*d x float64, masks n*H*W bytes, where present
//	sha256    of all the above
const magic = "whybook set 1\n"

const (
	hasPixels = 1 << iota
	hasValues
	hasColumns
	hasMasks
)

// maxText bounds the length of a string and of a list of strings in a saved set.
const maxText = 1 << 20

func encode(w io.Writer, s Set) error {
	if err := s.Check(); err != nil {
		return err
	}
	buffered := bufio.NewWriterSize(w, 1<<16)
	e := encoder{w: buffered, sum: sha256.New()}
	e.bytes([]byte(magic))
	e.text(s.Name)
	e.texts(s.Classes)
	e.texts(s.Columns)
	for _, v := range []int{s.Shape.Channels, s.Shape.Height, s.Shape.Width, s.Len()} {
		e.number(v)
	}
	present := 0
	for bit, there := range []bool{s.Pixels != nil, s.Values != nil, s.Columns != nil, s.Masks != nil} {
		if there {
			present |= 1 << bit
		}
	}
	e.number(present)
	for _, y := range s.Labels {
		e.number(y)
	}
	e.bytes(s.Pixels)
	var b [8]byte
	for _, v := range s.Values {
		binary.LittleEndian.PutUint64(b[:], math.Float64bits(v))
		e.bytes(b[:])
	}
	e.bytes(s.Masks)
	if e.err == nil {
		_, e.err = buffered.Write(e.sum.Sum(nil))
	}
	if e.err == nil {
		e.err = buffered.Flush()
	}
	if e.err != nil {
		return errorf("save set %q: %w", s.Name, e.err)
	}
	return nil
}

// encoder writes until the first error, which it keeps.
type encoder struct {
	w   io.Writer
	sum hash.Hash
	err error
}

func (e *encoder) bytes(p []byte) {
	if e.err == nil {
		e.sum.Write(p)
		_, e.err = e.w.Write(p)
	}
}

func (e *encoder) number(v int) {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], uint32(v))
	e.bytes(b[:])
}

func (e *encoder) text(t string) {
	if len(t) > maxText && e.err == nil {
		e.err = fmt.Errorf("a name of %d bytes is longer than %d", len(t), maxText)
	}
	e.number(len(t))
	e.bytes([]byte(t))
}

func (e *encoder) texts(list []string) {
	if len(list) > maxText && e.err == nil {
		e.err = fmt.Errorf("a list of %d names is longer than %d", len(list), maxText)
	}
	e.number(len(list))
	for _, t := range list {
		e.text(t)
	}
}

func decode(r io.Reader) (Set, error) {
	d := decoder{r: bufio.NewReaderSize(r, 1<<16), sum: sha256.New()}
	if got := d.bytes(len(magic)); d.err == nil && string(got) != magic {
		return Set{}, errorf("load set: starts with %q, want %q: %w", got, magic, ErrFormat)
	}
	s := Set{Name: d.text(), Classes: d.texts(), Columns: d.texts()}
	s.Shape = Shape{Channels: d.number(), Height: d.number(), Width: d.number()}
	n, present := d.number(), d.number()
	if d.err == nil {
		d.err = s.Shape.check()
	}
	if d.err == nil && n > maxValues/s.Shape.Size() {
		d.err = fmt.Errorf("%d samples of shape %v are more than %d values: %w", n, s.Shape, maxValues, ErrFormat)
	}
	if raw := d.bytes(4 * n); d.err == nil {
		s.Labels = make([]int, n)
		for i := range s.Labels {
			s.Labels[i] = int(binary.LittleEndian.Uint32(raw[4*i:]))
		}
	}
	if present&hasPixels != 0 {
		s.Pixels = d.bytes(n * s.Shape.Size())
	}
	if present&hasValues != 0 {
		if raw := d.bytes(8 * n * s.Shape.Size()); d.err == nil {
			s.Values = make([]float64, n*s.Shape.Size())
			for i := range s.Values {
				s.Values[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
			}
		}
	}
	if present&hasColumns == 0 {
		s.Columns = nil
	}
	if present&hasMasks != 0 {
		s.Masks = d.bytes(n * s.Shape.Height * s.Shape.Width)
	}
	want := d.sum.Sum(nil)
	if got := d.bytes(len(want)); d.err == nil && !bytes.Equal(got, want) {
		d.err = fmt.Errorf("sha256 is %x, want %x: %w", want, got, ErrChecksum)
	}
	if d.err != nil {
		return Set{}, errorf("load set: %w", d.err)
	}
	if err := s.Check(); err != nil {
		return Set{}, errorf("load set: %w", inner(err))
	}
	return s, nil
}

// decoder reads until the first error, which it keeps; afterwards it returns zeros.
type decoder struct {
	r   io.Reader
	sum hash.Hash
	err error
}

func (d *decoder) bytes(n int) []byte {
	if d.err != nil {
		return nil
	}
	var p []byte
	if p, d.err = readN(d.r, n); d.err != nil {
		return nil
	}
	d.sum.Write(p)
	return p
}

func (d *decoder) number() int {
	if p := d.bytes(4); d.err == nil {
		return int(binary.LittleEndian.Uint32(p))
	}
	return 0
}

func (d *decoder) length() int {
	n := d.number()
	if n > maxText && d.err == nil {
		d.err = fmt.Errorf("a length of %d is more than %d: %w", n, maxText, ErrFormat)
		return 0
	}
	return n
}

func (d *decoder) text() string { return string(d.bytes(d.length())) }

func (d *decoder) texts() []string {
	var list []string
	for n := d.length(); n > 0 && d.err == nil; n-- {
		list = append(list, d.text())
	}
	return list
}

// readN reads exactly n bytes. The memory it takes grows with the bytes that are there,
// not with an n that a damaged header claims.
func readN(r io.Reader, n int) ([]byte, error) {
	const chunk = 1 << 20
	if n < 0 { // a claim beyond the integers of a 32-bit machine
		return nil, fmt.Errorf("claims too many bytes: %w", ErrFormat)
	}
	p := []byte{}
	for len(p) < n {
		// Doubling until the claim is met: at most twice what was really read.
		grown := make([]byte, min(n, max(2*len(p), chunk)))
		copy(grown, p)
		got, err := io.ReadFull(r, grown[len(p):])
		if err != nil {
			if err == io.EOF || err == io.ErrUnexpectedEOF {
				err = fmt.Errorf("ends after %d of %d bytes: %w", len(p)+got, n, ErrFormat)
			}
			return nil, err
		}
		p = grown
	}
	return p, nil
}
