package imbalance

import (
	"math"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
)

// Table returns the rows in the order of the classes, without that of all members: columns
// class, n, safe, border, rare, outlier, safe_share, error, recall, kdn, n3, deg_over and
// safe_level. Shares are from 0 to 1.
func (s Summary) Table() dataframe.DataFrame {
	var (
		classes                                      []string
		n, safe, border, rare, outlier               []int
		shares, wrong, recall, kdn, n3, over, levels []float64
	)
	for _, r := range s.Rows {
		classes, n = append(classes, r.Class), append(n, r.Size)
		safe, border = append(safe, r.Archetypes[Safe]), append(border, r.Archetypes[Border])
		rare, outlier = append(rare, r.Archetypes[Rare]), append(outlier, r.Archetypes[Outlier])
		shares, wrong, recall = append(shares, r.SafeShare()), append(wrong, r.Error), append(recall, r.Recall)
		kdn, n3, over, levels = append(kdn, r.KDN), append(n3, r.N3), append(over, r.Overlap), append(levels, r.SafeLevel)
	}
	return dataframe.New(
		series.New(classes, series.String, "class"), series.New(n, series.Int, "n"),
		series.New(safe, series.Int, "safe"), series.New(border, series.Int, "border"), series.New(rare, series.Int, "rare"), series.New(outlier, series.Int, "outlier"),
		series.New(shares, series.Float, "safe_share"), series.New(wrong, series.Float, "error"), series.New(recall, series.Float, "recall"),
		series.New(kdn, series.Float, "kdn"), series.New(n3, series.Float, "n3"), series.New(over, series.Float, "deg_over"), series.New(levels, series.Float, "safe_level"),
	)
}

// Table returns a row for every training member, in order: columns index, class, predicted
// ("" where not known), archetype and same, the number of its neighbours with its label.
func (a Analysis) Table() dataframe.DataFrame {
	m := a.Train.named()
	var (
		index, same               []int
		classes, predicted, kinds []string
	)
	for i, c := range m.Labels {
		index, classes, kinds = append(index, i), append(classes, m.Classes[c]), append(kinds, a.Archetypes[i].String())
		same = append(same, a.Near.same(i))
		p := ""
		if m.Predicted != nil {
			p = m.Classes[m.Predicted[i]]
		}
		predicted = append(predicted, p)
	}
	return dataframe.New(series.New(index, series.Int, "index"), series.New(classes, series.String, "class"), series.New(predicted, series.String, "predicted"),
		series.New(kinds, series.String, "archetype"), series.New(same, series.Int, "same"))
}

// Table returns the cells in long form, by class, then other class, without the diagonal:
// columns class, other, count and share.
func (r Rivals) Table() dataframe.DataFrame {
	var (
		classes, others []string
		counts          []int
		shares          []float64
	)
	for i, class := range r.Classes {
		for j, other := range r.Classes {
			if i != j {
				classes, others = append(classes, class), append(others, other)
				counts, shares = append(counts, r.Counts[i][j]), append(shares, r.Share(i, j))
			}
		}
	}
	return dataframe.New(series.New(classes, series.String, "class"), series.New(others, series.String, "other"),
		series.New(counts, series.Int, "count"), series.New(shares, series.Float, "share"))
}

// Table returns the top features in the order of classes and places: columns class, place
// (from 1), feature, mean and share.
func (f FeatureImportance) Table() dataframe.DataFrame {
	var (
		classes         []string
		places, feature []int
		means, shares   []float64
	)
	for c, class := range f.Classes {
		for p, g := range f.Top[c] {
			classes, places, feature = append(classes, class), append(places, p+1), append(feature, g)
			means, shares = append(means, f.Mean.At(c, g)), append(shares, f.Share(c, p))
		}
	}
	return dataframe.New(series.New(classes, series.String, "class"), series.New(places, series.Int, "place"), series.New(feature, series.Int, "feature"),
		series.New(means, series.Float, "mean"), series.New(shares, series.Float, "share"))
}

// Table returns the histograms in long form, in the order of groups and bins: columns class,
// archetype ("" for the whole class), colour, salient, all (pixels), salient_share,
// all_share and ratio.
func (b Bands) Table() dataframe.DataFrame {
	var (
		classes, kinds, colours   []string
		salient, all              []int
		shares, allShares, ratios []float64
	)
	for _, g := range b.Groups {
		kind := ""
		if !g.Whole {
			kind = g.Archetype.String()
		}
		for bin, name := range b.Bins.Names() {
			classes, kinds, colours = append(classes, g.Class), append(kinds, kind), append(colours, name)
			salient, all = append(salient, g.Salient.Count[bin]), append(all, g.All.Count[bin])
			shares, allShares, ratios = append(shares, g.Salient.Share(bin)), append(allShares, g.All.Share(bin)), append(ratios, g.Ratio(bin))
		}
	}
	return dataframe.New(series.New(classes, series.String, "class"), series.New(kinds, series.String, "archetype"), series.New(colours, series.String, "colour"),
		series.New(salient, series.Int, "salient"), series.New(all, series.Int, "all"),
		series.New(shares, series.Float, "salient_share"), series.New(allShares, series.Float, "all_share"), series.New(ratios, series.Float, "ratio"))
}

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

// IntervalTable returns the confidence intervals of the measures of the classes: columns class,
// measure, value, low and high, a row for each class and measure that a resample has, in the order
// of the classes, then of Columns. It has no rows without resamples.
func (t Table) IntervalTable() dataframe.DataFrame {
	var (
		names, measures  []string
		value, low, high []float64
	)
	for c, class := range t.Classes {
		for _, m := range t.Columns {
			if !math.IsNaN(m.Low[c]) {
				names, measures = append(names, class.Name), append(measures, m.Name)
				value, low, high = append(value, m.Values[c]), append(low, m.Low[c]), append(high, m.High[c])
			}
		}
	}
	return dataframe.New(
		series.New(names, series.String, "class"), series.New(measures, series.String, "measure"),
		series.New(value, series.Float, "value"), series.New(low, series.Float, "low"), series.New(high, series.Float, "high"),
	)
}

// Table returns the measures of the classes side by side: those of [Table.Table] with a column
// "<measure> in <space>" for each measure and space.
func (s Spaces) Table() dataframe.DataFrame {
	if err := s.check("imbalance.Spaces.Table"); err != nil {
		return dataframe.DataFrame{Err: err}
	}
	frames := make([]dataframe.DataFrame, len(s))
	for i, t := range s {
		frames[i] = t.Table()
	}
	columns := []series.Series{frames[0].Col("class")}
	for _, m := range s[0].Columns {
		for i, f := range frames {
			column := f.Col(m.Name)
			column.Name = m.Name + " in " + s.name(i)
			columns = append(columns, column)
		}
	}
	return dataframe.New(columns...)
}

// SetTable returns the measures of the whole set side by side: columns measure, then the value in
// each space.
func (s Spaces) SetTable() dataframe.DataFrame {
	if err := s.check("imbalance.Spaces.SetTable"); err != nil {
		return dataframe.DataFrame{Err: err}
	}
	columns := []series.Series{s[0].SetTable().Col("measure")}
	for i, t := range s {
		column := t.SetTable().Col("value")
		column.Name = s.name(i)
		columns = append(columns, column)
	}
	return dataframe.New(columns...)
}
