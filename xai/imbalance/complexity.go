package imbalance

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/parallel"
	"github.com/whybook/whybook/xai/neighbors"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// Complexity measures how hard the classes of a table are to tell apart, as a whole and
// each by itself. The zero value follows ECoL, with 5 neighbours.
type Complexity struct {
	Convention Convention // default ECoL
	Distance   Distance   // for neighbourhoods; default: the convention's
	Neighbors  int        // k of kDN, safe level, degOver, CM, CB, D3 and R; default 5, less than the number of rows

	// Sample is the largest number of rows measured at once, at least 10; default 5,000.
	// Of a larger table, stratified samples are drawn Repeats times (default 5) and the
	// values averaged: time grows with the square of the rows, and memory, beside
	// Memory, has about 2 bytes for every pair. Class sizes, C1, C2, IR and T2
	// are those of the whole table.
	Sample  int
	Repeats int

	// Bootstrap is the number of resamples for confidence intervals; default 0, none.
	// Rows are resampled within their class, with what surrounds them as it is: a copy of
	// a row would be its own nearest neighbour, and no resample reaches as far as all rows do,
	// so that F3 and F4 keep the ranges, and F2, which is nothing but ranges, has no interval.
	// F1 and F1v are computed anew; F1v, with its cube of the features or rows, whichever are
	// fewer, is what takes long of hundreds of features.
	Bootstrap int
	Level     float64 // of the intervals, between 0 and 1; default 0.95

	Recall []float64 // of a classifier, for each class in the order of the labels, in [0,1], NaN where not known; default none
	Names  []string  // Names[l] is the class with label l >= 0; default the number
	Seed   uint64    // of interpolation, samples, resamples and permutations
	Memory int       // bytes for searches, which are faster if 8 Sample^2 fit in; default 256 MiB
}

// Measure returns the table for the rows of x (n x m), whose classes are labels: any
// whole numbers, in any order. Rows and labels are not changed.
//
// A class needs two rows: [ErrDegenerateClass] says which one has fewer, among them a class
// in Names without a label. Other errors match [ErrOneClass], [ErrNotFinite], [ErrCount] or
// [xai.ErrShape]. A measure without a value is NaN, and its note says why.
func (o Complexity) Measure(ctx context.Context, x *mat.Dense, labels []int) (Table, error) {
	t, err := o.measure(ctx, x, labels)
	if err != nil {
		return Table{}, fmt.Errorf("imbalance.Complexity: %w", err)
	}
	return t, nil
}

// MeasureSet is Measure for a set, with its names; Names must be empty.
func (o Complexity) MeasureSet(ctx context.Context, set datasets.Set) (Table, error) {
	if err := set.Check(); err != nil {
		return Table{}, fmt.Errorf("imbalance.Complexity: %w", err)
	}
	if len(o.Names) > 0 {
		return Table{}, errors.New("imbalance.Complexity: Names is set, and the set has names; leave it empty")
	}
	o.Names = set.Classes
	t, err := o.Measure(ctx, set.Batch(nil, nil), set.Labels)
	t.Space = inputSpace
	return t, err
}

// inputSpace is the Space of samples as they are.
const inputSpace = "inputs"

// withDefaults fills the fields left at zero, or says which one is wrong.
func (o Complexity) withDefaults() (Complexity, error) {
	for _, f := range []struct {
		name     string
		value    *int
		least, d int
	}{
		{"Neighbors", &o.Neighbors, 1, 5}, {"Sample", &o.Sample, 10, 5000}, {"Repeats", &o.Repeats, 1, 5},
		{"Bootstrap", &o.Bootstrap, 0, 0}, {"Memory", &o.Memory, 1, 256 << 20},
	} {
		if *f.value == 0 {
			*f.value = f.d
		} else if *f.value < f.least {
			return o, fmt.Errorf("field %s is %d, want at least %d, or 0 for %d", f.name, *f.value, f.least, f.d)
		}
	}
	if o.Level == 0 {
		o.Level = 0.95
	}
	switch {
	case !(o.Level > 0 && o.Level < 1):
		return o, fmt.Errorf("field Level is %v, want a number between 0 and 1", o.Level)
	case o.Convention < ECoL || o.Convention > DCoL:
		return o, fmt.Errorf("field Convention is %d, want ECoL, PyMFE, Problexity or DCoL", int(o.Convention))
	case o.Distance < ConventionDistance || o.Distance > ScaledEuclidean:
		return o, fmt.Errorf("field Distance is %d, want Gower, Euclidean or ScaledEuclidean", int(o.Distance))
	}
	if o.Distance == ConventionDistance {
		o.Distance = o.Convention.distance()
	}
	return o, nil
}

