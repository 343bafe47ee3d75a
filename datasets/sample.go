package datasets

import (
	"fmt"
	"math"
	"slices"

	"github.com/whybook/whybook/xai/seed"
)

// Take keeps n samples, drawn without replacement so that the shares of the classes stay
// the same (largest remainders, ties to the lower class). The samples keep their order.
// An n below 1, or above the number of samples (ErrTooFew), is an error.
func (r Recipe) Take(n int) Recipe {
	if n < 1 {
		return r.fail(take(n).String(), "n must be at least 1")
	}
	return r.then(take(n))
}

type take int

func (n take) String() string { return fmt.Sprintf("Take(%d)", int(n)) }

func (n take) apply(s Set, sd uint64, place int) (Set, error) {
	if int(n) > s.Len() {
		return Set{}, fmt.Errorf("the set %q has only %d samples: %w", s.Name, s.Len(), ErrTooFew)
	}
	picked := pick(s, apportion(s.Counts(), int(n)), seed.Stream(sd, "take", place).Shuffle)
	index := slices.Concat(picked...)
	slices.Sort(index)
	return s.subset(index), nil
}

// Split returns two disjoint recipes that together hold every sample: train with the given
// fraction of them, between 0 and 1, test with the rest. Both keep the shares of the
// classes and the order of the samples. A set that would leave one part empty is an
// error (ErrTooFew).
func (r Recipe) Split(fraction float64) (train, test Recipe) {
	if !(fraction > 0 && fraction < 1) {
		r = r.fail(fmt.Sprintf("Split(%v)", fraction), "fraction must lie between 0 and 1")
		return r, r
	}
	return r.then(split{fraction, false}), r.then(split{fraction, true})
}

type split struct {
	fraction float64
	test     bool
}

func (p split) part() string {
	if p.test {
		return "test"
	}
	return "train"
}

func (p split) String() string { return fmt.Sprintf("Split(%v)/%s", p.fraction, p.part()) }

func (p split) apply(s Set, sd uint64, place int) (Set, error) {
	n := int(math.Round(p.fraction * float64(s.Len())))
	if n == 0 || n == s.Len() {
		return Set{}, fmt.Errorf("the %d samples of %q would leave one part empty: %w", s.Len(), s.Name, ErrTooFew)
	}
	picked := pick(s, apportion(s.Counts(), n), seed.Stream(sd, "split", place).Shuffle)
	inTrain := make([]bool, s.Len())
	for _, i := range slices.Concat(picked...) {
		inTrain[i] = true
	}
	var index []int
	for i, in := range inTrain {
		if in != p.test {
			index = append(index, i)
		}
	}
	s = s.subset(index)
	s.Name += ", " + p.part() + " part"
	return s, nil
}

// LongTail thins the classes out exponentially: of class c = 0..C-1 it keeps
//
//	n_c = int(n_max * f^(c/(C-1)))
//
// samples, so that the first class has 1/f times as many as the last. f is above 0 and
// at most 1. The samples of a class are shuffled and the first n_c taken, and the rows
// are grouped by class, as Cao et al. (2019) make CIFAR-10-LT and Dablain et al. (2024)
// use it. n_max is the size of a class when all classes are equally large, and else the
// largest number for which every class has enough. A class that would be left without
// samples is an error (ErrEmptyClass).
func (r Recipe) LongTail(f float64) Recipe { return r.thin(tail{"LongTail", "long tail", f}) }

// Step thins the second half of the classes out: the first ones keep n_max samples, the
// last C/2 (rounded down) int(n_max * f). All else is as in LongTail.
func (r Recipe) Step(f float64) Recipe { return r.thin(tail{"Step", "step", f}) }

func (r Recipe) thin(t tail) Recipe {
	if !(t.f > 0 && t.f <= 1) {
		return r.fail(t.String(), "the factor must be above 0 and at most 1")
	}
	return r.then(t)
}

type tail struct {
	verb, stream string
	f            float64
}

func (t tail) String() string { return fmt.Sprintf("%s(%v)", t.verb, t.f) }

// share returns the part of n_max that class c of k keeps.
func (t tail) share(c, k int) float64 {
	if t.verb == "LongTail" {
		return math.Pow(t.f, float64(c)/float64(k-1))
	}
	if c < k-k/2 {
		return 1
	}
	return t.f
}

// sizes returns n_c for classes of the given sizes, all above 0.
func (t tail) sizes(counts []int) []int {
	k, nmax := len(counts), math.Inf(1)
	for c, n := range counts {
		nmax = math.Min(nmax, float64(n)/t.share(c, k))
	}
	nmax = math.Floor(nmax)
	sizes := make([]int, k)
	for c := range sizes {
		sizes[c] = int(nmax * t.share(c, k))
	}
	return sizes
}

