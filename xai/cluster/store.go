package cluster

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/whybook/whybook/xai/internal/store"
	"gonum.org/v1/gonum/mat"
)

// Names of the forms of stored results; a number rises with every change of what is written.
const (
	meansFormat    = "whybook.cluster.means/1"
	chosenFormat   = "whybook.cluster.chosen/1"
	aroundFormat   = "whybook.cluster.around/1"
	denseFormat    = "whybook.cluster.dense/1"
	spectrumFormat = "whybook.cluster.spectrum/1"
)

// stored is a result as it is written: its matrix apart, since that has no exported fields.
type stored[T any] struct {
	Result T // without its matrix
	Matrix values
}

// values are those of a matrix, row by row.
type values struct {
	Rows, Columns int
	Values        []float64
}

func valuesOf(m *mat.Dense) values {
	n, d := m.Dims()
	return values{n, d, mat.DenseCopyOf(m).RawMatrix().Data}
}

func (t values) matrix() (*mat.Dense, error) {
	if t.Rows < 1 || t.Columns < 1 || len(t.Values)%t.Columns != 0 || len(t.Values)/t.Columns != t.Rows {
		return nil, fmt.Errorf("a matrix of %d x %d with %d values", t.Rows, t.Columns, len(t.Values))
	}
	return mat.NewDense(t.Rows, t.Columns, t.Values), nil
}

// Save writes the division as JSON with a checksum, numbers bit by bit.
func (m *Means) Save(w io.Writer) error {
	err := m.check()
	if err == nil {
		bare := *m
		bare.Centroids = nil
		err = store.Write(w, meansFormat, stored[Means]{bare, valuesOf(m.Centroids)})
	}
	return saved("Means", err)
}

// LoadMeans reads what Means.Save wrote. Anything else is an error that matches ErrFormat,
// unless reading itself fails.
func LoadMeans(r io.Reader) (*Means, error) {
	var s stored[Means]
	err := store.Read(r, meansFormat, &s)
	if err == nil {
		if s.Result.Centroids, err = s.Matrix.matrix(); err == nil {
			err = s.Result.check()
		}
		err = forged(err)
	}
	return loaded("Means", &s.Result, err)
}

// Save writes the division with the numbers that it was chosen by, as Means.Save does.
func (c *Chosen) Save(w io.Writer) error {
	err := c.check()
	if err == nil {
		bare, means := *c, *c.Means
		means.Centroids, bare.Means = nil, &means
		err = store.Write(w, chosenFormat, stored[Chosen]{bare, valuesOf(c.Centroids)})
	}
	return saved("Chosen", err)
}

// LoadChosen reads what Chosen.Save wrote; errors are those of LoadMeans.
func LoadChosen(r io.Reader) (*Chosen, error) {
	var s stored[Chosen]
	err := store.Read(r, chosenFormat, &s)
	if err == nil {
		if s.Result.Means == nil {
			s.Result.Means = &Means{}
		}
		if s.Result.Centroids, err = s.Matrix.matrix(); err == nil {
			err = s.Result.check()
		}
		err = forged(err)
	}
	return loaded("Chosen", &s.Result, err)
}

// Save writes the division as JSON with a checksum, numbers bit by bit.
func (a *Around) Save(w io.Writer) error {
	err := a.check()
	if err == nil {
		err = store.Write(w, aroundFormat, a)
	}
	return saved("Around", err)
}

// LoadAround reads what Around.Save wrote; errors are those of LoadMeans.
func LoadAround(r io.Reader) (*Around, error) {
	var a Around
	err := store.Read(r, aroundFormat, &a)
	if err == nil {
		err = forged(a.check())
	}
	return loaded("Around", &a, err)
}

// Save writes the clusters as JSON with a checksum, numbers bit by bit.
func (d *Dense) Save(w io.Writer) error {
	err := d.check()
	if err == nil {
		err = store.Write(w, denseFormat, d)
	}
	return saved("Dense", err)
}

// LoadDense reads what Dense.Save wrote; errors are those of LoadMeans.
func LoadDense(r io.Reader) (*Dense, error) {
	var d Dense
	err := store.Read(r, denseFormat, &d)
	if err == nil {
		err = forged(d.check())
	}
	return loaded("Dense", &d, err)
}

// Save writes the division as JSON with a checksum, numbers bit by bit.
func (s *Spectrum) Save(w io.Writer) error {
	err := s.check()
	if err == nil {
		bare := *s
		bare.Embedding = nil
		err = store.Write(w, spectrumFormat, stored[Spectrum]{bare, valuesOf(s.Embedding)})
	}
	return saved("Spectrum", err)
}

