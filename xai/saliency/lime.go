package saliency

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// LIME fits a linear model to the score around the input (Ribeiro, Singh and Guestrin,
// 2016, arXiv:1602.04938). The image is cut into superpixels; in each sample a random
// half of them, z in {0,1}^G, is kept and the rest filled. The map is the coefficient w_g
// of each superpixel in the ridge regression
//
//	min over w, b of sum_s pi_s (f(x_s) - b - w.z_s)^2 + Ridge ||w||^2
//	pi = sqrt(exp(-D^2 / Width^2)),  D = 1 - cosine(z, ones) = 1 - sqrt(|z|/G)
//
// as in the authors' code, whose defaults these are. Superpixels are those of SLIC; the
// code's default, quickshift, is another algorithm. All values of a superpixel, in all
// channels, get its coefficient. A superpixel of one colour is its own mean: filling it
// changes nothing, and it gets about 0 however much the model depends on it. Give a Baseline
// where such regions may matter.
type LIME struct {
	Samples     int       // default 1000; the first is the input itself
	Superpixels int       // wanted, about; default 50
	Compactness float64   // of SLIC, for colours in units of High - Low: larger is squarer; default 0.1
	Patch       int       // side of square patches in pixels, instead of superpixels; a table is always cut into columns
	Baseline    []float64 // what fills, d values in the input's units; default the mean of each superpixel and channel, zeros for a table
	Width       float64   // of the kernel; default 0.25
	Ridge       float64   // default 1
	Seed        uint64    // of the samples
	Batch       int       // images in flight; default 64
}

// Signed implements Method.
func (LIME) Signed() bool { return true }

// Attribute implements Method.
func (m LIME) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in Batch) (Report, error) {
	if err := in.Check(f, dst); err != nil {
		return Report{}, err
	}
	local, passes, err := m.fit(ctx, f, in, func(i int) []int { return in.Targets[i : i+1] })
	if err != nil {
		return Report{}, err
	}
	for i, l := range local {
		w, _, err := l.solve(0)
		if err != nil {
			return Report{}, fmt.Errorf("row %d: %w", i, err)
		}
		spread(dst, i, l.group, w)
	}
	return Report{Passes: passes}, nil
}

// Local returns what the local linear models, one for each score, say of the rows themselves,
// where every superpixel is kept: the n x k numbers b + sum_g w_g. The share of rows where the
// greatest of them is that of f is the fidelity of LIME to f. The targets of in do not matter.
func (m LIME) Local(ctx context.Context, f xai.Differentiable, in Batch) (*mat.Dense, error) {
	if in.X == nil || in.X.IsEmpty() {
		return nil, fmt.Errorf("saliency.LIME.Local: no rows: %w", xai.ErrShape)
	}
	n, d := in.X.Dims()
	in.Targets = make([]int, n)
	if err := in.Check(f, mat.NewDense(n, d, nil)); err != nil {
		return nil, fmt.Errorf("saliency.LIME.Local: %w", err)
	}
	_, k := f.Dims()
	all := make([]int, k)
	for c := range all {
		all[c] = c
	}
	local, _, err := m.fit(ctx, f, in, func(int) []int { return all })
	if err != nil {
		return nil, fmt.Errorf("saliency.LIME.Local: %w", err)
	}
	out := mat.NewDense(n, k, nil)
	for i, l := range local {
		for c := range k {
			w, b, err := l.solve(c)
			if err != nil {
				return nil, fmt.Errorf("saliency.LIME.Local: row %d: %w", i, err)
			}
			out.Set(i, c, b+floats.Sum(w))
		}
	}
	return out, nil
}

// fit gathers, for the given scores of each row, the moments of its samples. It returns how
// many there are.
func (m LIME) fit(ctx context.Context, f xai.Differentiable, in Batch, targets func(i int) []int) ([]*surrogate, int, error) {
	samples, err := count("Samples", m.Samples, 1000)
	if err != nil {
		return nil, 0, err
	}
	size, err := count("Batch", m.Batch, 64)
	if err != nil {
		return nil, 0, err
	}
	width, err := amount("Width", m.Width, 0.25)
	if err != nil {
		return nil, 0, err
	}
	ridge, err := amount("Ridge", m.Ridge, 1)
	if err != nil {
		return nil, 0, err
	}
	local, err := m.cut(in)
	if err != nil {
		return nil, 0, err
	}
	for i, l := range local {
		l.ridge, l.targets = ridge, targets(i)
		l.zy = make([][]float64, len(l.targets))
		for t := range l.zy {
			l.zy[t] = make([]float64, l.groups+1)
		}
	}

	z := make([]bool, 0)
	draw := func(i, s int) []bool {
		z = z[:0]
		r := seed.Stream(m.Seed, "lime", s)
		for range local[i].groups {
			z = append(z, s == 0 || r.Uint64()&1 == 1)
		}
		return z
	}
	hw := in.Shape.Height * in.Shape.Width
	perturb := sweep{
		task: "LIME", per: samples, size: size,
		point: func(dst []float64, i, s int) {
			keep, l := draw(i, s), local[i]
			for j, v := range in.X.RawRowView(i) {
				if dst[j] = v; !keep[l.group[j%hw]] {
					dst[j] = l.fill[j]
				}
			}
		},
		use: func(i, s int, _, scores []float64) { local[i].add(draw(i, s), scores, width) },
	}
	return local, samples, perturb.run(ctx, f, in)
}

