package evaluate

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"

	"github.com/whybook/whybook/xai/internal/store"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
)

// ErrFormat is matched by errors about a file that is not a whole grid.
var ErrFormat = errors.New("not a whole grid")

// Grid is what Compare found: a number for each method, metric and sample, or a note why
// there is none.
type Grid struct {
	Attributors []Attributor // the methods, then the references
	Questions   []Question   // the metrics
	Cases       []Case       // the samples
	Cells       []Cell       // by attributor, then metric, then sample; see At

	Seed      uint64  // of the random attributor and the bootstrap
	Resamples int     // of the bootstrap
	Level     float64 // of the confidence intervals

	Version  string // of this package's comparisons: "evaluate/1"
	Model    string // fingerprint; empty when the model has none
	Data     string // fingerprint
	DataName string
}

// Attributor is a method in a Grid.
type Attributor struct {
	Name      string // "Integrated gradients", or the settings where names would be equal
	Settings  string // as Go code
	Reference bool   // one that knows no model, or the truth
}

// Question is a metric in a Grid.
type Question struct {
	Name     string // that of the card, with settings where names would be equal
	Settings string
	Card     Card
}

// Case is a sample in a Grid.
type Case struct {
	Index       int // in its set
	Label       int // -1 where unknown
	Class       string
	Target      int // the score that was explained; -1 where no method has a map
	TargetClass string
}

// Cell is one number.
type Cell struct {
	Value float64 // NaN where there is none
	Note  string  // why
}

func (g Grid) index(attributor, question, sample int) int {
	return (attributor*len(g.Questions)+question)*len(g.Cases) + sample
}

// At returns the cell of an attributor, a question and a sample, by their places in the
// grid; one with a note where there is no such place.
func (g Grid) At(attributor, question, sample int) Cell {
	if i := g.index(attributor, question, sample); attributor >= 0 && question >= 0 && sample >= 0 &&
		attributor < len(g.Attributors) && question < len(g.Questions) && sample < len(g.Cases) && i < len(g.Cells) {
		return g.Cells[i]
	}
	return Cell{Value: math.NaN(), Note: "no such cell"}
}

// Summary is what a method reached in a metric.
type Summary struct {
	Attributor Attributor
	Question   Question

	N       int     // samples with a value
	Missing int     // samples without
	Mean    float64 // over those with; NaN where N is 0
	Low     float64 // confidence interval of the mean, by the percentile bootstrap over
	High    float64 // samples; NaN where N is below 2

	// The mean difference from Random over the samples where both have a value, with its
	// interval: methods that look alike on their own may differ on every sample.
	Pairs                                     int
	Difference, DifferenceLow, DifferenceHigh float64
}

// Against says how the method compares with Random: "better", "worse", or "not told apart"
// where the interval of the difference holds 0 or has less than two pairs.
func (s Summary) Against() string {
	better := s.Question.Card.Better
	switch {
	case !(s.DifferenceLow > 0 || s.DifferenceHigh < 0):
		return "not told apart"
	case better == Neither:
		return "different"
	case s.DifferenceLow > 0 == (better == Higher):
		return "better"
	}
	return "worse"
}

// Summaries returns one summary for each metric and attributor, in the order of the metrics
// and within them of the attributors. All intervals use the same draws of samples.
func (g Grid) Summaries() []Summary {
	random := slices.IndexFunc(g.Attributors, func(a Attributor) bool { return a.Reference && a.Settings == randomSettings(g.Seed) })
	draws := draws{seed: g.Seed, resamples: g.Resamples, level: g.Level}
	var list []Summary
	for q, question := range g.Questions {
		for a, attributor := range g.Attributors {
			s := Summary{Attributor: attributor, Question: question}
			var values, differences []float64
			for i := range g.Cases {
				v, r := g.At(a, q, i).Value, g.At(random, q, i).Value
				if math.IsNaN(v) {
					s.Missing++
					continue
				}
				values = append(values, v)
				if !math.IsNaN(r) {
					differences = append(differences, v-r)
				}
			}
			s.N, s.Pairs = len(values), len(differences)
			s.Mean, s.Low, s.High = draws.interval(values)
			s.Difference, s.DifferenceLow, s.DifferenceHigh = draws.interval(differences)
			list = append(list, s)
		}
	}
	return list
}

func randomSettings(seed uint64) string {
	if seed == 0 {
		return "evaluate.Random{}"
	}
	return fmt.Sprintf("evaluate.Random{Seed: %#x}", seed)
}

// draws is a percentile bootstrap of means.
type draws struct {
	seed      uint64
	resamples int
	level     float64
}

// interval returns the mean of the values and its confidence interval, NaN where there are
// too few.
func (d draws) interval(values []float64) (mean, low, high float64) {
	n := len(values)
	if n == 0 {
		return math.NaN(), math.NaN(), math.NaN()
	}
	mean = floats.Sum(values) / float64(n)
	if n < 2 || d.resamples < 1 || !(d.level > 0 && d.level < 1) {
		return mean, math.NaN(), math.NaN()
	}
	means := make([]float64, d.resamples)
	r := seed.Stream(d.seed, "bootstrap", n)
	for i := range means {
		sum := 0.0
		for range n {
			sum += values[r.IntN(n)]
		}
		means[i] = sum / float64(n)
	}
	slices.Sort(means)
	tail := (1 - d.level) / 2
	return mean, stat.Quantile(tail, stat.Empirical, means, nil), stat.Quantile(1-tail, stat.Empirical, means, nil)
}

// Save writes the grid as JSON with a checksum.
func (g Grid) Save(w io.Writer) error {
	if err := store.Write(w, gridFormat, g); err != nil {
		return fmt.Errorf("evaluate: save grid: %w", err)
	}
	return nil
}

// LoadGrid reads a grid that Save wrote. Whatever it did not write is an error that matches
// ErrFormat.
func LoadGrid(r io.Reader) (Grid, error) {
	var g Grid
	if err := store.Read(r, gridFormat, &g); err != nil {
		if errors.Is(err, store.ErrFormat) {
			err = fmt.Errorf("%w: %w", ErrFormat, err)
		}
		return Grid{}, fmt.Errorf("evaluate: load grid: %w", err)
	}
	cells := len(g.Cells)
	if a, q, s := len(g.Attributors), len(g.Questions), len(g.Cases); a == 0 || q == 0 || s == 0 || a > cells || q > cells || s > cells || cells%a != 0 || cells/a%q != 0 || cells/a/q != s {
		return Grid{}, fmt.Errorf("evaluate: load grid: %d cells for %d methods, %d metrics and %d samples: %w", cells, a, q, s, ErrFormat)
	}
	if g.Resamples < 1 || g.Resamples > 1e6 || !(g.Level > 0 && g.Level < 1) {
		return Grid{}, fmt.Errorf("evaluate: load grid: a bootstrap of %d resamples and level %v: %w", g.Resamples, g.Level, ErrFormat)
	}
	return g, nil
}
