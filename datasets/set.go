package datasets

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"
)

// Shape is the size of one sample: an image of Channels x Height x Width, or a table
// row of Width columns (Channels and Height 1).
type Shape struct {
	Channels, Height, Width int
}

// Size returns the number of values of one sample, C*H*W.
func (s Shape) Size() int { return s.Channels * s.Height * s.Width }

// check reports a shape with a size below 1 or with more values than maxValues.
func (s Shape) check() error {
	if s.Channels < 1 || s.Height < 1 || s.Width < 1 {
		return fmt.Errorf("shape %v has a size below 1: %w", s, ErrFormat)
	}
	if s.Channels > maxValues/s.Height || s.Channels*s.Height > maxValues/s.Width {
		return fmt.Errorf("shape %v has more than %d values: %w", s, maxValues, ErrFormat)
	}
	return nil
}

// maxValues bounds the values of a sample and of every array that is read from outside,
// so that a few hostile bytes cannot ask for all the memory there is.
const maxValues = 1<<31 - 1

// String returns "1x28x28", in the order channels, height, width.
func (s Shape) String() string {
	return fmt.Sprintf("%dx%dx%d", s.Channels, s.Height, s.Width)
}

// Set is a labelled data set in memory. Images stay bytes (Pixels) until a batch is
// made; tables are float64 (Values). Exactly one of the two is used.
//
// A Set is plain data; treat it as immutable once made, since subsets and caches refer
// to it by its Fingerprint. Subsets are described by recipes: set.Take(100) and the
// like return a Recipe, whose Build makes the new Set.
type Set struct {
	Name    string   // for humans: "MNIST train"
	Shape   Shape    // of one sample
	Classes []string // class names; Labels index into it
	Labels  []int    // n labels, each in [0, len(Classes))

	Pixels []uint8   // n x C x H x W, channel-major (planes), 0-255; nil for tables
	Values []float64 // n x d, row-major, in the table's own units; nil for images

	Columns []string // names of the d columns of a table; nil for images
	Masks   []uint8  // n x H x W, 1 where the planted truth lies; nil where unknown
}

// Source is anything that can become a Set: a Recipe, or a Set, which is one already.
// Explanation packages and training accept a Source.
type Source interface {
	// Key names everything that determines the set.
	Key() string
	// Build makes the set.
	Build(ctx context.Context) (Set, error)
}

var _ Source = Set{}

// Key returns a key made of the set's fingerprint and its name.
func (s Set) Key() string { return fmt.Sprintf("set(%s,%q)", s.Fingerprint(), s.Name) }

// Build returns the set itself after checking it, so that a Set serves as a Source.
func (s Set) Build(context.Context) (Set, error) { return s, s.Check() }

// Len returns the number of samples.
func (s Set) Len() int { return len(s.Labels) }

// Counts returns the number of samples of each class. Labels outside the classes, which
// Check reports, are not counted.
func (s Set) Counts() []int {
	counts := make([]int, len(s.Classes))
	for _, y := range s.Labels {
		if y >= 0 && y < len(counts) {
			counts[y]++
		}
	}
	return counts
}

// Check returns an error, naming the first offending field or row, unless the set is
// consistent: sizes that agree, labels in range, finite values.
func (s Set) Check() error {
	if err := s.Shape.check(); err != nil {
		return errorf("set %q: %w", s.Name, err)
	}
	n, d := len(s.Labels), s.Shape.Size()
	switch {
	case (s.Pixels == nil) == (s.Values == nil):
		return errorf("set %q: need either Pixels or Values, not both or none", s.Name)
	case s.Pixels != nil && len(s.Pixels) != n*d:
		return errorf("set %q: %d labels of shape %v need %d pixels, have %d", s.Name, n, s.Shape, n*d, len(s.Pixels))
	case s.Values != nil && len(s.Values) != n*d:
		return errorf("set %q: %d labels of shape %v need %d values, have %d", s.Name, n, s.Shape, n*d, len(s.Values))
	case s.Masks != nil && len(s.Masks) != n*s.Shape.Height*s.Shape.Width:
		return errorf("set %q: masks need %d values, have %d", s.Name, n*s.Shape.Height*s.Shape.Width, len(s.Masks))
	case s.Columns != nil && len(s.Columns) != d:
		return errorf("set %q: %d column names for %d columns", s.Name, len(s.Columns), d)
	}
	for i, y := range s.Labels {
		if y < 0 || y >= len(s.Classes) {
			return errorf("set %q: row %d has label %d, the set has %s: %w",
				s.Name, i, y, quantity(len(s.Classes), "classes"), ErrLabel)
		}
	}
	for i, v := range s.Values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return errorf("set %q: row %d, column %s is %v: %w", s.Name, i/d, s.column(i%d), v, ErrNotFinite)
		}
	}
	return nil
}

func (s Set) column(j int) string {
	if s.Columns == nil {
		return fmt.Sprint(j)
	}
	return fmt.Sprintf("%q", s.Columns[j])
}

// quantity spells a number of things and the range of their indices: "10 classes (0-9)".
func quantity(n int, what string) string {
	if n == 0 {
		return "no " + what
	}
	return fmt.Sprintf("%d %s (0-%d)", n, what, n-1)
}

