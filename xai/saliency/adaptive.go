package saliency

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"gonum.org/v1/gonum/mat"
)

// AdaptiveIntegratedGradients is IntegratedGradients with a rule that goes where the
// model bends. The path is cut into segments, each integrated by three Gauss-Legendre
// points, and its error is what its integral misses of the change of f between its ends,
// which the model itself tells. Segments with too large an error are cut in two until the
// sum of the absolute errors is at most Tolerance times |f(x) - f(x')|. On a network of ReLUs
// f is a polygon along the path, and only segments with a kink are cut: where the lines
// through their two ends meet, which is the kink if there is one only, and every other time
// in the middle.
//
// Report.Completeness has the bound that was reached. The work stops above the tolerance,
// which is no error, when a row has used Limit segments or when cutting no longer helps:
// where a segment's error is not more than what rounding in the model makes of it, its parts
// would have as much each. That rounding is measured, from differences of the scores at points
// too near to each other to differ otherwise. A model in float32 seldom allows a relative
// tolerance below 1e-4; one in float64 allows 1e-9.
type AdaptiveIntegratedGradients struct {
	Tolerance float64   // largest completeness error, relative to the change of f; default 1e-6
	Segments  int       // segments at the start; default 16
	Limit     int       // segments that a row may use; default 4096
	Baseline  []float64 // x', d values in the input's units; default zeros
	Batch     int       // points in flight; default 64
}

// Signed implements Method.
func (AdaptiveIntegratedGradients) Signed() bool { return true }

// segment is a part of the path from a to b in [0,1].
type segment struct {
	a, b   float64
	fa, fb float64    // the score at the ends
	mid    float64    // the score in the middle
	sum    float64    // integral of the directional derivative
	slope  [3]float64 // that derivative at the three points
	met    bool       // made by a cut where two lines meet
}

// cut returns where to cut the segment: where the line through its left end, with the slope
// at the first point, meets the one through its right end. Where both slopes are the same a
// kink lies beyond the outer points, on the side that the score in the middle tells. What
// such a cut has made is cut in the middle the next time, so that segments shrink whatever
// the model does.
func (s segment) cut() (at float64, met bool) {
	mid, width := (s.a+s.b)/2, s.b-s.a
	if s.met {
		return mid, false
	}
	if left, right := s.slope[0], s.slope[2]; left != right {
		at = ((s.fb - right*s.b) - (s.fa - left*s.a)) / (left - right)
	}
	if !(at > s.a && at < s.b) {
		first, _ := threePoint(s, 0)
		last, _ := threePoint(s, 2)
		at = last
		if math.Abs(s.fa+s.slope[1]*width/2-s.mid) > math.Abs(s.fb-s.slope[1]*width/2-s.mid) {
			at = first
		}
	}
	if at-s.a < minWidth || s.b-at < minWidth {
		return mid, false
	}
	return at, true
}

// miss is the error of the segment: its integral minus the change of f.
func (s segment) miss() float64 { return s.sum - (s.fb - s.fa) }

// minWidth is the shortest segment that is cut: below, t cannot tell its points apart.
const minWidth = 1.0 / (1 << 44)

// Attribute implements Method. Memory grows with Limit by a few numbers for each segment
// only: the gradients of the final segments are taken a second time, and summed in order
// along the path.
func (ig AdaptiveIntegratedGradients) Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in Batch) (Report, error) {
	if err := in.Check(f, dst); err != nil {
		return Report{}, err
	}
	n, d := in.X.Dims()
	tolerance, err := amount("Tolerance", ig.Tolerance, 1e-6)
	if err != nil {
		return Report{}, err
	}
	start, err := count("Segments", ig.Segments, 16)
	if err != nil {
		return Report{}, err
	}
	limit, err := count("Limit", ig.Limit, 4096)
	if err != nil {
		return Report{}, err
	}
	size, err := count("Batch", ig.Batch, 64)
	if err != nil {
		return Report{}, err
	}
	if limit < start {
		return Report{}, fmt.Errorf("field Limit is %d, less than the %d segments at the start", limit, start)
	}
	baseline := ig.Baseline
	if baseline == nil {
		baseline = make([]float64, d)
	}
	if err := checkBaselines([][]float64{baseline}, d); err != nil {
		return Report{}, err
	}
	dst.Zero()
	report := Report{Completeness: make([]Completeness, n)}
	for i := range n {
		row := in // of row i alone: rows need different segments
		row.X, row.Targets = in.X.Slice(i, i+1, 0, d).(*mat.Dense), in.Targets[i:i+1]
		line := path{f: f, in: row, baseline: baseline, size: size}
		if err := line.walk(ctx, tolerance, start, limit); err != nil {
			return Report{}, fmt.Errorf("row %d: %w", i, err)
		}
		if err := line.integrate(ctx, dst.RawRowView(i)); err != nil {
			return Report{}, fmt.Errorf("row %d: %w", i, err)
		}
		c := &report.Completeness[i]
		for _, v := range dst.RawRowView(i) {
			c.Sum += v
		}
		c.Change = line.change
		c.Bound = max(line.bound(), math.Abs(c.Error())) // the second covers the rounding of Sum
		report.Passes = max(report.Passes, line.passes)
		progress.Report(ctx, "adaptive integrated gradients", i+1, n)
	}
	return report, nil
}

