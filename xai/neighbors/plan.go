package neighbors

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"

	"github.com/whybook/whybook/xai/internal/parallel"
	"github.com/whybook/whybook/xai/progress"
)

// plan says which rows are compared with which: the queries of each job with the columns
// in its spans. Queries and columns are numbered by place; order says which rows they are.
type plan struct {
	queries   []float64 // coded rows
	self      bool      // they are the rows of the index, in the same order
	order     []int     // row at each place; nil: the place is the row
	near      []int     // a row near each query, if known
	treeable  bool      // the tree can answer it: nearest rows without a filter
	low, high []float64 // extent of the queries and the index together
	jobs      []job
}

// job is the work of one goroutine at a time.
type job struct {
	lo, hi int // places of queries
	spans  []span
}

// span is a range of places of columns.
type span struct{ lo, hi int }

// jobRows is the number of queries of a job: enough for a block of the index to be packed
// once for many of them.
const jobRows = 128

// cut adds jobs for the queries from lo to hi.
func cut(jobs []job, lo, hi int, spans ...span) []job {
	for ; lo < hi; lo += jobRows {
		jobs = append(jobs, job{lo, min(lo+jobRows, hi), spans})
	}
	return jobs
}

// everything compares all rows of the index with all.
func (ix *Index) everything() *plan {
	return &plan{queries: ix.data, self: true, low: ix.low, high: ix.high, jobs: cut(nil, 0, ix.rows, span{0, ix.rows})}
}

// byClass compares rows with those of the same class, or of the others: the places are
// ordered by class, so that each class has one range of them. A tree would walk through
// all of a class on the way to the next one.
func (ix *Index) byClass(labels []int, same bool) *plan {
	p := &plan{queries: ix.data, self: true, low: ix.low, high: ix.high}
	p.order = make([]int, ix.rows)
	for i := range p.order {
		p.order[i] = i
	}
	slices.SortStableFunc(p.order, func(a, b int) int {
		if labels[a] < labels[b] {
			return -1
		}
		if labels[a] > labels[b] {
			return 1
		}
		return 0
	})
	for lo := 0; lo < ix.rows; {
		hi := lo + 1
		for hi < ix.rows && labels[p.order[hi]] == labels[p.order[lo]] {
			hi++
		}
		if same {
			p.jobs = cut(p.jobs, lo, hi, span{lo, hi})
		} else {
			p.jobs = cut(p.jobs, lo, hi, span{0, lo}, span{hi, ix.rows})
		}
		lo = hi
	}
	return p
}

// row returns the row at a place.
func (p *plan) row(place int) int {
	if p.order == nil {
		return place
	}
	return p.order[place]
}

// query returns the number of the query at a place.
func (p *plan) query(place int) int {
	if !p.self {
		return place
	}
	return p.row(place)
}

// values returns the coded values of the query at a place.
func (p *plan) values(place, width int) []float64 {
	q := p.query(place)
	return p.queries[q*width : (q+1)*width]
}

// scanner looks at the pairs of a job. r counts the queries of the job from 0; columns are
// places.
type scanner interface {
	// scan32 and scan64 get the products of query r with the columns from c on: base plus a
	// value is the squared distance in the scaled space of package, up to slack. They
	// return the number of pairs that they had to compute anew.
	scan32(r int, values []float32, c int, scale, base, slack float64) int
	scan64(r int, values []float64, c int, scale, base, slack float64) int

	// scan looks at the columns of s without products.
	scan(r int, s span)

	// search asks the tree for query r.
	search(r int)

	// done stores what was found.
	done()
}

// run hands every job to a scanner of its own.
func (ix *Index) run(ctx context.Context, name string, p *plan, start func(job) scanner) error {
	var (
		each func(job, scanner)
		done atomic.Int64
	)
	switch {
	case ix.method == Tree && p.treeable:
		each = func(j job, s scanner) {
			for r := range j.hi - j.lo {
				s.search(r)
			}
		}
	case ix.metric == Euclidean && ix.method != Loop:
		if m := newMultiplier(ix, p); m != nil {
			each = m.each
			break
		}
		fallthrough
	default:
		each = ix.all
		if p.self {
			if err := ix.keepPairs(ctx); err != nil {
				return fmt.Errorf("neighbors.%s: while comparing all pairs: %w", name, err)
			}
		}
	}
	total := len(p.queries) / ix.width
	err := parallel.Blocks(ctx, len(p.jobs), 1, func(lo, _ int) error {
		j := p.jobs[lo]
		s := start(j)
		each(j, s)
		s.done()
		progress.Report(ctx, "neighbours", int(done.Add(int64(j.hi-j.lo))), total)
		return nil
	})
	if err != nil {
		return fmt.Errorf("neighbors.%s: after %d of %d rows: %w", name, done.Load(), total, err)
	}
	return nil
}

// all scans all pairs, in pieces that stay in the cache while the queries pass over them.
func (ix *Index) all(j job, s scanner) {
	size := max(8, 1<<15/ix.width) // 256 kB
	for _, c := range j.spans {
		for lo := c.lo; lo < c.hi; lo += size {
			for r := range j.hi - j.lo {
				s.scan(r, span{lo, min(lo+size, c.hi)})
			}
		}
	}
}
