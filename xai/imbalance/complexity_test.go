package imbalance

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"math"
	"os"
	"reflect"
	"runtime"
	"strconv"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/neighbors"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

func TestBadInput(t *testing.T) {
	x := mat.NewDense(6, 2, []float64{0, 0, 1, 0, 0, 1, 5, 5, 6, 5, 5, 6})
	y := []int{0, 0, 0, 1, 1, 1}
	bad := func(v float64) *mat.Dense {
		b := mat.DenseCopyOf(x)
		b.Set(2, 1, v)
		return b
	}
	three := Complexity{Neighbors: 3}
	with := func(change func(o *Complexity)) Complexity {
		o := three
		change(&o)
		return o
	}
	for _, c := range []struct {
		name string
		o    Complexity
		x    *mat.Dense
		y    []int
		want error
	}{
		{"nil", three, nil, y, xai.ErrShape},
		{"empty", three, new(mat.Dense), nil, xai.ErrShape},
		{"labels", three, x, y[:5], xai.ErrShape},
		{"NaN", three, bad(math.NaN()), y, ErrNotFinite},
		{"Inf", three, bad(math.Inf(1)), y, ErrNotFinite},
		{"overflow", with(func(o *Complexity) { o.Distance = Euclidean }), bad(1e200), y, ErrNotFinite},
		{"one class", three, x, make([]int, 6), ErrOneClass},
		{"one member", three, x, []int{0, 0, 0, 0, 0, 7}, ErrDegenerateClass{Class: "7", Need: 2, Have: 1}},
		{"named member", with(func(o *Complexity) { o.Names = []string{"a", "b"} }), x, []int{0, 0, 0, 0, 0, 1}, ErrDegenerateClass{Class: "b", Need: 2, Have: 1}},
		{"no member", with(func(o *Complexity) { o.Names = []string{"a", "b", "c"} }), x, y, ErrDegenerateClass{Class: "c", Need: 2, Have: 0}},
		{"k n", Complexity{Neighbors: 6}, x, y, ErrCount},
		{"default k", Complexity{}, x.Slice(0, 5, 0, 2).(*mat.Dense), y[:5], ErrCount},
		{"k below 0", Complexity{Neighbors: -1}, x, y, nil},
		{"k and sample", Complexity{Neighbors: 10, Sample: 10}, x, y, ErrCount},
		{"sample", with(func(o *Complexity) { o.Sample = 9 }), x, y, nil},
		{"repeats", with(func(o *Complexity) { o.Repeats = -1 }), x, y, nil},
		{"bootstrap", with(func(o *Complexity) { o.Bootstrap = -1 }), x, y, nil},
		{"memory", with(func(o *Complexity) { o.Memory = -1 }), x, y, nil},
		{"level", with(func(o *Complexity) { o.Level = 1 }), x, y, nil},
		{"NaN level", with(func(o *Complexity) { o.Level = math.NaN() }), x, y, nil},
		{"convention", with(func(o *Complexity) { o.Convention = 4 }), x, y, nil},
		{"distance", with(func(o *Complexity) { o.Distance = -1 }), x, y, nil},
		{"recalls", with(func(o *Complexity) { o.Recall = []float64{1} }), x, y, xai.ErrShape},
		{"recall", with(func(o *Complexity) { o.Recall = []float64{1, 1.5} }), x, y, nil},
	} {
		_, err := c.o.Measure(t.Context(), c.x, c.y)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: error %v, want one that is %v", c.name, err, c.want)
		}
	}
	var typed ErrDegenerateClass
	if _, err := three.Measure(t.Context(), x, []int{0, 0, 0, 0, 0, 7}); !errors.As(err, &typed) || typed.Class != "7" {
		t.Errorf("errors.As finds %+v in %v", typed, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := three.Measure(ctx, x, y); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	named := datasets.Set{Name: "s", Shape: datasets.Shape{Channels: 1, Height: 1, Width: 1}}
	if _, err := three.MeasureSet(t.Context(), named); err == nil {
		t.Error("an empty set has a table")
	}
}

// TestLabelsAreNames: gapped, negative and unsorted labels give the table of 0, 1, 2.
func TestLabelsAreNames(t *testing.T) {
	x, y := blobs(60, 3, 3, 2)
	want, err := Complexity{}.Measure(t.Context(), x, y)
	if err != nil {
		t.Fatal(err)
	}
	other := make([]int, len(y))
	for i, c := range y {
		other[i] = []int{-7, 3, 1000}[c]
	}
	got, err := Complexity{}.Measure(t.Context(), x, other)
	if err != nil {
		t.Fatal(err)
	}
	if fmt.Sprint(got.Set, got.Columns) != fmt.Sprint(want.Set, want.Columns) {
		t.Error("the values depend on the labels")
	}
	if got.Classes[0].Name != "-7" || got.Classes[2].Label != 1000 {
		t.Errorf("classes %+v", got.Classes)
	}
}

// TestDegenerateTables: nothing panics, and what has no value says why.
func TestDegenerateTables(t *testing.T) {
	for _, c := range []struct {
		name string
		fill func(i, j int) float64
		none []string // measures without a value in ECoL
	}{
		{"constant", func(int, int) float64 { return 3 }, []string{"F1", "F1mean", "N2", "N2sum", "hubs"}},
		{"one constant column", func(i, j int) float64 { return float64(j * (i*i%7 + i/6*10)) }, nil},
		{"all rows equal within the class", func(i, _ int) float64 { return float64(i / 6) }, []string{"hubs"}},
		{"every row twice", func(i, j int) float64 { return float64((i / 2 * (j + 3)) % 5) }, []string{"hubs"}},
		{"both classes the same rows", func(i, j int) float64 { return float64(i % 6 * (j + 1)) }, []string{"hubs"}},
	} { // a single nearest row, at distance 0, is no edge
		x, y := mat.NewDense(12, 3, nil), make([]int, 12)
		for i := range y {
			y[i] = i / 6
			for j := range 3 {
				x.Set(i, j, c.fill(i, j))
			}
		}
		for convention := ECoL; convention <= DCoL; convention++ {
			got, err := Complexity{Convention: convention, Bootstrap: 3}.Measure(t.Context(), x, y)
			if err != nil {
				t.Errorf("%s, %v: %v", c.name, convention, err)
				continue
			}
			for _, v := range got.Set {
				if math.IsNaN(v.Value) != (v.Note != "") {
					t.Errorf("%s, %v: %s is %v with the note %q", c.name, convention, v.Name, v.Value, v.Note)
				}
				if convention == ECoL && math.IsNaN(v.Value) != has(c.none, v.Name) {
					t.Errorf("%s: %s is %v", c.name, v.Name, v.Value)
				}
				if convention != DCoL && v.Name != "IR" && (v.Value < -1e-12 || v.Value > 1+1e-12) {
					t.Errorf("%s, %v: %s is %v, outside [0,1]", c.name, convention, v.Name, v.Value)
				}
			}
		}
	}
}

func has(list []string, name string) bool {
	for _, s := range list {
		if s == name {
			return true
		}
	}
	return false
}

// deterministic measures do not depend on the order of the rows where nothing ties; random
// ones and those that depend on the order of absorption by ties are left out.
var ordered = []string{"F1", "F1mean", "F1v", "F2", "F3", "F4", "L2", "N1", "N2", "N2sum", "N3", "LSC", "T1", "kDN",
	"degOver", "CM", "CB", "R", "density", "clsCoef", "hubs", "T2", "T3", "T4", "C1", "C2", "IR"}

func TestRowOrderDoesNotMatter(t *testing.T) {
	x, y := blobs(90, 4, 3, 2)
	order := seed.Stream(3).Perm(len(y))
	for convention := ECoL; convention <= DCoL; convention++ {
		d := newData(x, y, 3).take(order)
		o := Complexity{Convention: convention}
		a, err := o.Measure(t.Context(), x, y)
		if err != nil {
			t.Fatal(err)
		}
		b, err := o.Measure(t.Context(), d.x, d.y)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range ordered {
			if v, w := a.Get(name), b.Get(name); math.Abs(v-w) > 1e-9*math.Max(1, math.Abs(v)) {
				t.Errorf("%v: %s is %v, of the shuffled table %v", convention, name, v, w)
			}
		}
		for _, column := range a.Columns {
			if has(ordered, column.Name) || column.Name == "safe level" {
				for c, v := range column.Values {
					if w := b.Column(column.Name).Values[c]; math.Abs(v-w) > 1e-9 {
						t.Errorf("%v: %s of class %d is %v, of the shuffled table %v", convention, column.Name, c, v, w)
					}
				}
			}
		}
	}
}

// TestMoreOverlapIsHarder moves two clouds together.
func TestMoreOverlapIsHarder(t *testing.T) {
	apart := []float64{12, 5, 3, 1.5, 0.5}
	var tables []Table
	r := seed.Stream(5)
	noise := mat.NewDense(200, 3, nil)
	noise.Apply(func(_, _ int, _ float64) float64 { return r.NormFloat64() }, noise)
	y := make([]int, 200)
	for _, a := range apart {
		x := mat.DenseCopyOf(noise)
		for i := range y {
			y[i] = i % 2
			for f := range 3 {
				x.Set(i, f, x.At(i, f)+a*float64(y[i])/math.Sqrt(3))
			}
		}
		got, err := Complexity{Distance: Euclidean}.Measure(t.Context(), x, y)
		if err != nil {
			t.Fatal(err)
		}
		tables = append(tables, got)
	}
	for _, name := range []string{"F1", "F1mean", "F1v", "F2", "F3", "F4", "L1", "L2", "L3", "N1", "N2", "N2sum", "N3", "N4", "T1", "LSC", "kDN", "degOver", "CM", "CB", "R"} {
		for i := 1; i < len(tables); i++ {
			if before, after := tables[i-1].Get(name), tables[i].Get(name); after < before-1e-12 {
				t.Errorf("%s falls from %.4f to %.4f as the distance falls from %v to %v", name, before, after, apart[i-1], apart[i])
			}
		}
		if tables[0].Get(name) >= tables[len(tables)-1].Get(name) {
			t.Errorf("%s does not tell apart what is far from what overlaps: %v", name, tables[0].Get(name))
		}
	}
}

// TestSymmetricClassesAreEqual: the second class is the first one, turned by 180 degrees.
func TestSymmetricClassesAreEqual(t *testing.T) {
	r := seed.Stream(6)
	x, y := mat.NewDense(80, 2, nil), make([]int, 80)
	for i := 0; i < 80; i += 2 {
		a, b := r.NormFloat64()+0.7, r.NormFloat64()
		x.SetRow(i, []float64{a, b})
		x.SetRow(i+1, []float64{-a, -b})
		y[i+1] = 1
	}
	got, err := Complexity{Distance: Euclidean}.Measure(t.Context(), x, y)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"n", "share", "IR", "kDN", "degOver", "CM", "D3", "safe level", "N2", "N3", "LSC", "F2", "F3", "L2"} {
		if v := got.Column(name).Values; math.Abs(v[0]-v[1]) > 1e-9 {
			t.Errorf("%s: %v and %v", name, v[0], v[1])
		}
	}
}

