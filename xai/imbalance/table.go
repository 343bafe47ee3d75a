package imbalance

import (
	"math"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
)

// Table returns the measures of the classes: a row for each class, in the order of Classes,
// then "macro", the mean over the classes, and with recalls "spearman" and "p". NaN is gota's
// missing value.
func (t Table) Table() dataframe.DataFrame {
	var names []string
	for _, c := range t.Classes {
		names = append(names, c.Name)
	}
	names = append(names, "macro")
	correlated := t.Options.Recall != nil
	if correlated {
		names = append(names, "spearman", "p")
	}
	columns := []series.Series{series.New(names, series.String, "class")}
	add := func(name string, values []float64, rest ...float64) {
		list := append(append([]float64{}, values...), rest...)
		columns = append(columns, series.New(list[:len(names)], series.Float, name))
	}
	for _, c := range t.Columns {
		add(c.Name, c.Values, c.Macro, c.Spearman, c.P)
	}
	if correlated {
		add("recall", t.Options.Recall, mean(t.Options.Recall), 1, math.NaN())
	}
	return dataframe.New(columns...)
}

// SetTable returns the measures of the whole set: columns measure, value, low, high and
// note, a row for each in the order of Set.
func (t Table) SetTable() dataframe.DataFrame {
	var (
		names, notes     []string
		value, low, high []float64
	)
	for _, v := range t.Set {
		names, notes = append(names, v.Name), append(notes, v.Note)
		value, low, high = append(value, v.Value), append(low, v.Low), append(high, v.High)
	}
	return dataframe.New(
		series.New(names, series.String, "measure"), series.New(value, series.Float, "value"),
		series.New(low, series.Float, "low"), series.New(high, series.Float, "high"), series.New(notes, series.String, "note"),
	)
}
