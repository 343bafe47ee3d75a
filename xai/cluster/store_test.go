package cluster

import (
	"bytes"
	"errors"
	"io"
	"math"
	"reflect"
	"slices"
	"testing"

	"github.com/whybook/whybook/xai/internal/store"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// all fits every kind of result to rows, and gives the functions that save and load it.
func all(t *testing.T, x *mat.Dense) []kept {
	t.Helper()
	n, _ := x.Dims()
	similar := mat.NewSymDense(n, nil)
	for i := range n {
		for j := i; j < n; j++ {
			similar.SetSym(i, j, math.Exp(-distance2(x.RawRowView(i), x.RawRowView(j))/50))
		}
	}
	means := fit(t, KMeans{K: 4}, x)
	batch, err1 := MiniBatch{K: 4}.Fit(t.Context(), x)
	chosen, err2 := Choice{Max: 5}.Fit(t.Context(), x)
	around, err3 := Medoids{K: 4}.Fit(t.Context(), euclidean(x))
	dense, err4 := HDBSCAN{}.Fit(t.Context(), x)
	spectrum, err5 := Spectral{K: 4}.Fit(t.Context(), similar)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		t.Fatal(err)
	}
	return []kept{
		keep("k-means", means, means.Labels, means.Inertia, means.Save, LoadMeans),
		keep("mini-batch", batch, batch.Labels, math.NaN(), batch.Save, LoadMeans),
		keep("choice", chosen, chosen.Labels, chosen.Inertia, chosen.Save, LoadChosen),
		keep("medoids", around, around.Labels, around.Cost, around.Save, LoadAround),
		keep("HDBSCAN", dense, dense.Labels, dense.Stability[0]+dense.Stability[1]+dense.Stability[2]+dense.Stability[3], dense.Save, LoadDense),
		keep("spectral", spectrum, spectrum.Labels, spectrum.Gap, spectrum.Save, LoadSpectrum),
	}
}

// kept is a result of any kind.
type kept struct {
	name   string
	result any
	labels []int
	value  float64 // that the order of the rows must not change; NaN for none
	save   func(io.Writer) error
	load   func(io.Reader) (any, error)
}

func keep[T any](name string, result *T, labels []int, value float64, save func(io.Writer) error, load func(io.Reader) (*T, error)) kept {
	return kept{name, result, labels, value, save, func(r io.Reader) (any, error) {
		v, err := load(r)
		if v == nil {
			return nil, err
		}
		return v, err
	}}
}