// TestClassesAddUp: what is a mean over rows is the mean over the classes, by size.
func TestClassesAddUp(t *testing.T) {
	x, y := blobs(120, 3, 3, 1)
	got, err := Complexity{}.Measure(t.Context(), x, y)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"N1", "N3", "T1", "kDN", "degOver", "CM"} {
		sum := 0.0
		for c, v := range got.Column(name).Values {
			sum += v * float64(got.Classes[c].Rows) / 120
		}
		if math.Abs(sum-got.Get(name)) > 1e-12 {
			t.Errorf("%s: %v by class, %v of the set", name, sum, got.Get(name))
		}
	}
}

func TestBytesDoNotDependOnProcessors(t *testing.T) {
	x, y := blobs(150, 4, 3, 1)
	o := Complexity{Bootstrap: 20, Sample: 60, Repeats: 2, Seed: 9, Recall: []float64{.9, .5, .7}}
	var first string
	for _, procs := range []int{1, 2, 3} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		got, err := o.Measure(t.Context(), x, y)
		if err != nil {
			t.Fatal(err)
		}
		if s := fmt.Sprint(got); first == "" {
			first = s
		} else if s != first {
			t.Errorf("another table with %d processors", procs)
		}
	}
	o.Seed = 10
	if got, err := o.Measure(t.Context(), x, y); err != nil || fmt.Sprint(got) == first {
		t.Errorf("the seed does not matter (%v)", err)
	}
}

