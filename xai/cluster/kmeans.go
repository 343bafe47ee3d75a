package cluster

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/parallel"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// KMeans divides rows among K centroids so that the sum of the squared distances of rows
// from their centroids, the inertia, is small: Lloyd's algorithm from several starts, of
// which the best is kept. Starts are drawn by greedy k-means++ (Arthur and Vassilvitskii
// 2007, with 2 + ln K candidates at each step).
//
// A start runs until no row changes its cluster. Rows whose distances from the centroids cannot
// have changed their order are left out (Hamerly 2010). A row stays where it is unless another
// centroid is nearer. A cluster that loses all its rows takes the row that is farthest from
// its centroid, the first where several are, from a cluster of several rows. From the best
// start on, single rows change clusters where that lowers the inertia although their own
// centroid is nearer, since both centroids follow (Hartigan and Wong 1979). The inertia never
// increases, but for rounding.
type KMeans struct {
	K          int    // clusters, at least 1; no default
	Restarts   int    // default 10
	Iterations int    // over all rows at most, in each start; default 300
	Seed       uint64 // of the starts
}

// Means is a division of rows among centroids.
type Means struct {
	Centroids *mat.Dense // K x d, each the mean of its rows
	Labels    []int      // n, in [0, K)
	Sizes     []int      // rows of each cluster
	Inertia   float64    // sum of squared distances of rows from their centroids

	Objective []float64 // the inertia after each iteration of the start that was kept
	Converged bool      // no single row can lower the inertia by changing its cluster
}

// Fit divides the rows of x, n x d, which is not changed. x must be finite (ErrNotFinite); fewer than K
// different rows are an error that matches ErrTooFew.
func (m KMeans) Fit(ctx context.Context, x *mat.Dense) (*Means, error) {
	c, err := m.fit(ctx, x)
	if err != nil {
		return nil, fmt.Errorf("cluster.KMeans.Fit: %w", err)
	}
	return c, nil
}

func (m KMeans) fit(ctx context.Context, x *mat.Dense) (*Means, error) {
	r, mean, err := newRows(ctx, x, true)
	if err != nil {
		return nil, err
	}
	if err := clusters(m.K, r.n); err != nil {
		return nil, err
	}
	if m.Restarts, err = count("Restarts", m.Restarts, 10); err != nil {
		return nil, err
	}
	if m.Iterations, err = count("Iterations", m.Iterations, 300); err != nil {
		return nil, err
	}
	l := &lloyd{rows: r, k: m.K}
	var best *Means
	for i := range m.Restarts {
		start, err := plusPlus(ctx, r, m.K, m.Seed, "kmeans", i)
		if err != nil {
			return nil, err
		}
		c, err := l.run(ctx, start, m.Iterations)
		if err != nil {
			return nil, err
		}
		if best == nil || c.Inertia < best.Inertia {
			best = c
		}
		progress.Report(ctx, "k-means", i+1, m.Restarts)
	}
	if best.Converged {
		if err := l.exchange(ctx, best, m.Iterations); err != nil {
			return nil, err
		}
	}
	for c := range m.K {
		for j, v := range mean {
			best.Centroids.Set(c, j, best.Centroids.At(c, j)+v)
		}
	}
	return best, nil
}

// Assign returns the nearest centroid of each row of x, n x d, the first where several are.
func (m *Means) Assign(ctx context.Context, x *mat.Dense) ([]int, error) {
	if m == nil || m.Centroids == nil || m.Centroids.IsEmpty() {
		return nil, errors.New("cluster.Means.Assign: there are no centroids; make them with KMeans or MiniBatch")
	}
	r, _, err := newRows(ctx, x, false)
	if err != nil {
		return nil, fmt.Errorf("cluster.Means.Assign: %w", err)
	}
	if _, d := m.Centroids.Dims(); d != r.d {
		return nil, fmt.Errorf("cluster.Means.Assign: rows have %d columns, the centroids %d: %w", r.d, d, xai.ErrShape)
	}
	labels, _, err := assign(ctx, r, mat.DenseCopyOf(m.Centroids).RawMatrix().Data)
	if err != nil {
		return nil, fmt.Errorf("cluster.Means.Assign: %w", err)
	}
	return labels, nil
}

