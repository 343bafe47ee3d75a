package cnninte

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/forest"
	"github.com/whybook/whybook/xai/internal/store"
	"github.com/whybook/whybook/xai/project"
	"github.com/whybook/whybook/xai/tree"
	"gonum.org/v1/gonum/mat"
)

// format is raised with every change of what is written.
const format = "whybook.cnninte/1"

// The saved form of an Interpretation: a gzip stream of parts, each a u64 with its length and
// its bytes. The first is JSON with a checksum, then come the tree and the forests as their
// packages write them. Most leaves of a forest are pure, so that the stream is much smaller.

// stored is an Interpretation without its tree and forests.
type stored struct {
	Settings        Settings
	Reading         Reading
	Dead            []int
	Classes         []string
	Shape           datasets.Shape
	Columns         []string
	Factors         []storedFactor
	Labels, Targets []int
	Identities      [][]int
	Missing         []int
	Provenance      Provenance
}

type storedFactor struct {
	Neurons                []int
	Centroids, Means, Axes []float64
	Within, Sizes          []int
	Counts                 [][]int
	Nearest                [][]Exemplar
	Mean, Variance, Ratio  []float64
	Total                  float64
	Rows                   int
	Cloud                  Cloud
}

// raw returns the values of a matrix, row by row.
func raw(m *mat.Dense) []float64 {
	if m == nil {
		return nil
	}
	n, _ := m.Dims()
	var out []float64
	for i := range n {
		out = append(out, m.RawRowView(i)...)
	}
	return out
}

// Save writes an interpretation made by the recipe, for a cache. A cache finds values by Key
// alone, so that Save refuses what was made of a network without a fingerprint (xai.Named);
// see Interpretation.Save.
func (r Recipe) Save(w io.Writer, in *Interpretation) error {
	if err := r.named(); err != nil {
		return err
	}
	return in.Save(w)
}

func (r Recipe) named() error {
	if err := r.check(); err != nil {
		return err
	}
	if fingerprint(r.net) == "" {
		return fmt.Errorf("cnninte: the network has no fingerprint (xai.Named), so that what is made of it cannot be told from what is made of another one: %w", ErrModel)
	}
	return nil
}

// Load reads an interpretation that Save wrote, of the recipe's network. Anything else is an
// error that matches ErrFormat or ErrModel.
func (r Recipe) Load(rd io.Reader) (*Interpretation, error) {
	if err := r.ready(); err != nil {
		return nil, err
	}
	in, err := Load(rd, r.net)
	if err != nil {
		return nil, err
	}
	in.batch = r.batch
	return in, nil
}

// Save writes the interpretation, without the network, in a compact form with checksums.
func (in *Interpretation) Save(w io.Writer) error {
	if in == nil || in.Tree == nil {
		return fmt.Errorf("cnninte.Interpretation.Save: there is no interpretation")
	}
	s := stored{
		Settings: in.Settings, Reading: in.Reading, Dead: in.Dead, Classes: in.Classes, Shape: in.Shape, Columns: in.Columns,
		Labels: in.Labels, Targets: in.Targets, Identities: in.Identities, Missing: in.Missing, Provenance: in.Provenance,
	}
	writers := []func(io.Writer) error{nil, in.Tree.Save}
	for g := range in.Factors {
		f := &in.Factors[g]
		s.Factors = append(s.Factors, storedFactor{
			Neurons: f.Neurons, Centroids: raw(f.Centroids), Means: raw(f.Means), Axes: raw(f.Basis.Axes), Within: f.Within, Sizes: f.Sizes,
			Counts: f.Counts, Nearest: f.Nearest, Mean: f.Basis.Mean, Variance: f.Basis.Variance, Ratio: f.Basis.Ratio,
			Total: f.Basis.Total, Rows: f.Basis.Rows, Cloud: f.Cloud,
		})
		writers = append(writers, f.Forest.Save)
	}
	writers[0] = func(w io.Writer) error { return store.Write(w, format, s) }
	zip, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		return fmt.Errorf("cnninte.Interpretation.Save: %w", err)
	}
	var part bytes.Buffer
	for _, write := range writers {
		part.Reset()
		if err := write(&part); err != nil {
			return fmt.Errorf("cnninte.Interpretation.Save: %w", err)
		}
		var size [8]byte
		binary.LittleEndian.PutUint64(size[:], uint64(part.Len()))
		if _, err := zip.Write(size[:]); err != nil {
			return fmt.Errorf("cnninte.Interpretation.Save: %w", err)
		}
		if _, err := zip.Write(part.Bytes()); err != nil {
			return fmt.Errorf("cnninte.Interpretation.Save: %w", err)
		}
	}
	if err := zip.Close(); err != nil {
		return fmt.Errorf("cnninte.Interpretation.Save: %w", err)
	}
	return nil
}