func TestBootstrap(t *testing.T) {
	x, y := blobs(200, 3, 2, 1)
	got, err := Complexity{Bootstrap: 200, Level: 0.9}.Measure(t.Context(), x, y)
	if err != nil {
		t.Fatal(err)
	}
	with := 0
	for _, v := range got.Set {
		if math.IsNaN(v.Low) {
			continue
		}
		with++
		if v.Name == "F2" {
			t.Errorf("F2 has an interval, %v to %v: ranges can only shrink in a resample", v.Low, v.High)
		}
		if !(v.Low <= v.Value && v.Value <= v.High && v.Low < v.High) {
			t.Errorf("%s: %v is not in [%v, %v]", v.Name, v.Value, v.Low, v.High)
		}
	}
	if with != 17 {
		t.Errorf("%d measures have an interval", with)
	}
	// With every row drawn once, F3 and F4 are those of the table, in each convention.
	once, d := make([]float64, 200), newData(x, y, 2)
	for i := range once {
		once[i] = 1
	}
	for c := ECoL; c <= DCoL; c++ {
		want := measureFeatures(d, c, true)
		if f3, f4 := resampled(d.overlaps(c), c, once); math.Abs(f3-want.f3) > 1e-12 || math.Abs(f4-want.f4) > 1e-12 || f3 == f4 {
			t.Errorf("%v: F3 and F4 of all rows once are %v, %v, want %v, %v", c, f3, f4, want.f3, want.f4)
		}
	}
	// N3 is a share: its interval is about that of a binomial.
	for _, v := range got.Set {
		if v.Name == "N3" {
			if half, want := (v.High-v.Low)/2, 1.645*math.Sqrt(v.Value*(1-v.Value)/200); half < want*0.7 || half > want*1.3 {
				t.Errorf("N3 +- %v, a binomial has %v", half, want)
			}
		}
	}
	if low, high := interval([]float64{4, math.NaN(), 1, 2, 3, 5}, 0.5); low != 2 || high != 4 {
		t.Errorf("quartiles %v, %v", low, high)
	}
}

