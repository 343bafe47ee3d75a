package tree

import "math"

// entry is a row of a node with what is counted of it. The row of a target that is summed
// leads to its values, and weight is not used.
type entry struct {
	row    uint32
	class  uint16
	weight uint16
}

// cell is an element of a histogram: a count, exact, or a sum.
type cell interface{ uint32 | float64 }

// filler adds the entries of a node to the histogram of a column: for each place, stride
// cells. rows, unless nil, counts the entries of each place, and seen marks it with 1.
type filler[C cell] func(h []C, rows []uint32, seen *[maxBins]uint8, places []uint8, e []entry, stride int)

// fillCounts adds weights to classes.
func fillCounts(h []uint32, rows []uint32, seen *[maxBins]uint8, places []uint8, e []entry, stride int) {
	if seen == nil {
		for _, x := range e {
			h[int(places[x.row])*stride+int(x.class)] += uint32(x.weight)
		}
	} else {
		for _, x := range e {
			p := places[x.row]
			h[int(p)*stride+int(x.class)] += uint32(x.weight)
			seen[p] = 1
		}
		seen = nil
	}
	countRows(rows, seen, places, e)
}

func countRows(rows []uint32, seen *[maxBins]uint8, places []uint8, e []entry) {
	if rows != nil {
		for _, x := range e {
			rows[places[x.row]]++
		}
	}
	if seen != nil {
		for _, x := range e {
			seen[places[x.row]] = 1
		}
	}
}

// fillWeights adds fractional weights: the weight in all, then that of each class.
func fillWeights(weights []float64) filler[float64] {
	return func(h []float64, rows []uint32, seen *[maxBins]uint8, places []uint8, e []entry, stride int) {
		for _, x := range e {
			cells := h[int(places[x.row])*stride:][:stride]
			w := weights[x.row]
			cells[0] += w
			cells[1+x.class] += w
		}
		countRows(rows, seen, places, e)
	}
}

// fillOutputs adds the weight, then the weighted outputs, k for each row of y.
func fillOutputs(y []float64, k int, weights []float64) filler[float64] {
	return func(h []float64, rows []uint32, seen *[maxBins]uint8, places []uint8, e []entry, stride int) {
		for _, x := range e {
			cells := h[int(places[x.row])*stride:][:stride]
			w := 1.0
			if weights != nil {
				w = weights[x.row]
			}
			cells[0] += w
			for j, v := range y[int(x.row)*k:][:k] {
				cells[1+j] += float64(w * v)
			}
		}
		countRows(rows, seen, places, e)
	}
}

// scanner moves the places of a column from the right side of a split to the left, in
// order, and says how good the split between them is: larger is better.
type scanner[C cell] interface {
	reset(total []C)
	move(cells []C)
	score() float64
}

// giniCounts scores by sum of squares over weight, of both sides: the Gini index of the
// sides, weighted, is less by as much as this is more.
type giniCounts struct {
	left, total []int64
	l2, r2      int64 // sums of squares
	wl, w       int64
}

func newGiniCounts(k int) *giniCounts {
	return &giniCounts{left: make([]int64, k), total: make([]int64, k)}
}

func (s *giniCounts) reset(total []uint32) {
	clear(s.left[:len(total)])
	s.l2, s.r2, s.wl, s.w = 0, 0, 0, 0
	for c, n := range total {
		n := int64(n)
		s.total[c] = n
		s.w += n
		s.r2 += n * n
	}
}

func (s *giniCounts) move(cells []uint32) {
	left, total := s.left[:len(cells)], s.total[:len(cells)]
	l2, r2, wl := s.l2, s.r2, s.wl
	for c, n := range cells {
		if n == 0 {
			continue
		}
		n, l := int64(n), left[c]
		left[c] = l + n
		l2 += n * (2*l + n)
		r2 -= n * (2*(total[c]-l) - n)
		wl += n
	}
	s.l2, s.r2, s.wl = l2, r2, wl
}

func (s *giniCounts) score() float64 {
	return float64(s.l2)/float64(s.wl) + float64(s.r2)/float64(s.w-s.wl)
}

// xlogx is x ln x, continued to 0.
func xlogx(x float64) float64 {
	if x <= 0 {
		return 0
	}
	return x * math.Log(x)
}