// Load reads an interpretation that Save wrote, and joins it with its network. A network of
// another fingerprint is an error that matches ErrModel, anything else that Save did not write
// one that matches ErrFormat. With a nil network there are pictures, and no new instances.
func Load(rd io.Reader, net xai.Layered) (*Interpretation, error) {
	in, err := load(rd)
	if err != nil {
		return nil, fmt.Errorf("cnninte.Load: %w", err)
	}
	if isNil(net) {
		return in, nil
	}
	if got := fingerprint(net); got != in.Provenance.Model {
		return nil, fmt.Errorf("cnninte.Load: the network is %q, the one that was interpreted %q: %w", got, in.Provenance.Model, ErrModel)
	}
	in.net = net
	return in, nil
}

func load(rd io.Reader) (*Interpretation, error) {
	zip, err := gzip.NewReader(bufio.NewReader(rd))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrFormat)
	}
	next := func() (io.Reader, error) {
		var size [8]byte
		if _, err := io.ReadFull(zip, size[:]); err != nil {
			return nil, fmt.Errorf("ends too early: %w: %w", err, ErrFormat)
		}
		n := binary.LittleEndian.Uint64(size[:])
		if n > 1<<40 {
			return nil, fmt.Errorf("claims a part of %d bytes: %w", n, ErrFormat)
		}
		return io.LimitReader(zip, int64(n)), nil
	}
	var s stored
	part, err := next()
	if err != nil {
		return nil, err
	}
	if err := store.Read(part, format, &s); errors.Is(err, ErrFormat) {
		return nil, err
	} else if err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrFormat) // a damaged stream
	}
	in, err := s.interpretation()
	if err != nil {
		return nil, err
	}
	if part, err = next(); err != nil {
		return nil, err
	}
	if in.Tree, err = tree.Load(part); err != nil {
		return nil, fmt.Errorf("meta-level tree: %w: %w", err, ErrFormat)
	}
	for g := range in.Factors {
		if part, err = next(); err != nil {
			return nil, err
		}
		f := &in.Factors[g]
		if f.Forest, err = forest.Load(part); err != nil {
			return nil, fmt.Errorf("forest of factor %d: %w: %w", g+1, err, ErrFormat)
		}
		if d, k := f.Forest.Dims(); d != in.Shape.Size() || k != f.Clusters() {
			return nil, fmt.Errorf("forest of factor %d takes %d values to %d clusters, need %d and %d: %w", g+1, d, k, in.Shape.Size(), f.Clusters(), ErrFormat)
		}
	}
	width := len(in.Questions())
	if d, k := in.Tree.Dims(); d != width || k != len(in.Classes) {
		return nil, fmt.Errorf("the tree takes %d columns to %d classes, need %d and %d: %w", d, k, width, len(in.Classes), ErrFormat)
	}
	// The checksum of the stream is at its end.
	rest, err := io.Copy(io.Discard, zip)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", err, ErrFormat)
	}
	if rest != 0 {
		return nil, fmt.Errorf("%d bytes too many: %w", rest, ErrFormat)
	}
	return in, nil
}