// assign finds the nearest of the centres, k x d, of each row, and its squared distance.
func assign(ctx context.Context, r *rows, centres []float64) (labels []int, d2 []float64, err error) {
	c2 := squares(centres, r.d)
	k := len(c2)
	labels, d2 = make([]int, r.n), make([]float64, r.n)
	err = parallel.Blocks(ctx, r.n, rowsTogether, func(lo, hi int) error {
		dist := make([]float64, (hi-lo)*k)
		distances(dist, r.x[lo*r.d:hi*r.d], r.square[lo:hi], centres, c2, r.d)
		for i := lo; i < hi; i++ {
			labels[i], d2[i] = nearest(dist[(i-lo)*k:][:k])
		}
		return nil
	})
	return labels, d2, err
}

// plusPlus draws k different rows by greedy k-means++ and returns them, k x d: each is the
// candidate that lowers the inertia most of some drawn with probabilities proportional to
// the squared distance from the rows drawn before.
func plusPlus(ctx context.Context, r *rows, k int, sd uint64, path ...any) ([]float64, error) {
	s := seed.Stream(sd, append([]any{"plus plus"}, path...)...)
	trials := 2 + int(math.Log(float64(k)))
	centres := make([]float64, 0, k*r.d)
	left := make([]float64, r.n) // squared distance from the nearest centre
	for i := range left {
		left[i] = math.Inf(1)
	}
	for c := range k {
		var candidates []int
		if c == 0 {
			candidates = []int{s.IntN(r.n)}
		} else {
			total := 0.0
			for _, v := range left {
				total += v
			}
			if total == 0 {
				return nil, fmt.Errorf("field K is %d for %d different rows: %w", k, c, ErrTooFew)
			}
			for range trials {
				candidates = append(candidates, pick(left, s.Float64()*total))
			}
		}
		m := len(candidates)
		at, at2 := make([]float64, 0, m*r.d), make([]float64, 0, m)
		for _, i := range candidates {
			at, at2 = append(at, r.row(i)...), append(at2, r.square[i])
		}
		would := make([]float64, r.n*m) // what left would be
		blocks := (r.n + rowsTogether - 1) / rowsTogether
		sums := make([]float64, blocks*m)
		if err := parallel.Blocks(ctx, r.n, rowsTogether, func(lo, hi int) error {
			w := would[lo*m : hi*m]
			distances(w, r.x[lo*r.d:hi*r.d], r.square[lo:hi], at, at2, r.d)
			sum := sums[lo/rowsTogether*m:][:m]
			for i := lo; i < hi; i++ {
				for j := range m {
					v := &w[(i-lo)*m+j]
					*v = min(*v, left[i])
					sum[j] += *v
				}
			}
			return nil
		}); err != nil {
			return nil, err
		}
		total := make([]float64, m)
		for b := range blocks {
			for j := range m {
				total[j] += sums[b*m+j]
			}
		}
		best, _ := nearest(total)
		for i := range left {
			left[i] = would[i*m+best]
		}
		centres = append(centres, at[best*r.d:(best+1)*r.d]...)
	}
	return centres, nil
}

// pick returns the first index up to which the weights add up to more than at: never one of
// weight 0, whatever rounding does.
func pick(weights []float64, at float64) int {
	last := 0
	for i, w := range weights {
		if w == 0 {
			continue
		}
		if at < w {
			return i
		}
		at -= w
		last = i
	}
	return last
}

// lloyd is k-means from given starts.
type lloyd struct {
	*rows
	k int

	centres, centre2 []float64
	sums             []float64 // of the rows of each cluster
	sizes            []int
	labels           []int
	upper, lower     []float64 // bounds of the distances from the own, and from any other centre
	half             []float64 // of the distance of a centre from the nearest other
	moved            [][]move  // by block of rows
	work             sync.Pool // of *workspace
}

