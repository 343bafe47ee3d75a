package project

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// TSNE draws rows of many values as points of the plane, so that neighbours stay
// neighbours: t-distributed stochastic neighbour embedding (van der Maaten and Hinton, 2008,
// JMLR 9), with the gradient of Barnes and Hut's tree (van der Maaten, 2014, JMLR 15), and
// the initialisation and the step of Kobak and Berens (2019, Nature Communications 10).
//
// Affinities are those of the 3 Perplexity nearest rows, found exactly. For each row i the
// width of a Gaussian is chosen so that p(j|i), proportional to exp(-beta_i d_ij^2), has
// the perplexity asked for; p_ij = (p(j|i) + p(i|j)) / 2n. Gradient descent with momentum
// 0.5 in the early phase and 0.8 after it, and a gain for each coordinate that grows by 0.2
// where it keeps its direction and shrinks to 0.8 of itself where it turns, minimises
//
//	KL = sum of p_ij log(p_ij / q_ij),  q_ij proportional to 1 / (1 + |y_i - y_j|^2)
//
// The default step is that of scikit-learn. It is n / Exaggeration of Belkina et al. (2019,
// Nature Communications 10) and openTSNE, who leave the factor 4 out of the gradient.
//
// A picture depends on the seed, on the perplexity and on the number of iterations; make
// more than one before believing what it shows.
type TSNE struct {
	Perplexity   float64 // effective number of neighbours, from 1 to (n-1)/3; default 30, or (n-1)/3 if that is less
	Exaggeration float64 // factor of all p_ij in the early phase, at least 1, which is none; default 12
	Early        int     // iterations of the early phase; default 250, or Iterations/4 if that is less
	Iterations   int     // all of them, with the early phase; default 1000
	LearningRate float64 // of the gradient of KL; default max(n / Exaggeration / 4, 50)
	Theta        float64 // accuracy of the tree, in (0, 1]: less is more exact and slower; default 0.5
	Exact        bool    // no tree: all pairs, in time that grows with n^2

	// Start holds the first positions, n x 2. The default is the first two principal
	// components, divided so that the first one's standard deviation is 1e-4, with noise of
	// 1e-6 that tells equal rows apart.
	Start *mat.Dense

	Seed uint64 // of the noise
}

// Embedding is the result of TSNE.
type Embedding struct {
	Y        *mat.Dense // n x 2, with mean 0
	KL       float64    // divergence in nats, at least 0: with the kept p_ij, and q_ij normalised over all pairs exactly
	History  []Progress // every 50 iterations
	Settings TSNE       // as used, with defaults filled in; Start as it was
	Tied     int        // rows of which more than Perplexity others are at the same least distance, so that their perplexity is that number
}

// Progress is the state of an optimisation.
type Progress struct {
	Iterations int     // that were done
	KL         float64 // without exaggeration; Z is the tree's estimate
	Gradient   float64 // its length, with exaggeration
}

// Embed computes the positions of the n rows of x, of any number of columns; tens are
// quicker and often better than hundreds, see PCA. It needs 4 rows, and 3 Perplexity + 1 if
// Perplexity is set (ErrFew), that are not all equal (ErrConstant).
func (t TSNE) Embed(ctx context.Context, x *mat.Dense) (Embedding, error) {
	e, err := t.embed(ctx, x)
	if err != nil {
		return Embedding{}, fmt.Errorf("project.TSNE: %w", err)
	}
	return e, nil
}

func (t TSNE) embed(ctx context.Context, x *mat.Dense) (Embedding, error) {
	if err := check("x", x); err != nil {
		return Embedding{}, err
	}
	n, _ := x.Dims()
	t, err := t.settled(n)
	if err != nil {
		return Embedding{}, err
	}
	c := centred(x)
	if c.equal {
		return Embedding{}, fmt.Errorf("all %d rows are equal, so that there is nothing to see: %w", n, ErrConstant)
	}
	y, err := t.first(ctx, c)
	if err != nil {
		return Embedding{}, err
	}
	k := neighbours(t.Perplexity, n-1)
	index, squares, err := nearest(ctx, c.data, c.data, c.d, k, true)
	if err != nil {
		return Embedding{}, err
	}
	p, tied, err := conditional(ctx, squares, k, t.Perplexity)
	if err != nil {
		return Embedding{}, err
	}
	theta := t.Theta
	if t.Exact {
		theta = 0
	}
	o := newObjective(symmetric(index, p, k), theta)
	history, err := t.descend(ctx, o, y)
	if err != nil {
		return Embedding{}, err
	}
	z, err := o.normaliser(ctx, y)
	if err != nil {
		return Embedding{}, err
	}
	kl, err := o.divergence(ctx, y, z)
	if err != nil {
		return Embedding{}, err
	}
	return Embedding{Y: mat.NewDense(n, 2, y), KL: kl, History: history, Settings: t, Tied: tied}, nil
}

// neighbours returns how many neighbours carry a perplexity, of so many that there are.
func neighbours(perplexity float64, most int) int {
	return min(int(3*perplexity+1e-9), most)
}