// TestSaveLoad: every result comes back with the same bits; a file of another kind, a damaged
// one and half a one do not.
func TestSaveLoad(t *testing.T) {
	x, _ := blobs(160, 3, 4, 0.5, 1)
	list := all(t, x)
	files := make([]bytes.Buffer, len(list))
	for i, k := range list {
		if err := k.save(&files[i]); err != nil {
			t.Fatalf("%s: %v", k.name, err)
		}
		got, err := k.load(bytes.NewReader(files[i].Bytes()))
		if err != nil || !reflect.DeepEqual(got, k.result) {
			t.Errorf("%s: %+v, want %+v, %v", k.name, got, k.result, err)
		}
	}
	for i, k := range list {
		for j := range files {
			_, err := k.load(bytes.NewReader(files[j].Bytes()))
			if same := i == j || i+j == 1; same != (err == nil) || err != nil && !errors.Is(err, ErrFormat) { // 0 and 1 are Means
				t.Errorf("%s from the file of %s: %v", k.name, list[j].name, err)
			}
		}
		whole := files[i].Bytes()
		damaged := slices.Clone(whole)
		damaged[len(whole)/2] ^= 1
		for _, file := range [][]byte{nil, whole[:len(whole)/2], damaged} {
			if got, err := k.load(bytes.NewReader(file)); got != nil || !errors.Is(err, ErrFormat) {
				t.Errorf("%s from %d of %d bytes: %v, %v", k.name, len(file), len(whole), got, err)
			}
		}
	}
	// What was loaded assigns new rows as before.
	back, err := LoadMeans(bytes.NewReader(files[0].Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := back.Assign(t.Context(), x); err != nil || !slices.Equal(got, list[0].labels) {
		t.Errorf("%v: %v", got, err)
	}
}

// TestForgedFiles: with a right checksum and wrong contents, and results that are none.
func TestForgedFiles(t *testing.T) {
	good := Means{Labels: []int{0, 1}, Sizes: []int{1, 1}}
	centroids := values{2, 1, []float64{3, 4}}
	with := func(change func(*stored[Means])) stored[Means] {
		s := stored[Means]{good, centroids}
		change(&s)
		return s
	}
	means := func(r io.Reader) error { _, err := LoadMeans(r); return err }
	chosen := func(r io.Reader) error { _, err := LoadChosen(r); return err }
	around := func(r io.Reader) error { _, err := LoadAround(r); return err }
	dense := func(r io.Reader) error { _, err := LoadDense(r); return err }
	spectrum := func(r io.Reader) error { _, err := LoadSpectrum(r); return err }
	for _, c := range []struct {
		name, format string
		v            any
		load         func(io.Reader) error
		fine         bool
	}{
		{"means", meansFormat, with(func(*stored[Means]) {}), means, true},
		{"no matrix", meansFormat, with(func(s *stored[Means]) { s.Matrix = values{} }), means, false},
		{"half a matrix", meansFormat, with(func(s *stored[Means]) { s.Matrix.Values = []float64{3} }), means, false},
		{"a large matrix", meansFormat, with(func(s *stored[Means]) { s.Matrix = values{1 << 33, 1 << 33, nil} }), means, false},
		{"NaN", meansFormat, with(func(s *stored[Means]) { s.Matrix.Values = []float64{3, math.NaN()} }), means, false},
		{"label", meansFormat, with(func(s *stored[Means]) { s.Result.Labels = []int{0, 2} }), means, false},
		{"negative label", meansFormat, with(func(s *stored[Means]) { s.Result.Labels = []int{0, -1} }), means, false},
		{"no labels", meansFormat, with(func(s *stored[Means]) { s.Result.Labels, s.Result.Sizes = nil, []int{0, 0} }), means, false},
		{"sizes", meansFormat, with(func(s *stored[Means]) { s.Result.Sizes = []int{2, 0} }), means, false},
		{"inertia", meansFormat, with(func(s *stored[Means]) { s.Result.Inertia = math.Inf(1) }), means, false},
		{"chosen", chosenFormat, stored[Chosen]{Chosen{Means: &good, K: 2, Tried: []int{2, 3}, Silhouettes: []float64{1, 0}}, centroids}, chosen, true},
		{"no means", chosenFormat, stored[Chosen]{Chosen{K: 2, Tried: []int{2}, Silhouettes: []float64{1}}, centroids}, chosen, false},
		{"another K", chosenFormat, stored[Chosen]{Chosen{Means: &good, K: 3, Tried: []int{3}, Silhouettes: []float64{1}}, centroids}, chosen, false},
		{"not tried", chosenFormat, stored[Chosen]{Chosen{Means: &good, K: 2, Tried: []int{3}, Silhouettes: []float64{1}}, centroids}, chosen, false},
		{"silhouettes", chosenFormat, stored[Chosen]{Chosen{Means: &good, K: 2, Tried: []int{2}}, centroids}, chosen, false},
		{"around", aroundFormat, Around{Medoids: []int{0, 2}, Labels: []int{0, 0, 1}, Cost: 1}, around, true},
		{"medoid", aroundFormat, Around{Medoids: []int{0, 3}, Labels: []int{0, 0, 1}, Cost: 1}, around, false},
		{"medoids twice", aroundFormat, Around{Medoids: []int{2, 2}, Labels: []int{0, 0, 1}, Cost: 1}, around, false},
		{"cost", aroundFormat, Around{Medoids: []int{0, 2}, Labels: []int{0, 0, 1}, Cost: math.NaN()}, around, false},
		{"dense", denseFormat, Dense{Labels: []int{0, 0, -1}, Sizes: []int{2}, Stability: []float64{1}}, dense, true},
		{"below -1", denseFormat, Dense{Labels: []int{0, 0, -2}, Sizes: []int{2}, Stability: []float64{1}}, dense, false},
		{"stability", denseFormat, Dense{Labels: []int{0, 0, -1}, Sizes: []int{2}}, dense, false},
		{"spectrum", spectrumFormat, stored[Spectrum]{Spectrum{Labels: []int{0, 0}, K: 1}, centroids}, spectrum, true},
		{"embedding", spectrumFormat, stored[Spectrum]{Spectrum{Labels: []int{0, 0, 0}, K: 1}, centroids}, spectrum, false},
		{"columns", spectrumFormat, stored[Spectrum]{Spectrum{Labels: []int{0, 0}, K: 2}, centroids}, spectrum, false},
		{"eigenvalues", spectrumFormat, stored[Spectrum]{Spectrum{Labels: []int{0, 0}, K: 1, Eigenvalues: []float64{math.NaN()}}, centroids}, spectrum, false},
	} {
		var file bytes.Buffer
		if err := store.Write(&file, c.format, c.v); err != nil {
			t.Fatal(err)
		}
		if err := c.load(&file); c.fine != (err == nil) || err != nil && !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	for i, err := range []error{
		(*Means)(nil).Save(io.Discard), (&Means{}).Save(io.Discard), (*Chosen)(nil).Save(io.Discard), (&Chosen{}).Save(io.Discard),
		(*Around)(nil).Save(io.Discard), (&Around{}).Save(io.Discard), (*Dense)(nil).Save(io.Discard), (&Dense{}).Save(io.Discard),
		(*Spectrum)(nil).Save(io.Discard), (&Spectrum{}).Save(io.Discard),
	} {
		if err == nil {
			t.Errorf("result %d is none, and was saved", i)
		}
	}
}

// TestOrderOfRows: where rows lie clearly together, their order changes names at most.
func TestOrderOfRows(t *testing.T) {
	x, y := blobs(160, 3, 4, 0.5, 1)
	first := all(t, x)
	for _, k := range first {
		if k.name != "HDBSCAN" && rand(t, k.labels, y) != 1 {
			t.Fatalf("%s does not find the blobs", k.name)
		}
	}
	for turn := range 3 {
		perm := seed.Stream(1, "order of rows", turn).Perm(160)
		other := mat.NewDense(160, 3, nil)
		for i, p := range perm {
			other.SetRow(i, x.RawRowView(p))
		}
		for i, k := range all(t, other) {
			back := make([]int, 160)
			for row, p := range perm {
				back[p] = k.labels[row]
			}
			if rand(t, back, first[i].labels) != 1 {
				t.Errorf("%s: the order of the rows matters", k.name)
			}
			if math.Abs(k.value-first[i].value) > 1e-9*first[i].value {
				t.Errorf("%s: %v in another order, was %v", k.name, k.value, first[i].value)
			}
			q, err := Silhouette{}.Measure(t.Context(), other, k.labels)
			before, err2 := Silhouette{}.Measure(t.Context(), x, first[i].labels)
			if errors.Join(err, err2) != nil || math.Abs(q.Mean-before.Mean) > 1e-12 {
				t.Errorf("%s: silhouette %v in another order, was %v, %v, %v", k.name, q.Mean, before.Mean, err, err2)
			}
		}
	}
}