// LoadSpectrum reads what Spectrum.Save wrote; errors are those of LoadMeans.
func LoadSpectrum(r io.Reader) (*Spectrum, error) {
	var s stored[Spectrum]
	err := store.Read(r, spectrumFormat, &s)
	if err == nil {
		if s.Result.Embedding, err = s.Matrix.matrix(); err == nil {
			err = s.Result.check()
		}
		err = forged(err)
	}
	return loaded("Spectrum", &s.Result, err)
}

func saved(what string, err error) error {
	if err != nil {
		return fmt.Errorf("cluster.%s.Save: %w", what, err)
	}
	return nil
}

func loaded[T any](what string, v *T, err error) (*T, error) {
	if err != nil {
		return nil, fmt.Errorf("cluster.Load%s: %w", what, err)
	}
	return v, nil
}

// forged makes what check says about a file match ErrFormat.
func forged(err error) error {
	if err != nil {
		return fmt.Errorf("%w: %w", err, ErrFormat)
	}
	return nil
}

// errNothing is what a nil result is.
var errNothing = errors.New("there is no result")

// counted checks labels from least to k-1 and returns the rows of each cluster.
func counted(labels []int, least, k int) ([]int, error) {
	if len(labels) == 0 {
		return nil, errors.New("no labels")
	}
	sizes := make([]int, k)
	for i, c := range labels {
		if c < least || c >= k {
			return nil, fmt.Errorf("row %d is in cluster %d of %d", i, c, k)
		}
		if c >= 0 {
			sizes[c]++
		}
	}
	return sizes, nil
}

// numbers checks that all values are finite.
func numbers(name string, values ...float64) error {
	for i, v := range values {
		if v-v != 0 {
			return fmt.Errorf("%s: value %d is %v: %w", name, i, v, ErrNotFinite)
		}
	}
	return nil
}

// check says what makes a result unusable, whoever made it.
func (m *Means) check() error {
	if m == nil || m.Centroids == nil || m.Centroids.IsEmpty() {
		return errNothing
	}
	k, _ := m.Centroids.Dims()
	sizes, err := counted(m.Labels, 0, k)
	if err == nil && !slices.Equal(sizes, m.Sizes) {
		err = fmt.Errorf("sizes %v, counted %v", m.Sizes, sizes)
	}
	return cmp.Or(err, numbers("Centroids", valuesOf(m.Centroids).Values...), numbers("Inertia", m.Inertia), numbers("Objective", m.Objective...))
}

func (c *Chosen) check() error {
	if c == nil {
		return errNothing
	}
	if err := c.Means.check(); err != nil {
		return err
	}
	if c.K != len(c.Sizes) || !slices.Contains(c.Tried, c.K) || len(c.Tried) != len(c.Silhouettes) {
		return fmt.Errorf("%d clusters for %d centroids, of %v with %d silhouettes", c.K, len(c.Sizes), c.Tried, len(c.Silhouettes))
	}
	return numbers("Silhouettes", c.Silhouettes...)
}

func (a *Around) check() error {
	if a == nil {
		return errNothing
	}
	if _, err := counted(a.Labels, 0, len(a.Medoids)); err != nil {
		return err
	}
	for c, i := range a.Medoids {
		if i < 0 || i >= len(a.Labels) || c > 0 && i <= a.Medoids[c-1] {
			return fmt.Errorf("medoids %v of %d items", a.Medoids, len(a.Labels))
		}
	}
	return numbers("Cost", a.Cost)
}

func (d *Dense) check() error {
	if d == nil {
		return errNothing
	}
	sizes, err := counted(d.Labels, -1, len(d.Sizes))
	if err == nil && (!slices.Equal(sizes, d.Sizes) || len(d.Stability) != len(sizes)) {
		err = fmt.Errorf("sizes %v with %d stabilities, counted %v", d.Sizes, len(d.Stability), sizes)
	}
	return cmp.Or(err, numbers("Stability", d.Stability...))
}

func (s *Spectrum) check() error {
	if s == nil || s.Embedding == nil || s.Embedding.IsEmpty() {
		return errNothing
	}
	n, k := s.Embedding.Dims()
	if n != len(s.Labels) || k != s.K {
		return fmt.Errorf("an embedding of %d x %d for %d items in %d clusters", n, k, len(s.Labels), s.K)
	}
	_, err := counted(s.Labels, 0, s.K)
	return cmp.Or(err, numbers("Embedding", valuesOf(s.Embedding).Values...), numbers("Eigenvalues", s.Eigenvalues...), numbers("Gap", s.Gap))
}
