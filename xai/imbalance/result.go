package imbalance

import (
	"math"
	"slices"
)

// Table is what Complexity.Measure found. Its order is fixed: measures as in this package's
// documentation, classes by label.
type Table struct {
	Space    string     // what the rows are: "inputs", or the name of a layer; "" if not known
	Options  Complexity // with the defaults filled in
	Rows     int        // of the table measured
	Features int
	Sampled  int      // rows measured at once: Rows, or about Options.Sample
	Repeats  int      // samples averaged; 1 without sampling
	Set      []Value  // measures of all classes together
	Classes  []Class  // by ascending label
	Columns  []Column // measures of each class
}

// Value is a measure of the whole set.
type Value struct {
	Name      string
	Value     float64 // NaN: see Note
	Low, High float64 // confidence interval; NaN without one
	Note      string  // why there is no value; empty if there is
}

// Class is a class of the table.
type Class struct {
	Label int
	Name  string
	Rows  int

	// Adversary names the other class that most of the k nearest rows of this one's rows are
	// of, the first of several; "" where none is of another class.
	Adversary string
}

// Column is a measure of every class, in the order of Table.Classes.
type Column struct {
	Name      string
	Values    []float64 // NaN: no value
	Low, High []float64 // confidence intervals; NaN without one
	Macro     float64   // mean over the classes with a value
	Note      string    // why values are missing; empty if none is

	// Spearman is the rank correlation with Options.Recall over the classes, and P the share
	// of permutations of the classes with one as far from 0: of all for up to 8 classes,
	// else of 9,999 drawn and this one. NaN without recalls, or where either is constant.
	Spearman, P float64
}

// setMeasures is the order of Table.Set.
var setMeasures = []string{
	"F1", "F1mean", "F1v", "F2", "F3", "F4", "L1", "L2", "L3", "N1", "N2", "N2sum", "N3", "N4", "T1", "LSC",
	"kDN", "degOver", "CM", "CB", "R", "density", "clsCoef", "hubs", "T2", "T3", "T4", "C1", "C2", "IR",
}

// classMeasures is the order of Table.Columns.
var (
	sizeMeasures       = []string{"n", "share", "IR"}
	neighbourMeasures  = []string{"safe", "border", "rare", "outlier", "kDN", "degOver", "CM", "D3", "safe level", "adversary"}
	separationMeasures = []string{"N1", "N2", "N3", "N4", "T1", "LSC", "F2", "F3", "L1", "L2", "L3"}
	classMeasures      = slices.Concat(sizeMeasures, neighbourMeasures, separationMeasures)
)

// Get returns a measure of the whole set by name; NaN if there is none of that name.
func (t Table) Get(name string) float64 {
	for _, v := range t.Set {
		if v.Name == name {
			return v.Value
		}
	}
	return math.NaN()
}

// Column returns a measure of the classes by name; the zero Column if there is none.
func (t Table) Column(name string) Column {
	for _, c := range t.Columns {
		if c.Name == name {
			return c
		}
	}
	return Column{}
}

// fill averages the samples and takes what needs no sample from the whole table.
func (t *Table) fill(all []*measured, whole data) {
	o := t.Options
	counts, most := make([]int, len(t.Classes)), 0
	for c := range counts {
		counts[c] = t.Classes[c].Rows
		most = max(most, counts[c])
	}
	for _, name := range setMeasures {
		v := Value{Name: name, Low: math.NaN(), High: math.NaN()}
		var values, resampled []float64
		for _, one := range all {
			if x, has := one.set[name]; has {
				values = append(values, x)
			}
			for _, again := range one.resets {
				if x, has := again[name]; has {
					resampled = append(resampled, x)
				}
			}
		}
		v.Value = mean(values)
		switch c1, c2, ir := balance(counts); {
		case name == "IR":
			v.Value = ir
		case o.Convention == Problexity || t.Rows == t.Sampled || math.IsNaN(v.Value):
		case name == "C1" && o.Convention == PyMFE:
			v.Value = 1 - c1
		case name == "C1":
			v.Value = c1
		case name == "C2":
			v.Value = c2
		case name == "T2" && o.Convention == DCoL:
			v.Value = float64(t.Rows) / float64(t.Features)
		case name == "T2":
			v.Value = float64(t.Features) / float64(t.Rows)
		}
		v.Low, v.High = interval(resampled, o.Level)
		if math.IsNaN(v.Value) {
			v.Note = why(name, o.Convention, len(t.Classes))
		}
		t.Set = append(t.Set, v)
	}
	for _, name := range classMeasures {
		column := Column{Name: name, Spearman: math.NaN(), P: math.NaN()}
		for c := range t.Classes {
			var values, resampled []float64
			for _, one := range all {
				if x, has := one.class[c][name]; has {
					values = append(values, x)
				}
				for _, again := range one.reclass {
					if x, has := again[c][name]; has {
						resampled = append(resampled, x)
					}
				}
			}
			value := mean(values)
			switch name {
			case "n":
				value = float64(counts[c])
			case "share":
				value = float64(counts[c]) / float64(t.Rows)
			case "IR":
				value = float64(most) / float64(counts[c])
			}
			if math.IsNaN(value) {
				column.Note = why(name, o.Convention, len(t.Classes))
			}
			low, high := interval(resampled, o.Level)
			column.Values, column.Low, column.High = append(column.Values, value), append(column.Low, low), append(column.High, high)
		}
		column.Macro = mean(column.Values)
		t.Columns = append(t.Columns, column)
	}
	for c := range t.Classes {
		votes := make([]int, len(t.Classes))
		for _, one := range all {
			for o, n := range one.votes[c] {
				votes[o] += n
			}
		}
		if _, top := adversary(votes, c); top >= 0 {
			t.Classes[c].Adversary = t.Classes[top].Name
		}
	}
}

// why says why a measure has no value.
func why(name string, c Convention, classes int) string {
	switch {
	case c == DCoL && classes > 2 && (name == "L1" || name == "L2" || name == "L3"):
		return "DCoL defines it for two classes only"
	case c == DCoL && slices.Contains([]string{"LSC", "density", "clsCoef", "hubs", "T3", "T4", "C1", "C2"}, name):
		return "not in DCoL"
	}
	switch name {
	case "F1", "F1mean":
		return "no feature varies"
	case "F1v":
		return "the classes do not vary"
	case "F2":
		return "no feature varies within the class"
	case "hubs":
		return "the graph has no edge"
	case "adversary":
		return "no neighbour is of another class"
	case "N2", "N2sum":
		return "rows of all classes coincide, at distance 0"
	}
	return "undefined for this table"
}

// interval returns the quantiles around the middle level of the values that are numbers.
func interval(values []float64, level float64) (low, high float64) {
	var sorted []float64
	for _, v := range values {
		if !math.IsNaN(v) {
			sorted = append(sorted, v)
		}
	}
	if len(sorted) == 0 {
		return math.NaN(), math.NaN()
	}
	slices.Sort(sorted)
	quantile := func(p float64) float64 {
		at := p * float64(len(sorted)-1)
		i := int(at)
		if i+1 >= len(sorted) || sorted[i] == sorted[i+1] {
			return sorted[i]
		}
		return sorted[i] + (at-float64(i))*(sorted[i+1]-sorted[i])
	}
	return quantile((1 - level) / 2), quantile((1 + level) / 2)
}
