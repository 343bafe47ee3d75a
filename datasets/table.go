package datasets

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
)

// CSV says how a text table becomes a set.
type CSV struct {
	Label string   // name of the column with the class; required
	Drop  []string // columns to leave out, such as row numbers
	Comma rune     // separator; default ','
}

// ReadCSV reads a table with a header line: one column holds the class, every other one
// that is not dropped a number. The classes are the distinct labels in sorted order, as
// numbers if all are whole numbers, else as text.
//
// Errors name row (counted from 1, without the header) and column. They match
// ErrNotFinite for an empty cell, NA, NaN or an infinite value, ErrNotNumeric for text
// in a feature column, ErrColumn for a Label or Drop that is not in the header, and
// ErrFormat for lines of unequal length or a missing label.
func ReadCSV(r io.Reader, o CSV) (Set, error) {
	s, err := readCSV(r, o)
	if err != nil {
		return Set{}, errorf("CSV: %w", err)
	}
	return s, nil
}

func readCSV(r io.Reader, o CSV) (Set, error) {
	in := csv.NewReader(r)
	if o.Comma != 0 {
		in.Comma = o.Comma
	}
	in.ReuseRecord = true
	in.TrimLeadingSpace = true
	header, err := in.Read()
	if err != nil {
		return Set{}, fmt.Errorf("header: %w", malformed(err))
	}
	header = slices.Clone(header)
	header[0] = strings.TrimPrefix(header[0], "\ufeff") // as spreadsheets write it
	t, err := newTable(header, o.Label, o.Drop)
	if err != nil {
		return Set{}, err
	}
	for row := 1; ; row++ {
		record, err := in.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return Set{}, fmt.Errorf("row %d: %w", row, malformed(err))
		}
		if err := t.label(row, record[t.labelAt]); err != nil {
			return Set{}, err
		}
		for _, j := range t.features {
			text := strings.TrimSpace(record[j])
			v, err := strconv.ParseFloat(text, 64)
			if missing(text) {
				v = math.NaN()
			} else if err != nil && !errors.Is(err, strconv.ErrRange) {
				return Set{}, fmt.Errorf("row %d, column %q is %q; drop the column or code it as numbers: %w", row, header[j], text, ErrNotNumeric)
			}
			if err := t.value(row, header[j], v); err != nil {
				return Set{}, err
			}
		}
	}
	return t.set()
}

// missing reports the usual spellings of no value.
func missing(text string) bool {
	return slices.Contains([]string{"", "na", "n/a", "nan", "null", "none", "?"}, strings.ToLower(text))
}

// FromFrame makes a set of a gota data frame: the label column holds the class, every
// other column numbers (int, float, or bool as 0 and 1). Classes and errors are as in
// ReadCSV; a frame that carries an error of its own returns it.
func FromFrame(df dataframe.DataFrame, label string) (s Set, err error) {
	// gota panics when a frame that failed, or a zero one, is read.
	defer func() {
		if p := recover(); p != nil {
			s, err = Set{}, errorf("data frame: %v: %w", p, ErrFormat)
		}
	}()
	if df.Err != nil {
		return Set{}, errorf("data frame: %w", df.Err)
	}
	if s, err = fromFrame(df, label); err != nil {
		return Set{}, errorf("data frame: %w", err)
	}
	return s, nil
}

func fromFrame(df dataframe.DataFrame, label string) (Set, error) {
	names := df.Names()
	if len(names) == 0 {
		return Set{}, fmt.Errorf("has no columns: %w", ErrFormat)
	}
	t, err := newTable(names, label, nil)
	if err != nil {
		return Set{}, err
	}
	types := df.Types()
	columns := make([][]float64, len(names))
	for _, j := range t.features {
		if types[j] == series.String {
			return Set{}, fmt.Errorf("column %q holds text; drop the column or code it as numbers: %w", names[j], ErrNotNumeric)
		}
		columns[j] = df.Col(names[j]).Float()
	}
	labels := df.Col(label)
	for i := range df.Nrow() {
		text := labels.Elem(i).String()
		if types[t.labelAt] == series.Float {
			// gota writes six decimals, which would name class 1 "1.000000".
			text = strconv.FormatFloat(labels.Elem(i).Float(), 'g', -1, 64)
		}
		if err := t.label(i+1, text); err != nil {
			return Set{}, err
		}
		for _, j := range t.features {
			if err := t.value(i+1, names[j], columns[j][i]); err != nil {
				return Set{}, err
			}
		}
	}
	return t.set()
}

// table collects the rows of a set.
type table struct {
	labelAt  int   // column of the label
	features []int // columns of the features
	columns  []string
	labels   []string
	values   []float64
}

func newTable(header []string, label string, drop []string) (*table, error) {
	t := &table{labelAt: slices.Index(header, label)}
	if t.labelAt < 0 {
		return nil, fmt.Errorf("no label column %q, only %q: %w", label, header, ErrColumn)
	}
	for _, d := range drop {
		if !slices.Contains(header, d) {
			return nil, fmt.Errorf("no column %q to drop, only %q: %w", d, header, ErrColumn)
		}
	}
	for j, name := range header {
		if slices.Contains(header[:j], name) {
			return nil, fmt.Errorf("two columns are named %q: %w", name, ErrFormat)
		}
		if j != t.labelAt && !slices.Contains(drop, name) {
			t.features = append(t.features, j)
			t.columns = append(t.columns, name)
		}
	}
	if len(t.features) == 0 {
		return nil, fmt.Errorf("no feature column besides the label %q: %w", label, ErrFormat)
	}
	return t, nil
}

func (t *table) label(row int, text string) error {
	if text = strings.TrimSpace(text); missing(text) {
		return fmt.Errorf("row %d has no label (%q): %w", row, text, ErrFormat)
	}
	t.labels = append(t.labels, text)
	return nil
}

func (t *table) value(row int, column string, v float64) error {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Errorf("row %d, column %q is missing or %v; fill or drop it: %w", row, column, v, ErrNotFinite)
	}
	t.values = append(t.values, v)
	return nil
}

func (t *table) set() (Set, error) {
	if len(t.labels) == 0 {
		return Set{}, fmt.Errorf("no rows below the header: %w", ErrFormat)
	}
	classes := slices.Clone(t.labels)
	sortLabels(classes)
	classes = slices.Clip(slices.Compact(classes))
	place := make(map[string]int, len(classes))
	for c, name := range classes {
		place[name] = c
	}
	s := Set{
		Name: "table", Shape: Shape{1, 1, len(t.features)}, Classes: classes,
		Labels: make([]int, len(t.labels)), Values: t.values, Columns: t.columns,
	}
	for i, name := range t.labels {
		s.Labels[i] = place[name]
	}
	return s, s.Check()
}

// sortLabels sorts whole numbers by value ("2" before "10"), anything else as text.
func sortLabels(labels []string) {
	number := func(text string) int {
		v, _ := strconv.Atoi(text)
		return v
	}
	for _, text := range labels {
		if strconv.Itoa(number(text)) != text {
			slices.Sort(labels)
			return
		}
	}
	slices.SortFunc(labels, func(a, b string) int { return number(a) - number(b) })
}

func (o CSV) files(path string) ([]string, error) { return []string{path}, nil }

func (o CSV) read(_ context.Context, path string) (Set, error) {
	file, err := os.Open(path)
	if err != nil {
		return Set{}, err
	}
	defer file.Close()
	s, err := ReadCSV(file, o)
	s.Name = baseName(path)
	return s, err
}