func (o Complexity) measure(ctx context.Context, x *mat.Dense, labels []int) (Table, error) {
	o, err := o.withDefaults()
	if err != nil {
		return Table{}, err
	}
	if x == nil || x.IsEmpty() {
		return Table{}, fmt.Errorf("the table is empty: %w", xai.ErrShape)
	}
	n, m := x.Dims()
	if len(labels) != n {
		return Table{}, fmt.Errorf("%d labels for %d rows: %w", len(labels), n, xai.ErrShape)
	}
	for i := range n {
		for j, v := range x.RawRowView(i) {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return Table{}, fmt.Errorf("row %d, column %d is %v; drop the row or fill the gap: %w", i, j, v, ErrNotFinite)
			}
		}
	}
	t := Table{Options: o, Rows: n, Features: m}
	y, err := t.name(o, labels)
	if err != nil {
		return Table{}, err
	}
	if o.Neighbors >= min(n, o.Sample) {
		return Table{}, fmt.Errorf("field Neighbors is %d; %d rows have 1 to %d neighbours each: %w", o.Neighbors, min(n, o.Sample), min(n, o.Sample)-1, ErrCount)
	}
	if o.Recall != nil && len(o.Recall) != len(t.Classes) {
		return Table{}, fmt.Errorf("field Recall has %d values, the table %d classes: %w", len(o.Recall), len(t.Classes), xai.ErrShape)
	}
	for c, r := range o.Recall {
		if r < 0 || r > 1 {
			return Table{}, fmt.Errorf("field Recall: %v for class %q; want shares between 0 and 1, or NaN where not known", r, t.Classes[c].Name)
		}
	}
	whole := newData(x, y, len(t.Classes))
	if n <= o.Sample {
		t.Sampled, t.Repeats = n, 1
	} else {
		t.Sampled, t.Repeats = o.Sample, o.Repeats
	}
	var all []*measured
	for r := range t.Repeats {
		d := whole
		if n > o.Sample {
			d = whole.take(stratify(whole, o.Sample, o.Neighbors, seed.Stream(o.Seed, "sample", r)))
			t.Sampled = d.rows()
		}
		one, err := o.one(ctx, d, seed.Sub(o.Seed, "repeat", r))
		if err != nil {
			if cause := ctx.Err(); cause != nil {
				return Table{}, fmt.Errorf("in sample %d of %d: %w", r+1, t.Repeats, cause)
			}
			return Table{}, err
		}
		all = append(all, one)
		progress.Report(ctx, "complexity", r+1, t.Repeats)
	}
	t.fill(all, whole)
	t.correlate()
	return t, nil
}

// name numbers the labels from 0 in ascending order and lists the classes.
func (t *Table) name(o Complexity, labels []int) ([]int, error) {
	count := map[int]int{}
	for _, l := range labels {
		count[l]++
	}
	for l := range o.Names {
		count[l] += 0 // a class may have a name only
	}
	var known []int
	for l := range count {
		known = append(known, l)
	}
	slices.Sort(known)
	number := map[int]int{}
	for c, l := range known {
		number[l] = c
		name := strconv.Itoa(l)
		if l >= 0 && l < len(o.Names) {
			name = o.Names[l]
		}
		t.Classes = append(t.Classes, Class{Label: l, Name: name, Rows: count[l]})
	}
	if len(known) < 2 {
		return nil, fmt.Errorf("all rows have label %d: %w", labels[0], ErrOneClass)
	}
	for _, c := range t.Classes {
		if c.Rows < 2 {
			return nil, ErrDegenerateClass{Class: c.Name, Need: 2, Have: c.Rows}
		}
	}
	y := make([]int, len(labels))
	for i, l := range labels {
		y[i] = number[l]
	}
	return y, nil
}