// move is a row that changes its cluster.
type move struct{ row, to int }

func (l *lloyd) run(ctx context.Context, start []float64, iterations int) (*Means, error) {
	l.centres = start
	l.sums, l.sizes, l.half = make([]float64, l.k*l.d), make([]int, l.k), make([]float64, l.k)
	l.labels, l.upper, l.lower = make([]int, l.n), make([]float64, l.n), make([]float64, l.n)
	l.moved = make([][]move, (l.n+rowsTogether-1)/rowsTogether)
	l.work.New = func() any {
		m := min(l.n, rowsTogether)
		return &workspace{make([]int, 0, m), make([]float64, 0, m*l.d/2), make([]float64, 0, m/2), make([]float64, m*l.k)}
	}
	for i := range l.labels {
		l.labels[i] = -1
	}
	out := &Means{}
	squared := 0.0
	for _, v := range l.square {
		squared += v
	}
	all := true // distances are computed for every row
	for !out.Converged && len(out.Objective) < iterations {
		if err := l.sweep(ctx, all); err != nil {
			return nil, err
		}
		changed := l.apply()
		if !changed && all {
			out.Converged = true
			break
		}
		// Nothing moved by the bounds: settled when nothing does by the distances.
		all = !changed
		if err := l.refill(); err != nil {
			return nil, err
		}
		l.update()
		objective := squared
		for c, n := range l.sizes {
			s := l.sums[c*l.d : (c+1)*l.d]
			objective -= dot(s, s) / float64(n)
		}
		if changed {
			out.Objective = append(out.Objective, max(0, objective))
		}
	}
	return out, l.finish(ctx, out)
}

// sweep finds the rows that are nearer to another centre.
func (l *lloyd) sweep(ctx context.Context, all bool) error {
	l.centre2 = squares(l.centres, l.d)
	between := make([]float64, l.k*l.k)
	distances(between, l.centres, l.centre2, l.centres, l.centre2, l.d)
	for c := range l.k {
		between[c*l.k+c] = math.Inf(1)
		_, d2 := nearest(between[c*l.k : (c+1)*l.k])
		l.half[c] = math.Sqrt(d2) / 2
	}
	return parallel.Blocks(ctx, l.n, rowsTogether, func(lo, hi int) error {
		b := lo / rowsTogether
		l.moved[b] = l.moved[b][:0]
		w := l.work.Get().(*workspace)
		defer l.work.Put(w)
		w.which = w.which[:0]
		for i := lo; i < hi; i++ {
			if a := l.labels[i]; all || a < 0 || l.upper[i] > max(l.half[a], l.lower[i]) {
				w.which = append(w.which, i)
			}
		}
		// With a product so fast, copying the rows together pays only when they are few.
		x, x2 := l.x[lo*l.d:hi*l.d], l.square[lo:hi]
		if few := len(w.which) < (hi-lo)/2; few {
			x, x2 = w.x[:0], w.x2[:0]
			for _, i := range w.which {
				x, x2 = append(x, l.row(i)...), append(x2, l.square[i])
			}
		} else {
			w.which = w.which[:0]
			for i := lo; i < hi; i++ {
				w.which = append(w.which, i)
			}
		}
		dist := w.dist[:len(w.which)*l.k]
		distances(dist, x, x2, l.centres, l.centre2, l.d)
		for at, i := range w.which {
			l.choose(b, i, dist[at*l.k:(at+1)*l.k])
		}
		return nil
	})
}

// workspace is what one goroutine needs to sweep a block of rows.
type workspace struct {
	which       []int
	x, x2, dist []float64
}

