package datasets

import (
	"bytes"
	"context"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"
)

func image2(labels ...int) Set {
	s := Set{Name: "pair", Shape: Shape{1, 1, 2}, Classes: []string{"a", "b"}, Labels: labels, Pixels: []uint8{}}
	for i := range labels {
		s.Pixels = append(s.Pixels, uint8(i), 255)
	}
	return s
}

func TestCheckNamesWhatIsWrong(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(*Set)
		want  error
		texts []string
	}{
		{"nothing", func(s *Set) { *s = Set{} }, ErrFormat, []string{"0x0x0"}},
		{"negative shape", func(s *Set) { s.Shape = Shape{-1, -1, 2} }, ErrFormat, []string{"below 1"}},
		{"overflowing shape", func(s *Set) { s.Shape = Shape{1 << 31, 1 << 31, 4} }, ErrFormat, []string{"more than"}},
		{"both kinds", func(s *Set) { s.Values = []float64{1} }, nil, []string{"either Pixels or Values"}},
		{"pixels missing", func(s *Set) { s.Pixels = s.Pixels[1:] }, nil, []string{"need 4 pixels, have 3"}},
		{"values missing", func(s *Set) { s.Pixels, s.Values = nil, []float64{1} }, nil, []string{"need 4 values, have 1"}},
		{"masks", func(s *Set) { s.Masks = []uint8{1} }, nil, []string{"masks need 4"}},
		{"columns", func(s *Set) { s.Columns = []string{"x"} }, nil, []string{"1 column names for 2"}},
		{"label", func(s *Set) { s.Labels[1] = 2 }, ErrLabel, []string{"row 1", "label 2", "2 classes (0-1)"}},
		{"negative label", func(s *Set) { s.Labels[0] = -1 }, ErrLabel, []string{"row 0", "label -1"}},
		{"no classes", func(s *Set) { s.Classes = nil }, ErrLabel, []string{"no classes"}},
		{"NaN", func(s *Set) {
			s.Pixels, s.Values, s.Columns = nil, []float64{0, 0, 0, math.NaN()}, []string{"x", "age"}
		}, ErrNotFinite, []string{"row 1", `"age"`, "NaN"}},
		{"Inf", func(s *Set) { s.Pixels, s.Values = nil, []float64{0, math.Inf(1), 0, 0} }, ErrNotFinite, []string{"row 0", "column 1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := image2(0, 1)
			if err := s.Check(); err != nil {
				t.Fatal(err)
			}
			test.spoil(&s)
			_, err := s.Build(context.Background())
			wantError(t, err, test.want, test.texts...)
			// Nothing may panic on a set like this.
			s.Counts()
			s.Fingerprint()
			for i := -1; i < 3; i++ {
				s.At(i).Err()
			}
			s.Batch(nil, nil)
			s.Batch(nil, []int{1, 5})
		})
	}
}

func TestAtCarriesItsError(t *testing.T) {
	s := image2(0, 1)
	if x := s.At(1); x.Err() != nil || x.Class != "b" || !slices.Equal(x.X, []float64{1. / 255, 1}) {
		t.Errorf("At(1) = %+v, %v", x, x.Err())
	}
	wantError(t, s.At(2).Err(), nil, "At(2)", `"pair"`, "2 samples (0-1)")
	wantError(t, s.At(-1).Err(), nil, "At(-1)")
	wantError(t, Set{Name: "none"}.At(0).Err(), nil, "no samples")
	s.Labels[1] = 7
	wantError(t, s.At(1).Err(), ErrLabel, "label 7")
	if got := s.Counts(); !slices.Equal(got, []int{1, 0}) {
		t.Errorf("counts %v with a label out of range", got)
	}
	wantError(t, Sample{}.Err(), nil, "0 values")
}

func TestAtGivesTheMask(t *testing.T) {
	s := image2(0, 1)
	s.Masks = []uint8{0, 0, 1, 0}
	if m := s.At(1).Mask; !slices.Equal(m, []bool{true, false}) {
		t.Errorf("mask %v", m)
	}
}