// lift is what entropies are subtracted from, for each unit of weight, so that scores have the size
// of their terms, by which ties are told: more than ln of the most classes.
const lift = 16

// entropyCounts scores by minus the entropies of the sides, weighted, and lifted.
type entropyCounts struct {
	left, total   []uint32
	lefts, rights []float64 // xlogx of the counts
	wl, w         uint32
}

func newEntropyCounts(k int) *entropyCounts {
	return &entropyCounts{left: make([]uint32, k), total: make([]uint32, k), lefts: make([]float64, k), rights: make([]float64, k)}
}

func (s *entropyCounts) reset(total []uint32) {
	k := len(total)
	s.left, s.total, s.lefts, s.rights = s.left[:k], s.total[:k], s.lefts[:k], s.rights[:k]
	clear(s.left)
	clear(s.lefts)
	s.wl, s.w = 0, 0
	copy(s.total, total)
	for c, n := range total {
		s.w += n
		s.rights[c] = xlogx(float64(n))
	}
}

func (s *entropyCounts) move(cells []uint32) {
	for c, n := range cells {
		if n > 0 {
			s.wl += n
			s.left[c] += n
			s.lefts[c] = xlogx(float64(s.left[c]))
			s.rights[c] = xlogx(float64(s.total[c] - s.left[c]))
		}
	}
}

func (s *entropyCounts) score() float64 {
	l, r := 0.0, 0.0
	for c, v := range s.lefts {
		l += v
		r += s.rights[c]
	}
	return lift*float64(s.w) + ((l - xlogx(float64(s.wl))) + (r - xlogx(float64(s.w-s.wl))))
}

// sums are the moments of both sides where they are not whole numbers: the weight, then
// the sum of each output or the weight of each class.
type sums struct{ left, total []float64 }

func newSums(k int) sums { return sums{make([]float64, k+1), make([]float64, k+1)} }

func (s *sums) reset(total []float64) {
	s.left, s.total = s.left[:len(total)], s.total[:len(total)]
	clear(s.left)
	copy(s.total, total)
}

func (s *sums) move(cells []float64) {
	for c, v := range cells {
		s.left[c] += v
	}
}

// squareSums scores by sum of squares over weight: less variance, or Gini index.
type squareSums struct{ sums }

func newSquareSums(k int) *squareSums { return &squareSums{newSums(k)} }

func (s *squareSums) score() float64 {
	l2, r2 := 0.0, 0.0
	for c, l := range s.left[1:] {
		r := s.total[c+1] - l
		l2 += float64(l * l)
		r2 += float64(r * r)
	}
	return l2/s.left[0] + r2/(s.total[0]-s.left[0])
}

// entropySums is entropyCounts for weights that are not whole.
type entropySums struct{ sums }

func newEntropySums(k int) *entropySums { return &entropySums{newSums(k)} }

func (s *entropySums) score() float64 {
	l, r := 0.0, 0.0
	for c, v := range s.left[1:] {
		l += xlogx(v)
		r += xlogx(s.total[c+1] - v)
	}
	return float64(lift*s.total[0]) + ((l - xlogx(s.left[0])) + (r - xlogx(s.total[0]-s.left[0])))
}

// split is a place to divide a node: left are rows whose place in the column is at most a;
// b is the next place that occurs in the node.
type split struct {
	found  bool
	score  float64
	column int
	a, b   int
}

// tie is how near two scores are one, relative to their size.
const tie = 1e-12

// consider takes the split between a and b if it scores more.
func (s *split) consider(score float64, a, b int) {
	if s.found && score <= s.score { // the most frequent case, and not a better one
		return
	}
	if finite(score) && (split{found: true, score: score, column: s.column}).better(*s) {
		s.found, s.score, s.a, s.b = true, score, a, b
	}
}

// better reports whether s beats o: by score, then by the lower column. Splits of one
// column come in ascending order, so that the lower threshold stays.
func (s split) better(o split) bool {
	switch {
	case !s.found || !o.found:
		return s.found
	case math.Abs(s.score-o.score) > tie*max(math.Abs(s.score), math.Abs(o.score)):
		return s.score > o.score
	}
	return s.column < o.column
}