// Fingerprint returns a digest of everything but the name: shape, classes, labels,
// values, columns and masks.
func (s Set) Fingerprint() string {
	digest := sha256.New()
	h := bufio.NewWriterSize(digest, 1<<15)
	var b [8]byte
	num := func(v uint64) {
		binary.LittleEndian.PutUint64(b[:], v)
		h.Write(b[:])
	}
	text := func(list []string) {
		num(uint64(len(list)))
		for _, t := range list {
			num(uint64(len(t)))
			h.WriteString(t)
		}
	}
	num(uint64(s.Shape.Channels))
	num(uint64(s.Shape.Height))
	num(uint64(s.Shape.Width))
	text(s.Classes)
	text(s.Columns)
	num(uint64(len(s.Labels)))
	for _, y := range s.Labels {
		num(uint64(y))
	}
	num(uint64(len(s.Pixels)))
	h.Write(s.Pixels)
	num(uint64(len(s.Values)))
	for _, v := range s.Values {
		num(math.Float64bits(v))
	}
	num(uint64(len(s.Masks)))
	h.Write(s.Masks)
	h.Flush() // a hash never fails to write
	return hex.EncodeToString(digest.Sum(nil)[:12])
}

// At returns sample i. For an i outside 0..Len()-1, or a set that is inconsistent at i,
// the sample carries the error (see Sample.Err), and every consumer of the sample
// reports it.
func (s Set) At(i int) Sample {
	if i < 0 || i >= s.Len() {
		return Sample{err: fmt.Errorf("datasets.Set.At(%d): the set %q has %s", i, s.Name, quantity(s.Len(), "samples"))}
	}
	x := make([]float64, max(0, s.Shape.Size()))
	hw, y := s.Shape.Height*s.Shape.Width, s.Labels[i]
	if !s.row(x, i) || y < 0 || y >= len(s.Classes) || s.Masks != nil && len(s.Masks) < (i+1)*hw {
		err := s.Check()
		if err == nil {
			err = errorf("set %q: sample %d is not complete", s.Name, i)
		}
		return Sample{err: fmt.Errorf("datasets.Set.At(%d): %w", i, inner(err))}
	}
	sample := Sample{
		Set: s.Name, Index: i, Shape: s.Shape, X: x,
		Label: y, Class: s.Classes[y], Classes: s.Classes, Columns: s.Columns,
	}
	if s.Masks != nil {
		sample.Mask = make([]bool, hw)
		for p, m := range s.Masks[i*hw : (i+1)*hw] {
			sample.Mask[p] = m != 0
		}
	}
	return sample
}

// Batch returns the samples with the given indices as a len(index) x d matrix: images
// scaled to [0,1], tables as they are. A nil index means all samples. dst is reused
// when it has the right size, else a new matrix is made. For no samples the matrix is
// empty. An index outside 0..Len()-1 gives a row of NaN, which no model takes for data.
func (s Set) Batch(dst *mat.Dense, index []int) *mat.Dense {
	n, d := len(index), s.Shape.Size()
	if index == nil {
		n = s.Len()
	}
	if n == 0 || d < 1 {
		return &mat.Dense{}
	}
	if dst == nil {
		dst = mat.NewDense(n, d, nil)
	} else if r, c := dst.Dims(); r != n || c != d {
		dst = mat.NewDense(n, d, nil)
	}
	for k := range n {
		i := k
		if index != nil {
			i = index[k]
		}
		if x := dst.RawRowView(k); !s.row(x, i) {
			for j := range x {
				x[j] = math.NaN()
			}
		}
	}
	return dst
}

// row writes sample i into x, and reports whether there is such a sample.
func (s Set) row(x []float64, i int) bool {
	d := len(x)
	if d == 0 || i < 0 || i >= s.Len() || (i+1)*d > max(len(s.Pixels), len(s.Values)) {
		return false
	}
	if s.Pixels == nil {
		copy(x, s.Values[i*d:(i+1)*d])
		return true
	}
	if (i+1)*d > len(s.Pixels) {
		return false
	}
	for j, v := range s.Pixels[i*d : (i+1)*d] {
		x[j] = float64(v) / 255
	}
	return true
}

// Sample is one image or table row together with where it came from.
type Sample struct {
	Set     string    // name of the set it was taken from
	Index   int       // its position there
	Shape   Shape     // C x H x W
	X       []float64 // C*H*W values, channel-major; images in [0,1]
	Label   int       // true class; -1 where unknown
	Class   string    // its name; "" where unknown
	Classes []string  // names of all classes
	Columns []string  // column names of a table row; nil for an image
	Mask    []bool    // H*W planted truth; nil where unknown

	err error
}

// Err returns why this is not a usable sample, or nil: a mistake that the sample carries,
// a number of values that is not the shape's, or a value that is NaN or infinite
// (ErrNotFinite), of which it names the column or the pixel.
func (s Sample) Err() error {
	if s.err != nil {
		return s.err
	}
	if len(s.X) == 0 || len(s.X) != s.Shape.Size() {
		return errorf("sample of shape %v has %d values", s.Shape, len(s.X))
	}
	for i, v := range s.X {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return errorf("sample %d of %q: %s is %v: %w", s.Index, s.Set, s.place(i), v, ErrNotFinite)
		}
	}
	return nil
}

// place names value i: the column of a table row, the pixel of an image.
func (s Sample) place(i int) string {
	if len(s.Columns) == len(s.X) {
		return fmt.Sprintf("column %q", s.Columns[i])
	}
	if s.Shape.Channels == 1 && s.Shape.Height == 1 {
		return fmt.Sprintf("column %d", i)
	}
	plane := s.Shape.Height * s.Shape.Width
	return fmt.Sprintf("channel %d, row %d, column %d", i/plane, i%plane/s.Shape.Width, i%s.Shape.Width)
}

// Fingerprint returns a digest of the sample's shape and values.
func (s Sample) Fingerprint() string {
	h := sha256.New()
	fmt.Fprint(h, s.Shape, " ")
	var b [8]byte
	for _, v := range s.X {
		binary.LittleEndian.PutUint64(b[:], math.Float64bits(v))
		h.Write(b[:])
	}
	return hex.EncodeToString(h.Sum(nil)[:12])
}