func TestSampling(t *testing.T) {
	n := 20000
	if testing.Short() {
		n = 2000
	}
	x, y := blobs(n, 3, 4, 2)
	got, err := Complexity{Sample: 300, Repeats: 3}.Measure(t.Context(), x, y)
	if err != nil {
		t.Fatal(err)
	}
	if got.Rows != n || got.Sampled < 290 || got.Sampled > 320 || got.Repeats != 3 {
		t.Errorf("rows %d, sampled %d, repeats %d", got.Rows, got.Sampled, got.Repeats)
	}
	count := 0
	for c := range got.Classes {
		count += int(got.Column("n").Values[c])
	}
	if count != n || got.Get("T2") != 3/float64(n) {
		t.Errorf("class sizes add up to %d, T2 is %v", count, got.Get("T2"))
	}
	// Every class keeps enough rows for its neighbours, however rare.
	d := newData(x, y, 4)
	kept := d.take(stratify(d, 30, 5, seed.Stream(1)))
	for c, m := range kept.members {
		if len(m) < 6 {
			t.Errorf("class %d keeps %d rows", c, len(m))
		}
	}
}

func TestRecallCorrelation(t *testing.T) {
	x, y := blobs(100, 3, 3, 1)
	got, err := Complexity{Recall: []float64{.9, .8, .3}}.Measure(t.Context(), x, y)
	if err != nil {
		t.Fatal(err)
	}
	if rho, p := rankCorrelation([]float64{50, 30, 20}, got.Options.Recall, 0); rho != 1 || p != 2.0/6 {
		t.Errorf("three in order: %v, p %v", rho, p)
	}
	if c := got.Column("n"); math.IsNaN(c.Spearman) || c.P < 1.0/6 {
		t.Errorf("n goes with recall by %v, p %v", c.Spearman, c.P)
	}
	frame := got.Table()
	if r, c := frame.Dims(); r != 6 || c != len(classMeasures)+2 {
		t.Errorf("the table has %d rows, %d columns", r, c)
	}
	if names := frame.Col("class").Records(); !reflect.DeepEqual(names, []string{"0", "1", "2", "macro", "spearman", "p"}) {
		t.Errorf("rows %v", names)
	}
	if r, c := got.SetTable().Dims(); r != len(setMeasures) || c != 5 {
		t.Errorf("the table of the set has %d rows, %d columns", r, c)
	}
	// A class whose recall is not known is left out of the correlation, and of nothing else.
	part, err := Complexity{Recall: []float64{.9, math.NaN(), .3}}.Measure(t.Context(), x, y)
	if err != nil {
		t.Fatal(err)
	}
	n, share := part.Column("n"), part.Column("share")
	if math.Abs(n.Spearman) != 1 || n.P != 1 || share.Values[1] != got.Column("share").Values[1] {
		t.Errorf("two of three classes: n %+v, share %+v", n, share)
	}
	// Tied ranks, more than 8 classes: the paper's safe shares and accuracies.
	safe := []float64{97.92, 98.57, 91.20, 87.74, 91.47, 78.30, 83.19, 75.54, 83.13, 72.00}
	accuracy := []float64{94.1, 95.7, 82.3, 62.1, 78.5, 57.0, 71.3, 59.7, 62.6, 62.3}
	rho, p := rankCorrelation(safe, accuracy, 0)
	if math.Abs(rho-.842) > 5e-4 || p > .01 {
		t.Errorf("Spearman %v, p %v; want .842", rho, p)
	}
	if rho, _ := rankCorrelation([]float64{1, 1}, []float64{0, 1}, 0); !math.IsNaN(rho) {
		t.Errorf("a constant correlates by %v", rho)
	}
}