func TestBatch(t *testing.T) {
	s := image2(0, 1, 0)
	x := s.Batch(nil, []int{2, 0})
	if !mat.Equal(x, mat.NewDense(2, 2, []float64{2. / 255, 1, 0, 1})) {
		t.Errorf("batch\n%v", mat.Formatted(x))
	}
	if again := s.Batch(x, []int{1, 1}); again != x {
		t.Error("a matrix of the right size is not used again")
	}
	if r, c := s.Batch(x, nil).Dims(); r != 3 || c != 2 {
		t.Errorf("nil index: %d x %d", r, c)
	}
	if !s.Batch(nil, []int{}).IsEmpty() {
		t.Error("no samples should be an empty matrix")
	}
	if v := s.Batch(nil, []int{0, 3}); !math.IsNaN(v.At(1, 0)) || math.IsNaN(v.At(0, 0)) {
		t.Errorf("an index out of range should give a row of NaN:\n%v", mat.Formatted(v))
	}
}

func TestFingerprintSeesEverythingButTheName(t *testing.T) {
	base := balanced(2, 2)
	renamed := base
	renamed.Name = "x"
	if base.Fingerprint() != renamed.Fingerprint() {
		t.Error("the name changes the fingerprint")
	}
	seen := map[string]bool{base.Fingerprint(): true}
	for name, change := range map[string]func(*Set){
		"label":   func(s *Set) { s.Labels = []int{1, 1, 0, 1} },
		"value":   func(s *Set) { s.Values = []float64{0, 1, 2, 4} },
		"class":   func(s *Set) { s.Classes = []string{"Aa", "x"} },
		"classes": func(s *Set) { s.Classes = []string{"Aa", "Ab", ""} },
		"columns": func(s *Set) { s.Columns = []string{"c"} },
		"masks":   func(s *Set) { s.Masks = []uint8{0, 0, 0, 1} },
		"kind":    func(s *Set) { s.Values, s.Pixels = nil, []uint8{0, 1, 2, 3} },
		"shape":   func(s *Set) { s.Shape.Width = 2 },
	} {
		s := base
		change(&s)
		if seen[s.Fingerprint()] {
			t.Errorf("a change of %s does not show", name)
		}
		seen[s.Fingerprint()] = true
	}
	if image2(0, 1).At(0).Fingerprint() == image2(0, 1).At(1).Fingerprint() {
		t.Error("two samples have the same fingerprint")
	}
}

func TestSampleErrNamesValuesThatAreNotFinite(t *testing.T) {
	row := Sample{Set: "blood", Index: 4, Shape: Shape{1, 1, 3}, X: []float64{1, 2, 3}, Label: -1, Columns: []string{"age", "iron", "salt"}}
	pixels := Sample{Set: "photo", Shape: Shape{2, 2, 3}, X: make([]float64, 12), Label: -1}
	for _, test := range []struct {
		x     Sample
		at    int
		v     float64
		texts []string
	}{
		{row, 1, math.NaN(), []string{`sample 4 of "blood"`, `column "iron" is NaN`}},
		{pixels, 8, math.Inf(-1), []string{`"photo"`, "channel 1, row 0, column 2 is -Inf"}},
		{Sample{Shape: Shape{1, 1, 3}, X: []float64{0, 0, 0}}, 2, math.Inf(1), []string{"column 2 is +Inf"}},
	} {
		if err := test.x.Err(); err != nil {
			t.Errorf("a good sample: %v", err)
		}
		test.x.X = slices.Clone(test.x.X)
		test.x.X[test.at] = test.v
		wantError(t, test.x.Err(), ErrNotFinite, test.texts...)
	}
	bad := Set{Name: "t", Shape: Shape{1, 1, 1}, Classes: []string{"a"}, Labels: []int{0}, Values: []float64{math.NaN()}}
	wantError(t, bad.At(0).Err(), ErrNotFinite)
}

// What views need of a table row is there, also after the steps and the cache.
func TestTableSamplesKnowColumnsAndClasses(t *testing.T) {
	recipe, _ := Blobs(BlobOptions{Samples: 40, Noise: 1}).Seed(3).Split(0.5)
	recipe = recipe.Only("blob 2", "blob 0")
	set := build(t, recipe)
	var saved bytes.Buffer
	if err := recipe.Save(&saved, set); err != nil {
		t.Fatal(err)
	}
	loaded, err := recipe.Load(&saved)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []Set{set, loaded} {
		x := s.At(1)
		if err := x.Err(); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(x.Columns, []string{"x1", "x2", "noise1"}) || len(x.X) != 3 {
			t.Errorf("columns %q for %d values", x.Columns, len(x.X))
		}
		if !slices.Equal(x.Classes, []string{"blob 2", "blob 0"}) || x.Class != x.Classes[x.Label] {
			t.Errorf("classes %q, class %q, label %d", x.Classes, x.Class, x.Label)
		}
	}
}
