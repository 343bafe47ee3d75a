package datasets

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/xai/seed"
)

// BlobOptions are the parameters of Blobs. A zero field means its default.
type BlobOptions struct {
	Samples  int     // rows, as equally divided among the classes as possible; default 300
	Classes  int     // clusters, one per class; default 3
	Features int     // informative columns x1, x2, ...; default 2
	Noise    int     // further columns noise1, ... that know nothing of the class; default 0
	Spread   float64 // standard deviation of a cluster in every direction; default 1
	Box      float64 // cluster centres are uniform in [-Box, Box] per column; default 10
}

func (o BlobOptions) withDefaults() BlobOptions {
	set := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	set(&o.Samples, 300)
	set(&o.Classes, 3)
	set(&o.Features, 2)
	if o.Spread == 0 {
		o.Spread = 1
	}
	if o.Box == 0 {
		o.Box = 10
	}
	return o
}

// Blobs describes a table of isotropic Gaussian clusters, one per class, in random order.
// The truth is known: only the first Features columns tell the class. The noise columns
// are normal with mean 0 and deviation Spread.
func Blobs(o BlobOptions) Recipe {
	call := fmt.Sprintf("%+v", o)
	o = o.withDefaults()
	if o.Samples < 1 || o.Classes < 1 || o.Features < 1 || o.Noise < 0 || !(o.Spread > 0) || !(o.Box > 0) {
		return Recipe{err: fmt.Errorf("datasets.Blobs(%s): counts, Spread and Box must not be negative", call)}
	}
	if o.Samples < o.Classes || o.Features > maxValues/o.Samples || o.Noise > maxValues/o.Samples-o.Features {
		return Recipe{err: fmt.Errorf("datasets.Blobs(%s): needs a sample for every class, and at most %d values in all", call, maxValues)}
	}
	return Recipe{origin: o}
}

func (o BlobOptions) key() string { return fmt.Sprintf("Blobs%+v", o) }

func (o BlobOptions) build(_ context.Context, sd uint64) (Set, error) {
	d := o.Features + o.Noise
	s := Set{
		Name:   "blobs",
		Shape:  Shape{1, 1, d},
		Labels: make([]int, o.Samples),
		Values: make([]float64, o.Samples*d),
	}
	for c := range o.Classes {
		s.Classes = append(s.Classes, fmt.Sprintf("blob %d", c))
	}
	for j := range o.Features {
		s.Columns = append(s.Columns, fmt.Sprintf("x%d", j+1))
	}
	for j := range o.Noise {
		s.Columns = append(s.Columns, fmt.Sprintf("noise%d", j+1))
	}

	rng := seed.Stream(sd, "blobs", "centres")
	centres := make([]float64, o.Classes*o.Features)
	for i := range centres {
		centres[i] = o.Box * (2*rng.Float64() - 1)
	}
	rng = seed.Stream(sd, "blobs", "rows")
	for i, p := range rng.Perm(o.Samples) {
		y := p % o.Classes
		s.Labels[i] = y
		row := s.Values[i*d : (i+1)*d]
		for j := range row {
			// The conversion keeps the compiler from fusing product and sum, which
			// would round differently from one kind of processor to another.
			row[j] = float64(o.Spread * rng.NormFloat64())
			if j < o.Features {
				row[j] += centres[y*o.Features+j]
			}
		}
	}
	return s, nil
}