// interpretation checks what was read: nothing in a file is believed.
func (s stored) interpretation() (*Interpretation, error) {
	bad := func(text string, args ...any) error {
		return fmt.Errorf("%s: %w", fmt.Sprintf(text, args...), ErrFormat)
	}
	n, d, classes, neurons := len(s.Labels), s.Shape.Size(), len(s.Classes), s.Reading.Neurons
	if n < 1 || d < 1 || classes < 1 || neurons < 1 || len(s.Factors) < 1 || len(s.Targets) != n || len(s.Identities) != len(s.Factors) {
		return nil, bad("%d instances of %d values, %d classes, %d neurons, %d factors, %d targets", n, d, classes, neurons, len(s.Factors), len(s.Targets))
	}
	in := &Interpretation{
		Settings: s.Settings, Reading: s.Reading, Dead: s.Dead, Classes: s.Classes, Shape: s.Shape, Columns: s.Columns,
		Labels: s.Labels, Targets: s.Targets, Identities: s.Identities, Missing: s.Missing, Provenance: s.Provenance, batch: 256,
	}
	for g, f := range s.Factors {
		k, w := len(f.Sizes), len(f.Neurons)
		if k < 1 || k > maxSets && s.Settings.Sets || w < 1 || len(f.Centroids) != k*w || len(f.Means) != k*d || len(f.Counts) != k || len(f.Nearest) != k ||
			f.Within != nil && (len(f.Within) != k || g == 0) || len(s.Identities[g]) != n ||
			len(f.Cloud.X) != len(f.Cloud.Cluster) || len(f.Cloud.Y) != len(f.Cloud.Cluster) ||
			len(f.Axes) != 0 && (len(f.Axes)%w != 0 || len(f.Axes) > 2*w || len(f.Mean) != w || len(f.Ratio)*w != len(f.Axes)) {
			return nil, bad("factor %d of %d neurons and %d clusters has sizes that do not agree", g+1, w, k)
		}
		for _, check := range []struct {
			list []int
			high int
		}{{f.Neurons, neurons}, {s.Identities[g], k}, {f.Cloud.Cluster, k}, {f.Within, len(s.Factors[0].Sizes)}} {
			for _, v := range check.list {
				if v < 0 || v >= check.high {
					return nil, bad("factor %d has number %d of %d", g+1, v, check.high)
				}
			}
		}
		for c := range k {
			if len(f.Counts[c]) != classes {
				return nil, bad("factor %d counts %d classes of %d", g+1, len(f.Counts[c]), classes)
			}
			for _, e := range f.Nearest[c] {
				if len(e.X) != d || e.Label < 0 || e.Label >= classes {
					return nil, bad("factor %d has an instance of %d values and class %d", g+1, len(e.X), e.Label)
				}
			}
		}
		one := Factor{
			Neurons: f.Neurons, Centroids: mat.NewDense(k, w, f.Centroids), Within: f.Within, Sizes: f.Sizes, Counts: f.Counts,
			Means: mat.NewDense(k, d, f.Means), Nearest: f.Nearest, Cloud: f.Cloud,
			Basis: project.Basis{Mean: f.Mean, Variance: f.Variance, Ratio: f.Ratio, Total: f.Total, Rows: f.Rows},
		}
		if len(f.Axes) > 0 {
			one.Basis.Axes = mat.NewDense(len(f.Axes)/w, w, f.Axes)
		}
		in.Factors = append(in.Factors, one)
	}
	for i := range n {
		if s.Labels[i] < 0 || s.Labels[i] >= classes || s.Targets[i] < 0 || s.Targets[i] >= classes {
			return nil, bad("instance %d has class %d and target %d of %d", i, s.Labels[i], s.Targets[i], classes)
		}
	}
	return in, nil
}
