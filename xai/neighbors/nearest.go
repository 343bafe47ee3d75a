package neighbors

// nearest keeps the best rows of each query of a job.
type nearest struct {
	ix    *Index
	plan  *plan
	job   job
	lists Lists
	best  []best
}

// limit returns a sum beyond which a row cannot be among the best of query r.
func (s *nearest) limit(r int) float64 {
	if b := &s.best[r]; b.full() {
		return s.ix.limit(b.heap[0].distance)
	}
	return inf
}

// offer computes the distance of query r to a row, unless that exceeds limit, and reports
// whether it is among the best.
func (s *nearest) offer(r, row int, limit float64) bool {
	place := s.job.lo + r
	if s.plan.self && s.plan.query(place) == row {
		return false
	}
	sum := s.ix.sumWithin(s.plan.values(place, s.ix.width), s.ix.row(row), limit)
	if sum > limit {
		return false
	}
	return s.best[r].offer(found{s.ix.finish(sum), row})
}

func (s *nearest) scan32(r int, values []float32, c int, scale, base, slack float64) int {
	return scanNearest(s, r, values, c, scale, base, slack)
}

func (s *nearest) scan64(r int, values []float64, c int, scale, base, slack float64) int {
	return scanNearest(s, r, values, c, scale, base, slack)
}

func scanNearest[T real](s *nearest, r int, values []T, c int, scale, base, slack float64) (computed int) {
	limit := s.limit(r)
	most := upward[T](limit*scale - base + slack)
	for i, v := range values {
		if v > most {
			continue
		}
		computed++
		if s.offer(r, s.plan.row(c+i), limit) {
			limit = s.limit(r)
			most = upward[T](limit*scale - base + slack)
		}
	}
	return computed
}

func (s *nearest) scan(r int, columns span) {
	limit := s.limit(r)
	if q := s.plan.query(s.job.lo + r); s.plan.self {
		if sums := s.ix.pairsOf(q); sums != nil {
			for c := columns.lo; c < columns.hi; c++ {
				row := s.plan.row(c)
				if sums[row] > limit || row == q {
					continue
				}
				if s.best[r].offer(found{s.ix.finish(sums[row]), row}) {
					limit = s.limit(r)
				}
			}
			return
		}
	}
	if s.plan.near != nil && s.throughNear(r, columns) {
		return
	}
	for c := columns.lo; c < columns.hi; c++ {
		if s.offer(r, s.plan.row(c), limit) {
			limit = s.limit(r)
		}
	}
}

// throughNear is scan where the row n near the query q is known with its distances: a row j
// with d(n,j) > d(q,n) + limit is farther from q than limit. It reports whether they are.
func (s *nearest) throughNear(r int, columns span) bool {
	place := s.job.lo + r
	n := s.plan.near[s.plan.query(place)]
	sums := s.ix.pairsOf(n)
	if sums == nil {
		return false
	}
	toNear := s.ix.finish(s.ix.sum(s.plan.values(place, s.ix.width), s.ix.row(n)))
	// What is nearest to n comes first: it gives the limit that the others are measured by.
	if n >= columns.lo && n < columns.hi {
		s.offer(r, n, s.limit(r))
	}
	limit := s.limit(r)
	border := s.beyond(toNear, r)
	for c := columns.lo; c < columns.hi; c++ {
		if sums[c] > border || c == n {
			continue
		}
		if s.offer(r, c, limit) {
			limit, border = s.limit(r), s.beyond(toNear, r)
		}
	}
	return true
}

// beyond returns the sum at n beyond which no row is among the best of query r.
func (s *nearest) beyond(toNear float64, r int) float64 {
	if b := &s.best[r]; b.full() {
		// Each of the three distances has a rounding for each column, at most.
		return s.ix.limit((toNear + b.heap[0].distance) * (1 + 4e-16*float64(s.ix.width+8)))
	}
	return inf
}

func (s *nearest) search(r int) {
	place := s.job.lo + r
	k := keeper{ix: s.ix, best: &s.best[r], self: -1}
	if s.plan.self {
		k.self = s.plan.query(place)
	}
	s.ix.tree.search(s.plan.values(place, s.ix.width), &k)
}

func (s *nearest) done() {
	for r := range s.best {
		s.best[r].store(s.lists, s.plan.query(s.job.lo+r))
	}
}

// closer counts the rows within a radius of each query, the query itself among them.
type closer struct {
	ix    *Index
	plan  *plan
	job   job
	radii []float64
	count []int
}

func (s *closer) scan32(r int, values []float32, c int, scale, base, slack float64) int {
	return scanCloser(s, r, values, c, scale, base, slack)
}

func (s *closer) scan64(r int, values []float64, c int, scale, base, slack float64) int {
	return scanCloser(s, r, values, c, scale, base, slack)
}

func scanCloser[T real](s *closer, r int, values []T, c int, scale, base, slack float64) (computed int) {
	q := s.plan.query(s.job.lo + r)
	radius := s.radii[q]
	if radius == 0 {
		return 0
	}
	// Below least a pair is within the radius for certain, above most it is not.
	limit := s.ix.limit(radius)
	most := upward[T](limit*scale - base + slack)
	least := -upward[T](-(limit*scale*(1-1e-13) - base - slack))
	count := 0
	for i, v := range values {
		switch {
		case v > most:
		case v < least:
			count++
		default:
			computed++
			if s.ix.Distance(q, s.plan.row(c+i)) < radius {
				count++
			}
		}
	}
	s.count[q] += count
	return computed
}

func (s *closer) scan(r int, columns span) {
	q := s.plan.query(s.job.lo + r)
	row, radius := s.ix.row(q), s.radii[q]
	limit := s.ix.limit(radius)
	if sums := s.ix.pairsOf(q); sums != nil {
		for c := columns.lo; c < columns.hi; c++ {
			if s.ix.finish(sums[s.plan.row(c)]) < radius {
				s.count[q]++
			}
		}
		return
	}
	for c := columns.lo; c < columns.hi; c++ {
		if sum := s.ix.sumWithin(row, s.ix.row(s.plan.row(c)), limit); sum <= limit && s.ix.finish(sum) < radius {
			s.count[q]++
		}
	}
}

func (s *closer) search(int) { panic("neighbors: the tree does not count") }

func (s *closer) done() {}
