package datasets

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
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

// Key returns a key made of the set's fingerprint.
func (s Set) Key() string { return "set:" + s.Fingerprint() }

// Build returns the set itself after checking it, so that a Set serves as a Source.
func (s Set) Build(context.Context) (Set, error) { return s, s.Check() }

// Len returns the number of samples.
func (s Set) Len() int { return len(s.Labels) }

// Counts returns the number of samples of each class.
func (s Set) Counts() []int {
	counts := make([]int, len(s.Classes))
	for _, y := range s.Labels {
		counts[y]++
	}
	return counts
}

// Check returns an error, naming the first offending field or row, unless the set is
// consistent: sizes that agree, labels in range, finite values.
func (s Set) Check() error {
	n, d := len(s.Labels), s.Shape.Size()
	switch {
	case s.Shape.Channels < 1 || s.Shape.Height < 1 || s.Shape.Width < 1:
		return fmt.Errorf("datasets: set %q: shape %v has a size below 1", s.Name, s.Shape)
	case (s.Pixels == nil) == (s.Values == nil):
		return fmt.Errorf("datasets: set %q: need either Pixels or Values, not both or none", s.Name)
	case s.Pixels != nil && len(s.Pixels) != n*d:
		return fmt.Errorf("datasets: set %q: %d labels of shape %v need %d pixels, have %d", s.Name, n, s.Shape, n*d, len(s.Pixels))
	case s.Values != nil && len(s.Values) != n*d:
		return fmt.Errorf("datasets: set %q: %d labels of shape %v need %d values, have %d", s.Name, n, s.Shape, n*d, len(s.Values))
	case s.Masks != nil && len(s.Masks) != n*s.Shape.Height*s.Shape.Width:
		return fmt.Errorf("datasets: set %q: masks need %d values, have %d", s.Name, n*s.Shape.Height*s.Shape.Width, len(s.Masks))
	case s.Columns != nil && len(s.Columns) != d:
		return fmt.Errorf("datasets: set %q: %d column names for %d columns", s.Name, len(s.Columns), d)
	}
	for i, y := range s.Labels {
		if y < 0 || y >= len(s.Classes) {
			return fmt.Errorf("datasets: set %q: row %d has label %d; the set has %d classes (0-%d): %w",
				s.Name, i, y, len(s.Classes), len(s.Classes)-1, ErrLabel)
		}
	}
	for i, v := range s.Values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("datasets: set %q: row %d, column %s is %v: %w", s.Name, i/d, s.column(i%d), v, ErrNotFinite)
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

// ErrLabel is matched by errors about a label outside the classes.
var ErrLabel = errors.New("label out of range")

// ErrNotFinite is matched by errors about NaN or infinite values in a table.
var ErrNotFinite = errors.New("value is not finite")

// Fingerprint returns a digest of everything but the name: shape, classes, labels,
// values, columns and masks.
func (s Set) Fingerprint() string {
	h := sha256.New()
	var b [8]byte
	num := func(v uint64) {
		binary.LittleEndian.PutUint64(b[:], v)
		h.Write(b[:])
	}
	text := func(list []string) {
		num(uint64(len(list)))
		for _, t := range list {
			num(uint64(len(t)))
			h.Write([]byte(t))
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
	return hex.EncodeToString(h.Sum(nil)[:12])
}

// At returns sample i. For an i outside 0..Len()-1 the sample carries the error (see
// Sample.Err), and every consumer of the sample reports it.
func (s Set) At(i int) Sample {
	if i < 0 || i >= s.Len() {
		return Sample{err: fmt.Errorf("datasets.Set.At(%d): the set %q has %d samples (0-%d)", i, s.Name, s.Len(), s.Len()-1)}
	}
	x := make([]float64, s.Shape.Size())
	s.row(x, i)
	sample := Sample{
		Set: s.Name, Index: i, Shape: s.Shape, X: x,
		Label: s.Labels[i], Class: s.Classes[s.Labels[i]], Classes: s.Classes, Columns: s.Columns,
	}
	if s.Masks != nil {
		hw := s.Shape.Height * s.Shape.Width
		sample.Mask = make([]bool, hw)
		for p, m := range s.Masks[i*hw : (i+1)*hw] {
			sample.Mask[p] = m != 0
		}
	}
	return sample
}

// Batch returns the samples with the given indices as an len(index) x d matrix: images
// scaled to [0,1], tables as they are. A nil index means all samples. dst is reused
// when it has the right size, else a new matrix is made.
func (s Set) Batch(dst *mat.Dense, index []int) *mat.Dense {
	n, d := len(index), s.Shape.Size()
	if index == nil {
		n = s.Len()
	}
	if n == 0 {
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
		s.row(dst.RawRowView(k), i)
	}
	return dst
}

// row writes sample i into x.
func (s Set) row(x []float64, i int) {
	d := s.Shape.Size()
	if s.Pixels == nil {
		copy(x, s.Values[i*d:(i+1)*d])
		return
	}
	for j, v := range s.Pixels[i*d : (i+1)*d] {
		x[j] = float64(v) / 255
	}
}

// Sample is one image or table row together with where it came from.
type Sample struct {
	Set     string    // name of the set it was taken from
	Index   int       // its position there
	Shape   Shape     // C x H x W
	X       []float64 // C*H*W values, channel-major; images in [0,1]
	Label   int       // true class
	Class   string    // its name
	Classes []string  // names of all classes
	Columns []string  // column names of a table row; nil for an image
	Mask    []bool    // H*W planted truth; nil where unknown

	err error
}

// Err returns why this is not a usable sample, or nil.
func (s Sample) Err() error {
	if s.err != nil {
		return s.err
	}
	if len(s.X) == 0 || len(s.X) != s.Shape.Size() {
		return fmt.Errorf("datasets: sample of shape %v has %d values", s.Shape, len(s.X))
	}
	return nil
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
