package flint

import (
	"fmt"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
)

// Table returns the relevances in long form, by class, then attribute: columns class, attribute,
// relevance (NaN, gota's missing value, where g says the class of no sample) and samples, of
// which g says the class.
func (g *Global) Table() dataframe.DataFrame {
	var (
		classes             []string
		attributes, samples []int
		values              []float64
	)
	k, j := g.R.Dims()
	for c := range k {
		for a := range j {
			classes, attributes = append(classes, class(g.Classes, c)), append(attributes, a)
			values, samples = append(values, g.R.At(c, a)), append(samples, g.Samples[c])
		}
	}
	return dataframe.New(series.New(classes, series.String, "class"), series.New(attributes, series.Int, "attribute"),
		series.New(values, series.Float, "relevance"), series.New(samples, series.Int, "samples"))
}

// Table returns a row for each attribute, the most relevant first: columns attribute, phi, alpha
// and r.
func (l *Local) Table() dataframe.DataFrame {
	var phi, alpha, r []float64
	for _, j := range l.Order {
		phi, alpha, r = append(phi, l.Phi[j]), append(alpha, l.Alpha[j]), append(r, l.R[j])
	}
	return dataframe.New(series.New(l.Order, series.Int, "attribute"),
		series.New(phi, series.Float, "phi"), series.New(alpha, series.Float, "alpha"), series.New(r, series.Float, "r"))
}

// Table returns a row for each sample, in order: columns index, class, f and g (names of classes),
// agree, entropy_f and entropy_g in nats, attribute, the one that contributes most to g's class,
// and for each threshold "relevant <tau>", the number of relevant attributes (see Concise).
func (e Evaluation) Table() dataframe.DataFrame {
	names := func(list []int) []string {
		text := make([]string, len(list))
		for i, c := range list {
			text[i] = class(e.Set.Classes, c)
		}
		return text
	}
	var agree []bool
	var unsureF, unsureG []float64
	for i := range e.Predicted {
		agree = append(agree, e.Predicted[i] == e.Interpreted[i])
		unsureF, unsureG = append(unsureF, entropy(e.F.RawRowView(i))), append(unsureG, entropy(e.G.RawRowView(i)))
	}
	columns := []series.Series{
		series.New(places(len(e.Predicted)), series.Int, "index"), series.New(names(e.Set.Labels), series.String, "class"),
		series.New(names(e.Predicted), series.String, "f"), series.New(names(e.Interpreted), series.String, "g"), series.New(agree, series.Bool, "agree"),
		series.New(unsureF, series.Float, "entropy_f"), series.New(unsureG, series.Float, "entropy_g"), series.New(strongest(e.Alpha), series.Int, "attribute"),
	}
	for _, tau := range e.Taus {
		columns = append(columns, series.New(Concise(e.Alpha, tau), series.Int, fmt.Sprintf("relevant %v", tau)))
	}
	return dataframe.New(columns...)
}

// NoiseTable returns a row for each level: columns level, accuracy, interpreter, fidelity, kept
// and moved, as in AtNoise.
func NoiseTable(list []AtNoise) dataframe.DataFrame {
	values := make([][]float64, 6)
	for _, a := range list {
		for i, v := range []float64{a.Level, a.Accuracy, a.Interpreter, a.Fidelity, a.Kept, a.Moved} {
			values[i] = append(values[i], v)
		}
	}
	var columns []series.Series
	for i, name := range []string{"level", "accuracy", "interpreter", "fidelity", "kept", "moved"} {
		columns = append(columns, series.New(values[i], series.Float, name))
	}
	return dataframe.New(columns...)
}