// cut makes the superpixels of each row.
func (m LIME) cut(in Batch) ([]*surrogate, error) {
	n, d := in.X.Dims()
	hw := in.Shape.Height * in.Shape.Width
	want, err := count("Superpixels", m.Superpixels, min(50, hw))
	if err != nil {
		return nil, err
	}
	compactness, err := amount("Compactness", m.Compactness, 0.1)
	if err != nil {
		return nil, err
	}
	patch, err := patchSize(m.Patch, 1, in.Shape)
	if err != nil {
		return nil, err
	}
	switch {
	case m.Patch != 0 && m.Superpixels != 0:
		return nil, fmt.Errorf("fields Patch and Superpixels are both set; keep one")
	case want > hw:
		return nil, fmt.Errorf("field Superpixels is %d for an image of %d pixels", want, hw)
	}
	if m.Baseline != nil {
		if err := checkBaselines([][]float64{m.Baseline}, d); err != nil {
			return nil, err
		}
	}
	table := in.High == in.Low
	list := make([]*surrogate, n)
	for i := range list {
		x, l := in.X.RawRowView(i), &surrogate{fill: m.Baseline}
		if table || m.Patch != 0 {
			l.group, l.groups = tiles(in.Shape, patch)
		} else {
			l.group, l.groups = superpixels(x, in.Shape, want, compactness, in.High-in.Low)
		}
		if l.fill == nil {
			l.fill = make([]float64, d)
			if !table {
				l.means(x)
			}
		}
		l.zz = mat.NewSymDense(l.groups+1, nil)
		list[i] = l
	}
	return list, nil
}

// surrogate is the linear models of one row: its regions, and the weighted moments of the
// samples, with a last regressor that is always 1.
type surrogate struct {
	group  []int // of each pixel
	groups int
	fill   []float64

	ridge   float64
	targets []int // the scores that have a model
	zz      *mat.SymDense
	zy      [][]float64 // one for each target
}

// means fills each region with its mean, channel by channel.
func (l *surrogate) means(x []float64) {
	hw := len(l.group)
	sum, members := make([]float64, l.groups), make([]float64, l.groups)
	for c := 0; c < len(x); c += hw {
		clear(sum)
		clear(members)
		for p, g := range l.group {
			sum[g] += x[c+p]
			members[g]++
		}
		for p, g := range l.group {
			l.fill[c+p] = sum[g] / members[g]
		}
	}
}

func (l *surrogate) add(z []bool, scores []float64, width float64) {
	kept := 0
	for _, on := range z {
		if on {
			kept++
		}
	}
	far := (1 - math.Sqrt(float64(kept)/float64(l.groups))) / width
	weight := math.Sqrt(math.Exp(-far * far))
	for g := 0; g <= l.groups; g++ {
		if g < l.groups && !z[g] {
			continue
		}
		for t, k := range l.targets {
			l.zy[t][g] += weight * scores[k]
		}
		for k := g; k <= l.groups; k++ {
			if k == l.groups || z[k] {
				l.zz.SetSym(g, k, l.zz.At(g, k)+weight)
			}
		}
	}
}

// solve returns the coefficients and the intercept of the model of a target. The intercept is
// not penalised: moments are centred.
func (l *surrogate) solve(target int) (coefficients []float64, intercept float64, err error) {
	g, zy := l.groups, l.zy[target]
	total := l.zz.At(g, g)
	a, b := mat.NewSymDense(g, nil), mat.NewVecDense(g, nil)
	for r := range g {
		b.SetVec(r, zy[r]-l.zz.At(r, g)*zy[g]/total)
		for c := r; c < g; c++ {
			a.SetSym(r, c, l.zz.At(r, c)-l.zz.At(r, g)*l.zz.At(c, g)/total)
		}
		a.SetSym(r, r, a.At(r, r)+l.ridge)
	}
	var chol mat.Cholesky
	w := mat.NewVecDense(g, nil)
	if !chol.Factorize(a) {
		return nil, 0, fmt.Errorf("the regression over %d superpixels has no solution; raise Samples or Ridge", g)
	}
	if err := chol.SolveVecTo(w, b); err != nil {
		return nil, 0, fmt.Errorf("the regression over %d superpixels is ill-conditioned; raise Samples or Ridge: %w", g, err)
	}
	coefficients = w.RawVector().Data
	intercept = zy[g] / total
	for r, v := range coefficients {
		intercept -= v * l.zz.At(r, g) / total
	}
	return coefficients, intercept, nil
}

var _ Method = LIME{}