// path is the straight line from a baseline to the only row of in.
type path struct {
	f        xai.Differentiable
	in       Batch
	baseline []float64
	size     int

	segments []segment // in order, without gaps
	change   float64   // f(x) - f(x')
	passes   int
}

func (p *path) bound() float64 {
	sum := 0.0
	for _, s := range p.segments {
		sum += math.Abs(s.miss())
	}
	return sum
}

// walk cuts the path into segments until their errors sum to the tolerance.
func (p *path) walk(ctx context.Context, tolerance float64, start, limit int) error {
	ends := make([]float64, start+1)
	scores := sweep{
		task: "path", per: start + 1, size: p.size,
		point: func(dst []float64, _, s int) {
			between(dst, p.baseline, p.in.X.RawRowView(0), float64(s)/float64(start))
		},
		use: func(_, s int, _, scores []float64) { ends[s] = scores[p.in.Targets[0]] },
	}
	if err := scores.run(ctx, p.f, p.in); err != nil {
		return err
	}
	p.passes, p.change = start+1, ends[start]-ends[0]
	variation := 0.0
	for s := range start {
		p.segments = append(p.segments, segment{a: float64(s) / float64(start), b: float64(s+1) / float64(start), fa: ends[s], fb: ends[s+1]})
		variation += math.Abs(ends[s+1] - ends[s])
	}
	if err := p.evaluate(ctx, p.segments); err != nil {
		return err
	}
	goal := tolerance * math.Abs(p.change)
	if goal == 0 { // f ends where it began
		goal = tolerance * variation
	}
	noise, many := 0.0, 16
	for {
		bound := p.bound()
		if !(bound > goal) {
			return nil
		}
		// If all errors were at most their share, the bound would be reached: some are not.
		share := goal / float64(len(p.segments))
		if rough := p.rough(max(share, noise)); len(rough) >= many { // kinks are few, rounding is everywhere
			measured, err := p.noise(ctx, rough)
			if err != nil {
				return err
			}
			noise, many = max(noise, measured), 2*len(rough)
		}
		var next, large []segment
		room := limit - len(p.segments)
		for _, s := range p.segments {
			if room > 0 && math.Abs(s.miss()) > max(share, noise) && s.b-s.a > minWidth {
				large = append(large, s)
				room--
				continue
			}
			next = append(next, s)
		}
		if len(large) == 0 {
			return nil
		}
		parts, err := p.cut(ctx, large)
		if err != nil {
			return err
		}
		p.segments = append(next, parts...)
		slices.SortFunc(p.segments, func(s, t segment) int {
			if s.a < t.a {
				return -1
			}
			return 1
		})
	}
}

// cut cuts segments in two and evaluates the parts.
func (p *path) cut(ctx context.Context, segments []segment) ([]segment, error) {
	parts := make([]segment, 0, 2*len(segments))
	for _, s := range segments {
		at, met := s.cut()
		parts = append(parts, segment{a: s.a, b: at, fa: s.fa, fb: s.mid, met: met}, segment{a: at, b: s.b, fa: s.mid, fb: s.fb, met: met})
	}
	scores := sweep{
		task: "path", per: len(segments), size: p.size,
		point: func(dst []float64, _, s int) { between(dst, p.baseline, p.in.X.RawRowView(0), parts[2*s].b) },
		use: func(_, s int, _, scores []float64) {
			parts[2*s].fb = scores[p.in.Targets[0]]
			parts[2*s+1].fa = parts[2*s].fb
		},
	}
	if err := scores.run(ctx, p.f, p.in); err != nil {
		return nil, err
	}
	p.passes += len(segments)
	return parts, p.evaluate(ctx, parts)
}