// choose renews the bounds of row i from its squared distances, and notes its move if another
// centre is nearer.
func (l *lloyd) choose(block, i int, d2 []float64) {
	to, first := nearest(d2)
	second := math.Inf(1)
	if a := l.labels[i]; a >= 0 && a != to && d2[a]-first <= 1e-13*(l.square[i]+l.centre2[a]) {
		to = a // as near, to the digits there are
	}
	for c, v := range d2 {
		if c != to && v < second {
			second = v
		}
	}
	l.upper[i], l.lower[i] = math.Sqrt(max(0, d2[to])), math.Sqrt(max(0, second))
	if to != l.labels[i] {
		l.moved[block] = append(l.moved[block], move{i, to})
	}
}

// apply moves the rows, in their order, and reports whether there were any.
func (l *lloyd) apply() bool {
	changed := false
	for _, list := range l.moved {
		for _, m := range list {
			l.place(m.row, m.to)
			changed = true
		}
	}
	return changed
}

// place puts row i into cluster c.
func (l *lloyd) place(i, c int) {
	x := l.row(i)
	if a := l.labels[i]; a >= 0 {
		s := l.sums[a*l.d : (a+1)*l.d]
		for j, v := range x {
			s[j] -= v
		}
		l.sizes[a]--
	}
	s := l.sums[c*l.d : (c+1)*l.d]
	for j, v := range x {
		s[j] += v
	}
	l.sizes[c]++
	l.labels[i] = c
}

// refill gives every empty cluster the row that is farthest from its centre.
func (l *lloyd) refill() error {
	for c := range l.k {
		if l.sizes[c] > 0 {
			continue
		}
		far, most := -1, 0.0
		for i, a := range l.labels {
			if l.sizes[a] < 2 {
				continue
			}
			if d := distance2(l.row(i), l.centres[a*l.d:(a+1)*l.d]); d > most {
				far, most = i, d
			}
		}
		if far < 0 {
			return fmt.Errorf("field K is %d, and rows fill fewer clusters: %w", l.k, ErrTooFew)
		}
		l.place(far, c)
		l.upper[far], l.lower[far] = math.Inf(1), 0
		copy(l.centres[c*l.d:(c+1)*l.d], l.row(far))
	}
	return nil
}

// update moves the centres to the means, and the bounds by how far they moved.
func (l *lloyd) update() {
	shift := make([]float64, l.k)
	most, next, who := 0.0, 0.0, 0 // the greatest shift, whose it is, and the second
	for c := range l.k {
		at, moved := l.centres[c*l.d:(c+1)*l.d], 0.0
		for j, s := range l.sums[c*l.d : (c+1)*l.d] {
			v := s / float64(l.sizes[c])
			moved += float64((v - at[j]) * (v - at[j]))
			at[j] = v
		}
		shift[c] = math.Sqrt(moved)
		if shift[c] > most {
			most, next, who = shift[c], most, c
		} else {
			next = max(next, shift[c])
		}
	}
	for i, a := range l.labels {
		l.upper[i] += shift[a]
		if a == who {
			l.lower[i] -= next
		} else {
			l.lower[i] -= most
		}
	}
}

// finish sets the result from the labels alone, without what sums have lost by rounding.
func (l *lloyd) finish(ctx context.Context, out *Means) error {
	clear(l.sums)
	for i, a := range l.labels {
		s := l.sums[a*l.d : (a+1)*l.d]
		for j, v := range l.row(i) {
			s[j] += v
		}
	}
	centroids := mat.NewDense(l.k, l.d, nil)
	for c, n := range l.sizes {
		to := centroids.RawRowView(c)
		for j, s := range l.sums[c*l.d : (c+1)*l.d] {
			to[j] = s / float64(n)
		}
	}
	part := make([]float64, len(l.moved))
	err := parallel.Blocks(ctx, l.n, rowsTogether, func(lo, hi int) error {
		for i := lo; i < hi; i++ {
			part[lo/rowsTogether] += distance2(l.row(i), centroids.RawRowView(l.labels[i]))
		}
		return nil
	})
	out.Inertia = 0
	for _, v := range part {
		out.Inertia += v
	}
	out.Centroids, out.Labels, out.Sizes = centroids, l.labels, append([]int{}, l.sizes...)
	return err
}