// stratify draws about size rows, of each class its share, but k+1 at least (or all), in
// ascending order.
func stratify(d data, size, k int, r *rand.Rand) []int {
	var rows []int
	for _, members := range d.members {
		m := slices.Clone(members)
		r.Shuffle(len(m), func(i, j int) { m[i], m[j] = m[j], m[i] })
		want := int(math.Round(float64(size) * float64(len(m)) / float64(d.rows())))
		rows = append(rows, m[:min(len(m), max(want, k+1))]...)
	}
	slices.Sort(rows)
	return rows
}

// measured is what one sample gave: values of the set and of each class by name, and the
// same of every resample.
type measured struct {
	set     map[string]float64
	class   []map[string]float64
	votes   [][]int // of each class: its rows' k nearest rows by class
	resets  []map[string]float64
	reclass [][]map[string]float64
}

// part of the set that some measures are computed on: all of it, or each pair of classes.
type scope struct {
	rows []int // of the set
	*surroundings
	t1      []int
	net     network
	n4      float64
	pca     int
	balance [2]float64
}

func (o Complexity) one(ctx context.Context, d data, sd uint64) (*measured, error) {
	c := o.Convention
	whole, err := o.scope(ctx, d, nil, sd)
	if err != nil {
		return nil, err
	}
	scopes := []*scope{whole}
	pairs := d.pairs()
	if c == Problexity && len(d.members) > 2 {
		scopes = nil
		next := 0
		for a := range d.members {
			for b := a + 1; b < len(d.members); b++ {
				rows := slices.Concat(d.members[a], d.members[b])
				slices.Sort(rows)
				s, err := o.scope(ctx, pairs[next], rows, seed.Sub(sd, "pair", a, b))
				if err != nil {
					return nil, err
				}
				scopes = append(scopes, s)
				next++
			}
		}
	}
	// Planes for pairs, then for each class against the others.
	k := len(d.members)
	lines := make([]linearity, len(pairs)+k)
	skip := c == DCoL && k > 2
	err = parallel.Blocks(ctx, len(lines), 1, func(i, _ int) (err error) {
		switch {
		case skip:
		case i < len(pairs):
			lines[i], err = measureLinearity(ctx, pairs[i], c, seed.Sub(sd, "plane", i))
		default:
			class := i - len(pairs)
			lines[i], err = classLinearity(ctx, d.against(class), c, seed.Sub(sd, "class plane", class))
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &measured{class: make([]map[string]float64, k)}
	out.set = o.setValues(d, scopes, whole, lines[:len(pairs)], nil, nil)
	for class := range k {
		if out.class[class], err = o.classValues(ctx, d, whole, class, lines[len(pairs)+class], sd); err != nil {
			return nil, err
		}
		out.votes = append(out.votes, whole.votes(d.members[class], nil))
	}
	if skip {
		for _, name := range []string{"L1", "L2", "L3"} {
			out.set[name] = math.NaN()
			for _, values := range out.class {
				values[name] = math.NaN()
			}
		}
	}
	if o.Bootstrap > 0 {
		err = o.resample(ctx, out, d, scopes, whole, lines, sd)
	}
	return out, err
}

// scope measures what needs neighbours on d, whose rows are these of the set.
func (o Complexity) scope(ctx context.Context, d data, rows []int, sd uint64) (*scope, error) {
	ix, err := d.index(o.Distance, o.Convention, o.Memory)
	if err != nil {
		if errors.Is(err, neighbors.ErrNotFinite) {
			return nil, fmt.Errorf("%w: %w", ErrNotFinite, err)
		}
		return nil, err
	}
	s := &scope{rows: rows}
	if s.surroundings, err = look(ctx, d, ix, min(o.Neighbors, d.rows()-1)); err != nil {
		return nil, err
	}
	if s.t1, err = s.spheres(ctx, o.Convention); err != nil {
		return nil, err
	}
	if o.Convention != DCoL {
		net := ix
		if o.Convention == PyMFE && o.Distance == Gower { // closest to pymfe where rows tie
			if net, err = d.index(Gower, ECoL, o.Memory); err != nil {
				return nil, err
			}
		}
		if s.net, err = measureNetwork(ctx, d, net, o.Convention); err != nil {
			return nil, err
		}
	}
	if s.n4, err = s.surroundings.n4(ctx, o.Convention, o.Distance, sd); err != nil {
		return nil, err
	}
	s.pca = components(d.x)
	counts := make([]int, len(d.members))
	for c := range counts {
		counts[c] = len(d.members[c])
	}
	s.balance[0], s.balance[1], _ = balance(counts)
	return s, nil
}

// setValues returns the measures of the whole set: those of a resample, with how often
// each row was drawn, lack what is no mean over the rows.
func (o Complexity) setValues(d data, scopes []*scope, whole *scope, lines []linearity, weights []float64, overlaps []overlap) map[string]float64 {
	c, v := o.Convention, map[string]float64{}
	over := func(f func(s *scope, w []float64) float64) float64 {
		var values []float64
		for _, s := range scopes {
			w := weights
			if weights != nil && s.rows != nil {
				w = make([]float64, len(s.rows))
				for i, r := range s.rows {
					w[i] = weights[r]
				}
			}
			values = append(values, f(s, w))
		}
		return plainMean(values)
	}
	f := d
	if weights != nil {
		var rows []int
		for i, w := range weights {
			for range int(w) {
				rows = append(rows, i)
			}
		}
		f = d.take(rows)
	}
	fs := measureFeatures(f, c, weights == nil)
	v["F1"], v["F1mean"], v["F1v"], v["F2"], v["F3"], v["F4"] = fs.f1, fs.f1mean, fs.f1v, fs.f2, fs.f3, fs.f4
	if weights != nil {
		v["F3"], v["F4"] = resampled(overlaps, c, weights)
	}
	v["N1"] = over(func(s *scope, w []float64) float64 { return s.n1(c, nil, w) })
	v["N2"] = over(func(s *scope, w []float64) float64 { return s.n2(c, w) })
	v["N2sum"] = over(func(s *scope, w []float64) float64 { return s.n2sum(nil, w) })
	v["N3"] = over(func(s *scope, w []float64) float64 { return s.n3(nil, w) })
	v["LSC"] = over(func(s *scope, w []float64) float64 { return s.lsc(nil, w) })
	v["kDN"], v["degOver"], v["CM"] = whole.kdn(nil, weights), whole.degOver(nil, weights), whole.cm(nil, weights)
	v["CB"], v["R"] = whole.caseBase(nil, weights), whole.r(weights)
	if weights != nil {
		v["L1"], v["L2"] = resampledLines(d, lines, c, weights)
		return v
	}
	var l1, l2, l3 []float64
	for _, l := range lines {
		l1, l2, l3 = append(l1, l.l1), append(l2, l.l2), append(l3, l.l3)
	}
	v["L1"], v["L2"], v["L3"] = plainMean(l1), plainMean(l2), plainMean(l3)
	v["N4"] = over(func(s *scope, _ []float64) float64 { return s.n4 })
	v["T1"] = over(func(s *scope, _ []float64) float64 { return float64(len(s.t1)) / float64(s.data.rows()) })
	v["density"] = over(func(s *scope, _ []float64) float64 { return s.net.density })
	v["clsCoef"] = over(func(s *scope, _ []float64) float64 { return s.net.clsCoef })
	v["hubs"] = over(func(s *scope, _ []float64) float64 { return s.net.hubs })
	v["T2"] = over(func(s *scope, _ []float64) float64 { return float64(d.features()) / float64(s.data.rows()) })
	v["T3"] = over(func(s *scope, _ []float64) float64 { return float64(s.pca) / float64(s.data.rows()) })
	v["T4"] = over(func(s *scope, _ []float64) float64 { return float64(s.pca) / float64(d.features()) })
	v["C1"] = over(func(s *scope, _ []float64) float64 { return s.balance[0] })
	v["C2"] = over(func(s *scope, _ []float64) float64 { return s.balance[1] })
	switch c {
	case PyMFE:
		v["C1"] = 1 - v["C1"]
	case DCoL:
		v["T2"] = 1 / v["T2"]
		for _, name := range []string{"LSC", "density", "clsCoef", "hubs", "T3", "T4", "C1", "C2"} {
			v[name] = math.NaN()
		}
	}
	return v
}

// resampledLines returns L1 and L2 with the planes as they are.
func resampledLines(d data, lines []linearity, c Convention, weights []float64) (l1, l2 float64) {
	var first, second []float64
	next := 0
	for a := range d.members {
		for b := a + 1; b < len(d.members); b++ {
			if lines[next].wrong == nil {
				return math.NaN(), math.NaN()
			}
			rows := slices.Concat(d.members[a], d.members[b])
			slices.Sort(rows)
			x, y := lines[next].errors(repeat(rows, weights), c)
			first, second = append(first, x), append(second, y)
			next++
		}
	}
	return plainMean(first), plainMean(second)
}

// repeat lists the places of rows as often as their weights say.
func repeat(rows []int, weights []float64) []int {
	list := []int{}
	for place, row := range rows {
		for range int(weights[row]) {
			list = append(list, place)
		}
	}
	return list
}

// classValues returns the measures of one class.
func (o Complexity) classValues(ctx context.Context, d data, s *scope, class int, l linearity, sd uint64) (map[string]float64, error) {
	v := s.classMeans(class, nil)
	v["L1"], v["L2"], v["L3"] = l.l1, l.l2, l.l3
	v["F2"], v["F3"] = classFeatures(d.against(class))
	centres := 0
	for _, i := range s.t1 {
		centres += int(indicator(d.y[i] == class))
	}
	v["T1"] = float64(centres) / float64(len(d.members[class]))
	for _, i := range d.members[class] {
		v["D3"] += indicator(s.same[i] < float64(s.k)/2)
	}
	n4, err := s.classN4(ctx, class, o.Convention, o.Distance, sd)
	v["N4"] = n4
	return v, err
}

// classMeans returns those that are means over the rows of a class.
func (s *scope) classMeans(class int, weights []float64) map[string]float64 {
	rows := s.data.members[class]
	kinds := s.kinds(rows, weights)
	share, _ := adversary(s.votes(rows, weights), class)
	return map[string]float64{
		"safe": kinds[Safe], "border": kinds[Border], "rare": kinds[Rare], "outlier": kinds[Outlier], "adversary": share,
		"kDN": s.kdn(rows, weights), "degOver": s.degOver(rows, weights), "CM": s.cm(rows, weights),
		"safe level": s.safeLevel(rows, weights), "N1": s.n1(ECoL, rows, weights), "N2": s.n2sum(rows, weights),
		"N3": s.n3(rows, weights), "LSC": s.lsc(rows, weights),
	}
}

// resample draws the rows of each class anew, Bootstrap times.
func (o Complexity) resample(ctx context.Context, out *measured, d data, scopes []*scope, whole *scope, lines []linearity, sd uint64) error {
	pairs := len(lines) - len(d.members)
	out.resets = make([]map[string]float64, o.Bootstrap)
	out.reclass = make([][]map[string]float64, o.Bootstrap)
	overlaps := d.overlaps(o.Convention)
	var done atomic.Int64
	return parallel.Blocks(ctx, o.Bootstrap, 1, func(b, _ int) error {
		weights := redraw(d, seed.Stream(sd, "bootstrap", b))
		out.resets[b] = o.setValues(d, scopes, whole, lines[:pairs], weights, overlaps)
		for class := range d.members {
			v := whole.classMeans(class, weights)
			l := lines[pairs+class]
			v["L1"], v["L2"] = math.NaN(), math.NaN()
			if l.wrong != nil {
				members := d.members[class]
				var drawn []int
				for _, place := range repeat(members, weights) {
					drawn = append(drawn, members[place])
				}
				v["L1"], v["L2"] = l.errors(drawn, o.Convention)
			}
			out.reclass[b] = append(out.reclass[b], v)
		}
		progress.Report(ctx, "complexity: resamples", int(done.Add(1)), o.Bootstrap)
		return nil
	})
}

// redraw returns how often each row is drawn: of each class as many as it has.
func redraw(d data, r *rand.Rand) []float64 {
	weights := make([]float64, d.rows())
	for _, members := range d.members {
		for range members {
			weights[members[r.IntN(len(members))]]++
		}
	}
	return weights
}

// plainMean is NaN if any value is.
func plainMean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