// rough returns the segments with an error above the given one.
func (p *path) rough(above float64) []segment {
	var list []segment
	for _, s := range p.segments {
		if math.Abs(s.miss()) > above {
			list = append(list, s)
		}
	}
	return list
}

// noise returns the error that rounding in the model explains, as it is in the given segments.
// The fourth difference of the score over points at most 2^-18 apart has little else in it: a smooth
// curve leaves 2^-72 of its fourth derivative, while the independent rounding of five scores
// is magnified by the root of 70. Kinks between the points are possible but not everywhere, so
// the median of the differences counts. Where the score hardly moves its rounding does
// not show in them, but in its digits: a model whose scores are all float32 numbers rounds
// to them.
func (p *path) noise(ctx context.Context, in []segment) (float64, error) {
	const places, nearest = 16, 1.0 / (1 << 18)
	weights := [...]float64{1, -4, 6, -4, 1}
	var bends [places]float64
	single, size := true, 0.0
	points := sweep{
		task: "path", per: places * len(weights), size: p.size,
		point: func(dst []float64, _, s int) {
			place := s / len(weights)
			at := in[place*len(in)/places]
			t := at.a + (at.b-at.a)*math.Mod(0.618*float64(place+1), 1)
			near := min(nearest, (at.b-at.a)/64) // or the kink of a short segment would be among them
			between(dst, p.baseline, p.in.X.RawRowView(0), t+near*float64(s%len(weights)-2))
		},
		use: func(_, s int, _, row []float64) {
			f := row[p.in.Targets[0]]
			bends[s/len(weights)] += weights[s%len(weights)] * f
			single, size = single && float64(float32(f)) == f, max(size, math.Abs(f))
		},
	}
	if err := points.run(ctx, p.f, p.in); err != nil {
		return 0, err
	}
	p.passes += points.per
	for i, b := range bends {
		bends[i] = math.Abs(b)
	}
	slices.Sort(bends[:])
	rounding := 4 * bends[places/2]
	if single {
		rounding = max(rounding, size/(1<<22))
	}
	return rounding, nil
}

// threePoint returns the Gauss-Legendre point k of a segment and its weight. The middle
// one gives the score in the middle.
func threePoint(s segment, k int) (at, weight float64) {
	const outer = 0.7745966692414834 // sqrt(3/5)
	mid, width := (s.a+s.b)/2, s.b-s.a
	switch k {
	case 0:
		return mid - outer*width/2, width * 5 / 18
	case 1:
		return mid, width * 8 / 18
	}
	return mid + outer*width/2, width * 5 / 18
}

// evaluate fills mid and sum of the segments.
func (p *path) evaluate(ctx context.Context, segments []segment) error {
	x := p.in.X.RawRowView(0)
	p.passes += 3 * len(segments)
	return p.gradients(ctx, segments, func(k int, s *segment, gradient, scores []float64) {
		slope := 0.0
		for j, g := range gradient {
			slope += g * (x[j] - p.baseline[j])
		}
		_, w := threePoint(*s, k)
		s.sum += w * slope
		s.slope[k] = slope
		if k == 1 {
			s.mid = scores[p.in.Targets[0]]
		}
	})
}

// integrate adds the integral over all segments to row.
func (p *path) integrate(ctx context.Context, row []float64) error {
	x := p.in.X.RawRowView(0)
	p.passes += 3 * len(p.segments)
	return p.gradients(ctx, p.segments, func(k int, s *segment, gradient, _ []float64) {
		_, w := threePoint(*s, k)
		for j, g := range gradient {
			row[j] += w * g * (x[j] - p.baseline[j])
		}
	})
}

func (p *path) gradients(ctx context.Context, segments []segment, use func(k int, s *segment, gradient, scores []float64)) error {
	points := sweep{
		task: "path", per: 3 * len(segments), size: p.size, gradients: true,
		point: func(dst []float64, _, s int) {
			t, _ := threePoint(segments[s/3], s%3)
			between(dst, p.baseline, p.in.X.RawRowView(0), t)
		},
		use: func(_, s int, gradient, scores []float64) { use(s%3, &segments[s/3], gradient, scores) },
	}
	return points.run(ctx, p.f, p.in)
}

var _ Method = AdaptiveIntegratedGradients{}