// settled returns the settings with the defaults for n rows.
func (t TSNE) settled(n int) (TSNE, error) {
	if n < 4 {
		return t, fmt.Errorf("%d rows have no neighbourhoods to keep; pass at least 4: %w", n, ErrFew)
	}
	most := float64(n-1) / 3
	var err error
	if t.Perplexity, err = field("Perplexity", t.Perplexity, min(30, most), 1); err != nil {
		return t, err
	}
	if t.Perplexity > most {
		return t, fmt.Errorf("field Perplexity is %v; %d rows allow (n-1)/3 = %.4g at most, which 0 stands for: %w", t.Perplexity, n, most, ErrFew)
	}
	if t.Exaggeration, err = field("Exaggeration", t.Exaggeration, 12, 1); err != nil {
		return t, err
	}
	if t.LearningRate, err = field("LearningRate", t.LearningRate, max(float64(n)/t.Exaggeration/4, 50), 0); err != nil {
		return t, err
	}
	if t.Iterations == 0 {
		t.Iterations = 1000
	}
	if t.Early == 0 {
		t.Early = min(250, t.Iterations/4)
	}
	switch {
	case t.Iterations < 1:
		return t, fmt.Errorf("field Iterations is %d; it must be at least 1, or 0 for the default 1000", t.Iterations)
	case t.Early < 0 || t.Early > t.Iterations:
		return t, fmt.Errorf("field Early is %d; it must be from 1 to Iterations, %d, or 0 for the default (for no early phase, set Exaggeration to 1)", t.Early, t.Iterations)
	case t.Exact && t.Theta != 0:
		return t, fmt.Errorf("field Theta is %v, but Exact uses no tree; set one of them", t.Theta)
	case !t.Exact && t.Theta == 0:
		t.Theta = 0.5
	case !t.Exact && !(t.Theta > 0 && t.Theta <= 1):
		return t, fmt.Errorf("field Theta is %v; it must be in (0, 1], or 0 for the default 0.5 (for an exact gradient, set Exact)", t.Theta)
	}
	if t.Start != nil {
		if err := check("field Start", t.Start); err != nil {
			return t, err
		}
		if r, c := t.Start.Dims(); r != n || c != 2 {
			return t, fmt.Errorf("field Start is %d x %d; it must be %d x 2: %w", r, c, n, xai.ErrShape)
		}
	}
	return t, nil
}

// first returns the first positions.
func (t TSNE) first(ctx context.Context, c cloud) ([]float64, error) {
	const deviation, noise = 1e-4, 1e-6
	y := make([]float64, 2*c.n)
	if t.Start != nil {
		for i := range c.n {
			y[2*i], y[2*i+1] = t.Start.At(i, 0), t.Start.At(i, 1)
		}
		return y, nil
	}
	k := min(2, c.d)
	axes, variances, _, err := c.components(ctx, k)
	if err != nil {
		return nil, err
	}
	// n-1 as in a basis; the difference to n is beyond what matters here.
	workers().DGEMM(false, true, c.n, k, c.d, deviation/math.Sqrt(variances[0]), c.data, c.d, axes, c.d, 0, y, 2)
	r := seed.Stream(t.Seed, "t-SNE", "start")
	for i := range y {
		y[i] += noise * r.NormFloat64()
	}
	return y, nil
}

// descend moves y.
func (t TSNE) descend(ctx context.Context, o *objective, y []float64) ([]Progress, error) {
	const every = 50
	var (
		grad, step, gain = make([]float64, len(y)), make([]float64, len(y)), make([]float64, len(y))
		history          []Progress
		remark           string
	)
	for i := range gain {
		gain[i] = 1
	}
	for it := range t.Iterations {
		exaggeration, momentum := 1., 0.8
		if it < t.Early {
			exaggeration, momentum = t.Exaggeration, 0.5
		}
		z, err := o.gradient(ctx, grad, y, exaggeration)
		if err != nil {
			return nil, err
		}
		length := norm(grad)
		if math.IsNaN(length) || math.IsInf(length, 0) {
			return nil, fmt.Errorf("after %d iterations the positions are no numbers any more; lower field LearningRate, %v: %w", it, t.LearningRate, ErrDiverged)
		}
		if it%every == 0 {
			kl, err := o.divergence(ctx, y, z)
			if err != nil {
				return nil, err
			}
			history = append(history, Progress{it, kl, length})
			remark = fmt.Sprintf("KL %.3f", kl)
		}
		for i, g := range grad {
			if g*step[i] < 0 { // downhill, as before
				gain[i] += 0.2
			} else {
				gain[i] = max(0.8*gain[i], 0.01)
			}
			step[i] = momentum*step[i] - t.LearningRate*gain[i]*g
			y[i] += step[i]
		}
		progress.ReportDetail(ctx, "t-SNE", it+1, t.Iterations, remark)
	}
	for axis := range 2 {
		mean := 0.0
		for i := axis; i < len(y); i += 2 {
			mean += y[i]
		}
		mean /= float64(len(y) / 2)
		for i := axis; i < len(y); i += 2 {
			y[i] -= mean
		}
	}
	return history, nil
}
