package evaluate

import (
	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
)

// Table returns the cells in long form, in the order of Cells: columns method, reference,
// metric, sample (its index in its set), label, target, value (NaN where there is none) and
// note.
func (g Grid) Table() dataframe.DataFrame {
	var (
		methods, metrics, notes  []string
		references               []bool
		samples, labels, targets []int
		values                   []float64
	)
	for a, attributor := range g.Attributors {
		for q, question := range g.Questions {
			for s, x := range g.Cases {
				cell := g.At(a, q, s)
				methods, references, metrics = append(methods, attributor.Name), append(references, attributor.Reference), append(metrics, question.Name)
				samples, labels, targets = append(samples, x.Index), append(labels, x.Label), append(targets, x.Target)
				values, notes = append(values, cell.Value), append(notes, cell.Note)
			}
		}
	}
	return dataframe.New(
		series.New(methods, series.String, "method"), series.New(references, series.Bool, "reference"),
		series.New(metrics, series.String, "metric"), series.New(samples, series.Int, "sample"),
		series.New(labels, series.Int, "label"), series.New(targets, series.Int, "target"),
		series.New(values, series.Float, "value"), series.New(notes, series.String, "note"),
	)
}

// SummaryTable returns the summaries in their order: columns metric, better, method,
// reference, n, missing, mean, low, high, pairs, difference, difference low, difference
// high, and against random.
func (g Grid) SummaryTable() dataframe.DataFrame {
	list := g.Summaries()
	text := func(name string, of func(Summary) string) series.Series {
		out := make([]string, len(list))
		for i, s := range list {
			out[i] = of(s)
		}
		return series.New(out, series.String, name)
	}
	whole := func(name string, of func(Summary) int) series.Series {
		out := make([]int, len(list))
		for i, s := range list {
			out[i] = of(s)
		}
		return series.New(out, series.Int, name)
	}
	real := func(name string, of func(Summary) float64) series.Series {
		out := make([]float64, len(list))
		for i, s := range list {
			out[i] = of(s)
		}
		return series.New(out, series.Float, name)
	}
	references := make([]bool, len(list))
	for i, s := range list {
		references[i] = s.Attributor.Reference
	}
	return dataframe.New(
		text("metric", func(s Summary) string { return s.Question.Name }),
		text("better", func(s Summary) string { return s.Question.Card.Better.String() }),
		text("method", func(s Summary) string { return s.Attributor.Name }),
		series.New(references, series.Bool, "reference"),
		whole("n", func(s Summary) int { return s.N }),
		whole("missing", func(s Summary) int { return s.Missing }),
		real("mean", func(s Summary) float64 { return s.Mean }),
		real("low", func(s Summary) float64 { return s.Low }),
		real("high", func(s Summary) float64 { return s.High }),
		whole("pairs", func(s Summary) int { return s.Pairs }),
		real("difference", func(s Summary) float64 { return s.Difference }),
		real("difference low", func(s Summary) float64 { return s.DifferenceLow }),
		real("difference high", func(s Summary) float64 { return s.DifferenceHigh }),
		text("against random", func(s Summary) string { return s.Against() }),
	)
}