// TestPublishedNeighbours has the classes of the long-tailed CIFAR-10 in the feature space
// of Dablain et al., by the neighbours that they published.
func TestPublishedNeighbours(t *testing.T) {
	f, err := os.Open("../../../shared/data/cifar10-lt-neighbours.csv")
	if err != nil {
		t.Skip("needs a folder ../shared beside the repository: ", err)
	}
	records, err := csv.NewReader(f).ReadAll()
	if err := errors.Join(err, f.Close()); err != nil {
		t.Fatal(err)
	}
	column := map[string]int{}
	for j, name := range records[0] {
		column[name] = j
	}
	number := func(row []string, name string) int {
		v, err := strconv.ParseFloat(row[column[name]], 64)
		if err != nil {
			t.Fatal(err)
		}
		return int(v)
	}
	n := len(records) - 1
	y, near := make([]int, n), neighbors.Lists{K: 5, Index: make([]int, 5*n), Distance: make([]float64, 5*n)}
	for i, row := range records[1:] {
		y[i] = number(row, "actual")
		for q := range 5 {
			near.Index[5*i+q] = number(row, fmt.Sprintf("I%d", q))
		}
	}
	d := newData(mat.NewDense(n, 1, nil), y, 10)
	s := newSurroundings(d, 5)
	s.vote(near)
	want := [10][4]float64{ // kDN, N3, degOver, safe level
		{.020, .019, .058, .986}, {.011, .009, .027, .994}, {.066, .064, .156, .958}, {.101, .091, .246, .939}, {.075, .059, .191, .954},
		{.167, .147, .377, .889}, {.143, .121, .345, .884}, {.177, .094, .367, .851}, {.111, .096, .253, .892}, {.228, .180, .520, .775},
	}
	for c := range want {
		rows := d.members[c]
		got := [4]float64{s.kdn(rows, nil), s.n3(rows, nil), s.degOver(rows, nil), s.safeLevel(rows, nil)}
		for j := range got {
			if math.Abs(got[j]-want[c][j]) > .0005001 {
				t.Errorf("class %d: %.4f, want %v", c, got, want[c])
				break
			}
		}
	}
	counts := make([]int, 10)
	for c := range counts {
		counts[c] = len(d.members[c])
	}
	if c1, c2, ir := balance(counts); math.Abs(c1-.2861) > 5e-5 || math.Abs(c2-.1985) > 5e-5 || ir != 100 {
		t.Errorf("C1 %v, C2 %v, IR %v", c1, c2, ir)
	}
	if k := s.kdn(nil, nil); math.Abs(k-.0445) > 5e-5 {
		t.Errorf("kDN %v, want .0445", k)
	}
}
