package imbalance

import (
	"context"
	"math"

	"github.com/whybook/whybook/xai/neighbors"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// surroundings is what the neighbourhood measures are made of: one value for each row.
type surroundings struct {
	data  data
	index *neighbors.Index
	k     int

	same   []float64 // s_i, of the k nearest rows those of the row's class
	case1  []float64 // mean over q = 1..k of the share of the q nearest that are of its class
	safe   []float64 // safe level, 0 to 1
	wrong  []float64 // 1 if the nearest row is of another class
	mixed  []float64 // 1 if the spanning tree joins the row to another class
	edges  int       // of the tree between classes
	near   []float64 // distance to the nearest other row of the class
	enemy  []float64 // distance to the nearest row of another class
	rival  []int     // that row
	second []float64 // distance to the second nearest such row, +Inf if there is none
	local  []float64 // rows closer than the nearest enemy, the row itself among them
	others [][]int   // of the k nearest rows, how many are of each class
}

func newSurroundings(d data, k int) *surroundings {
	s := &surroundings{data: d, k: k}
	for _, v := range []*[]float64{&s.same, &s.case1, &s.safe, &s.wrong, &s.mixed, &s.near, &s.enemy, &s.second, &s.local} {
		*v = make([]float64, d.rows())
	}
	s.rival, s.others = make([]int, d.rows()), make([][]int, d.rows())
	return s
}

// look finds what is around each row.
func look(ctx context.Context, d data, ix *neighbors.Index, k int) (*surroundings, error) {
	s := newSurroundings(d, k)
	s.index = ix
	near, err := ix.Nearest(ctx, k)
	if err != nil {
		return nil, err
	}
	friends, err := ix.Friends(ctx, d.y, 1)
	if err != nil {
		return nil, err
	}
	enemies, err := ix.Enemies(ctx, d.y, min(2, d.rows()-1))
	if err != nil {
		return nil, err
	}
	s.vote(near)
	for i := range d.y {
		s.near[i] = friends.Distance[i]
		index, distance := enemies.At(i)
		s.rival[i], s.enemy[i], s.second[i] = index[0], distance[0], distance[len(distance)-1]
	}
	closer, err := ix.Closer(ctx, s.enemy)
	if err != nil {
		return nil, err
	}
	for i, count := range closer {
		s.local[i] = float64(count)
		if s.enemy[i] > 0 {
			s.local[i]++ // the row itself
		}
	}
	tree, err := ix.SpanningTree(ctx)
	if err != nil {
		return nil, err
	}
	for _, e := range tree {
		if d.y[e.From] != d.y[e.To] {
			s.mixed[e.From], s.mixed[e.To] = 1, 1
			s.edges++
		}
	}
	return s, nil
}

// vote counts the classes among the k nearest rows.
func (s *surroundings) vote(near neighbors.Lists) {
	d, k := s.data, float64(s.k)
	for i, c := range d.y {
		index, _ := near.At(i)
		s.others[i] = make([]int, len(d.members))
		for q, j := range index {
			s.others[i][d.y[j]]++
			s.case1[i] += float64(s.others[i][c]) / float64(q+1) / k
		}
		s.same[i] = float64(s.others[i][c])
		s.wrong[i] = indicator(d.y[index[0]] != c)
		for o, count := range s.others[i] {
			a, b := float64(len(d.members[c])), float64(len(d.members[o]))
			s.safe[i] += float64(count) * min(a, b) / max(a, b) / k
		}
	}
}

// The functions below take weights, one for each row, all 1 if nil: how often a resample
// has drawn it.

// weighted returns the mean of f over some rows, all if nil.
func (s *surroundings) weighted(rows []int, weights []float64, f func(i int) float64) float64 {
	var sum, total float64
	add := func(i int) {
		w := 1.0
		if weights != nil {
			w = weights[i]
		}
		if v := f(i); w > 0 && !math.IsNaN(v) {
			sum += w * v
			total += w
		}
	}
	if rows == nil {
		for i := range s.data.y {
			add(i)
		}
	}
	for _, i := range rows {
		add(i)
	}
	return sum / total
}

// n1 is the share of rows on an edge of the minimum spanning tree between classes; in
// Problexity the number of such edges over 2n, which a resample cannot weigh.
func (s *surroundings) n1(c Convention, rows []int, weights []float64) float64 {
	if c == Problexity && rows == nil {
		if weights != nil {
			return math.NaN()
		}
		return float64(s.edges) / float64(2*s.data.rows())
	}
	return s.weighted(rows, weights, func(i int) float64 { return s.mixed[i] })
}

// n2sum is the survey's N2: r/(1+r) with r the ratio of the sums of the distances to the
// nearest row of the class and to the nearest enemy.
func (s *surroundings) n2sum(rows []int, weights []float64) float64 {
	r := s.ratio(s.enemy, rows, weights)
	return part(r)
}

func (s *surroundings) ratio(enemy []float64, rows []int, weights []float64) float64 {
	return s.weighted(rows, weights, func(i int) float64 { return s.near[i] }) /
		s.weighted(rows, weights, func(i int) float64 { return enemy[i] })
}

// part returns r/(1+r), 1 for infinite r.
func part(r float64) float64 {
	if math.IsInf(r, 1) {
		return 1
	}
	return r / (1 + r)
}

// n2 is N2 as the convention has it, of all rows.
func (s *surroundings) n2(c Convention, weights []float64) float64 {
	switch c {
	case Problexity:
		return part(s.ratio(s.second, nil, weights))
	case DCoL:
		return s.ratio(s.enemy, nil, weights)
	}
	return s.weighted(nil, weights, func(i int) float64 { return part(s.near[i] / s.enemy[i]) })
}

// n3 is the error of the nearest neighbour, each row left out in turn.
func (s *surroundings) n3(rows []int, weights []float64) float64 {
	return s.weighted(rows, weights, func(i int) float64 { return s.wrong[i] })
}

// lsc is 1 - mean |LS_i| / size, with the local set LS_i the rows closer than the nearest
// enemy: size is n for the set, n_c for a class.
func (s *surroundings) lsc(rows []int, weights []float64) float64 {
	size := float64(s.data.rows())
	if rows != nil {
		size = float64(len(rows))
	}
	return 1 - s.weighted(rows, weights, func(i int) float64 { return s.local[i] })/size
}

// kdn is the mean share of the k nearest rows that are of other classes.
func (s *surroundings) kdn(rows []int, weights []float64) float64 {
	return s.weighted(rows, weights, func(i int) float64 { return (float64(s.k) - s.same[i]) / float64(s.k) })
}

// degOver is the share of rows with any of the k nearest of another class.
func (s *surroundings) degOver(rows []int, weights []float64) float64 {
	return s.weighted(rows, weights, func(i int) float64 { return indicator(s.same[i] < float64(s.k)) })
}

// cm is the share of rows with more than half of the k nearest of other classes.
func (s *surroundings) cm(rows []int, weights []float64) float64 {
	return s.weighted(rows, weights, func(i int) float64 { return indicator(float64(s.k)-s.same[i] > float64(s.k)/2) })
}

// caseBase is pycol's C1: 1 - the mean share of the q nearest rows of the same class.
func (s *surroundings) caseBase(rows []int, weights []float64) float64 {
	return 1 - s.weighted(rows, weights, func(i int) float64 { return s.case1[i] })
}

// safeLevel is the mean safe level (Lango, Napierala and Stefanowski): neighbours of class j
// count min(n_i,n_j)/max(n_i,n_j). High is easy.
func (s *surroundings) safeLevel(rows []int, weights []float64) float64 {
	return s.weighted(rows, weights, func(i int) float64 { return s.safe[i] })
}

// kinds returns the shares of the archetypes, by count.
func (s *surroundings) kinds(rows []int, weights []float64) (shares [ArchetypeCount]float64) {
	for a := range shares {
		shares[a] = s.weighted(rows, weights, func(i int) float64 { return indicator(archetype(int(s.same[i]), s.k) == Archetype(a)) })
	}
	return shares
}

// votes counts the classes of the k nearest rows.
func (s *surroundings) votes(rows []int, weights []float64) []int {
	votes := make([]int, len(s.data.members))
	for _, i := range rows {
		w := 1
		if weights != nil {
			w = int(weights[i])
		}
		for o, n := range s.others[i] {
			votes[o] += w * n
		}
	}
	return votes
}

// adversary returns the largest share of another class among the votes for other classes, and that
// class, the first of several: NaN and -1 where there are none.
func adversary(votes []int, class int) (part float64, top int) {
	sum := 0
	top = -1
	for o, n := range votes {
		if o == class {
			continue
		}
		if sum += n; n > 0 && (top < 0 || n > votes[top]) {
			top = o
		}
	}
	if top < 0 {
		return nan, top
	}
	return share(votes[top], sum), top
}

// r is the mean over the pairs of classes of pycol's combined R-value: (r_ab + IR r_ba)/(IR+1),
// with r_ab the share of class a with more than 2 of the k nearest rows in class b, and b
// the smaller class.
func (s *surroundings) r(weights []float64) float64 {
	const theta = 2
	var values []float64
	m := s.data.members
	for a := range m {
		for b := range m {
			if a == b || len(m[a]) < len(m[b]) || len(m[a]) == len(m[b]) && a > b {
				continue
			}
			ir := float64(len(m[a])) / float64(len(m[b]))
			ab := s.weighted(m[a], weights, func(i int) float64 { return indicator(s.others[i][b] > theta) })
			ba := s.weighted(m[b], weights, func(i int) float64 { return indicator(s.others[i][a] > theta) })
			values = append(values, (ab+ir*ba)/(ir+1))
		}
	}
	return mean(values)
}

func indicator(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// n4 is the error of the nearest row, or of the vote of the 5 nearest in Problexity, on
// interpolated rows: n of them as the convention makes them.
func (s *surroundings) n4(ctx context.Context, c Convention, by Distance, sd uint64) (float64, error) {
	x, y, nearby := interpolate(s.data, c, s.data.rows(), seed.Stream(sd, "N4"))
	votes := 1
	if c == Problexity {
		votes = min(5, s.data.rows())
	}
	return s.misread(ctx, x, y, nearby, votes, c, by)
}

// classN4 is n4 on rows interpolated in class k: as many as the class has, 100 at least.
func (s *surroundings) classN4(ctx context.Context, k int, c Convention, by Distance, sd uint64) (float64, error) {
	r := seed.Stream(sd, "N4 of the class", k)
	count := max(len(s.data.members[k]), 100)
	x, y, nearby := mat.NewDense(count, s.data.features(), nil), make([]int, count), make([]int, count)
	for i := range y {
		y[i] = k
		nearby[i] = between(x.RawRowView(i), s.data, s.data.members[k], c == PyMFE, r)
	}
	return s.misread(ctx, x, y, nearby, 1, c, by)
}

func (s *surroundings) misread(ctx context.Context, x *mat.Dense, y, nearby []int, votes int, c Convention, by Distance) (float64, error) {
	near, err := s.index.QueryNear(ctx, s.data.queries(x, by, c), votes, nearby)
	if err != nil {
		return 0, err
	}
	wrong := 0
	count := make([]int, len(s.data.members))
	for i := range y {
		clear(count)
		index, _ := near.At(i)
		best := 0
		for _, j := range index {
			count[s.data.y[j]]++
		}
		for k := range count {
			if count[k] > count[best] {
				best = k
			}
		}
		if best != y[i] {
			wrong++
		}
	}
	return float64(wrong) / float64(len(y)), nil
}
