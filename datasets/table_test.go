package datasets

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
)

func TestReadCSV(t *testing.T) {
	s, err := ReadCSV(strings.NewReader("\ufeffid,length, width,species\n1,5.1,3.5,setosa\n2, 4.9,3e0,iris\n3,-1,0,setosa\n"), CSV{Label: "species", Drop: []string{"id"}})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Columns, []string{"length", "width"}) || !slices.Equal(s.Classes, []string{"iris", "setosa"}) ||
		!slices.Equal(s.Labels, []int{1, 0, 1}) || !slices.Equal(s.Values, []float64{5.1, 3.5, 4.9, 3, -1, 0}) || s.Shape != (Shape{1, 1, 2}) {
		t.Errorf("%+v", s)
	}
	s, err = ReadCSV(strings.NewReader("x;y\n1;10\n1;9\n1;10\n"), CSV{Label: "y", Comma: ';'})
	if err != nil || !slices.Equal(s.Classes, []string{"9", "10"}) || !slices.Equal(s.Labels, []int{1, 0, 1}) {
		t.Errorf("numbered classes %q, labels %v, %v", s.Classes, s.Labels, err)
	}
}

func TestReadCSVBadInput(t *testing.T) {
	for _, test := range []struct {
		name, text string
		o          CSV
		want       error
		texts      []string
	}{
		{"empty", "", CSV{Label: "y"}, ErrFormat, []string{"header"}},
		{"header only", "x,y\n", CSV{Label: "y"}, ErrFormat, []string{"no rows"}},
		{"NaN", "x,y\n1,a\nNaN,b\n", CSV{Label: "y"}, ErrNotFinite, []string{"row 2", `"x"`}},
		{"missing", "x,z,y\n1,,a\n", CSV{Label: "y"}, ErrNotFinite, []string{"row 1", `"z"`}},
		{"infinite", "x,y\n1e999,a\n", CSV{Label: "y"}, ErrNotFinite, []string{"row 1", "Inf"}},
		{"text", "x,colour,y\n1,red,a\n", CSV{Label: "y"}, ErrNotNumeric, []string{`"colour"`, `"red"`, "row 1"}},
		{"no label", "x,y\n1,\n", CSV{Label: "y"}, ErrFormat, []string{"row 1", "label"}},
		{"label column", "x,y\n1,a\n", CSV{Label: "class"}, ErrColumn, []string{`"class"`, `"x" "y"`}},
		{"drop column", "x,y\n1,a\n", CSV{Label: "y", Drop: []string{"id"}}, ErrColumn, []string{`"id"`}},
		{"nothing left", "x,y\n1,a\n", CSV{Label: "y", Drop: []string{"x"}}, ErrFormat, []string{"no feature column"}},
		{"twice", "x,x,y\n1,2,a\n", CSV{Label: "y"}, ErrFormat, []string{"two columns", `"x"`}},
		{"ragged", "x,y\n1,a\n2\n", CSV{Label: "y"}, ErrFormat, []string{"row 2"}},
		{"quotes", "x,y\n\"1,a\n", CSV{Label: "y"}, ErrFormat, []string{"row 1"}},
		{"separator", "x,y\n1,a\n", CSV{Label: "y", Comma: '\n'}, nil, []string{"delimiter"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ReadCSV(strings.NewReader(test.text), test.o)
			wantError(t, err, test.want, append(test.texts, "datasets: CSV")...)
		})
	}
}

func TestFromFrame(t *testing.T) {
	df := dataframe.New(
		series.New([]float64{1.5, 2}, series.Float, "x"),
		series.New([]int{3, 4}, series.Int, "n"),
		series.New([]bool{true, false}, series.Bool, "wet"),
		series.New([]float64{1, 0.5}, series.Float, "y"))
	s, err := FromFrame(df, "y")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Values, []float64{1.5, 3, 1, 2, 4, 0}) || !slices.Equal(s.Classes, []string{"0.5", "1"}) || !slices.Equal(s.Labels, []int{1, 0}) {
		t.Errorf("%+v", s)
	}

	_, err = FromFrame(df, "class")
	wantError(t, err, ErrColumn, `"class"`, `"wet"`)
	text := dataframe.New(series.New([]string{"a"}, series.String, "colour"), series.New([]int{1}, series.Int, "y"))
	_, err = FromFrame(text, "y")
	wantError(t, err, ErrNotNumeric, `"colour"`)
	hole := dataframe.New(series.New([]string{"1", "NaN"}, series.Float, "x"), series.New([]string{"a", "b"}, series.String, "y"))
	_, err = FromFrame(hole, "y")
	wantError(t, err, ErrNotFinite, "row 2", `"x"`)
	_, err = FromFrame(hole, "x")
	wantError(t, err, ErrNotNumeric, `"y"`)
	unlabelled := dataframe.New(series.New([]float64{1}, series.Float, "x"), series.New([]string{"NaN"}, series.String, "y"))
	_, err = FromFrame(unlabelled, "y")
	wantError(t, err, ErrFormat, "row 1 has no label")
	failed := df
	failed.Err = errors.New("an earlier step failed")
	_, err = FromFrame(failed, "y")
	wantError(t, err, failed.Err, "data frame")
	_, err = FromFrame(dataframe.ReadCSV(strings.NewReader("")), "y")
	wantError(t, err, nil, "data frame")
	_, err = FromFrame(df.Select("nope"), "y")
	wantError(t, err, nil, "data frame")
	_, err = FromFrame(dataframe.DataFrame{}, "y")
	wantError(t, err, ErrFormat, "data frame")
}