func (t tail) apply(s Set, sd uint64, place int) (Set, error) {
	if len(s.Classes) < 2 {
		return Set{}, fmt.Errorf("needs at least 2 classes, the set %q has %d", s.Name, len(s.Classes))
	}
	counts := s.Counts()
	if c := slices.Index(counts, 0); c >= 0 {
		return Set{}, fmt.Errorf("class %q of %q: %w", s.Classes[c], s.Name, ErrEmptyClass)
	}
	sizes := t.sizes(counts)
	if c := slices.Index(sizes, 0); c >= 0 {
		return Set{}, fmt.Errorf("nothing would be left of the %d samples of class %q; use a larger factor: %w",
			counts[c], s.Classes[c], ErrEmptyClass)
	}
	picked := pick(s, sizes, seed.Stream(sd, t.stream, place).Shuffle)
	s = s.subset(slices.Concat(picked...))
	s.Name += fmt.Sprintf(", %s %v", t.stream, t.f)
	return s, nil
}

// Only keeps the samples of the named classes, in their order, and relabels them: the
// first name becomes class 0, the second class 1, and so on. A name that the set does
// not have is an error that lists the names (ErrClass).
func (r Recipe) Only(classes ...string) Recipe {
	o := only(slices.Clone(classes))
	if len(o) == 0 {
		return r.fail(o.String(), "name at least one class")
	}
	for i, c := range o {
		if slices.Contains(o[:i], c) {
			return r.fail(o.String(), "class %q is named twice", c)
		}
	}
	return r.then(o)
}

type only []string

func (o only) String() string {
	text := fmt.Sprintf("%q", []string(o))
	return "Only(" + text[1:len(text)-1] + ")"
}

func (o only) apply(s Set, _ uint64, _ int) (Set, error) {
	relabel := make([]int, len(s.Classes))
	for c := range relabel {
		relabel[c] = -1
	}
	for k, name := range o {
		c := slices.Index(s.Classes, name)
		if c < 0 {
			return Set{}, fmt.Errorf("the set %q has no class %q, only %q: %w", s.Name, name, s.Classes, ErrClass)
		}
		relabel[c] = k
	}
	var index []int
	for i, y := range s.Labels {
		if relabel[y] >= 0 {
			index = append(index, i)
		}
	}
	s = s.subset(index)
	for i, y := range s.Labels {
		s.Labels[i] = relabel[y]
	}
	s.Classes = slices.Clone(o)
	return s, nil
}

// apportion divides n among classes of the given sizes in proportion, by largest
// remainders. n is at most the sum of the counts, so no class gets more than it has.
func apportion(counts []int, n int) []int {
	total := 0
	for _, c := range counts {
		total += c
	}
	quota := make([]int, len(counts))
	order := make([]int, len(counts))
	left := n
	for c, have := range counts {
		quota[c] = n * have / total
		left -= quota[c]
		order[c] = c
	}
	slices.SortStableFunc(order, func(a, b int) int { return n*counts[b]%total - n*counts[a]%total })
	for _, c := range order[:left] {
		quota[c]++
	}
	return quota
}

// pick shuffles the members of every class, in the order of the classes, and returns the
// first quota[c] of each.
func pick(s Set, quota []int, shuffle func(n int, swap func(i, j int))) [][]int {
	members := make([][]int, len(s.Classes))
	for i, y := range s.Labels {
		members[y] = append(members[y], i)
	}
	for c, m := range members {
		shuffle(len(m), func(i, j int) { m[i], m[j] = m[j], m[i] })
		members[c] = m[:quota[c]]
	}
	return members
}

// subset returns a set of the given rows, which shares no row memory with s.
func (s Set) subset(index []int) Set {
	d, hw := s.Shape.Size(), s.Shape.Height*s.Shape.Width
	labels := make([]int, len(index))
	for k, i := range index {
		labels[k] = s.Labels[i]
	}
	s.Labels = labels
	s.Pixels = rows(s.Pixels, d, index)
	s.Values = rows(s.Values, d, index)
	s.Masks = rows(s.Masks, hw, index)
	return s
}

// rows gathers rows of d values; nil stays nil.
func rows[T any](from []T, d int, index []int) []T {
	if from == nil {
		return nil
	}
	to := make([]T, 0, len(index)*d)
	for _, i := range index {
		to = append(to, from[i*d:(i+1)*d]...)
	}
	return to
}
