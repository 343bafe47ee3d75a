package forest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/seed"
	"github.com/whybook/whybook/xai/tree"
	"gonum.org/v1/gonum/mat"
)

// striped returns bytes of which columns 0 and 1 tell the class, in [0, 3), and the rest
// nothing.
func striped(n, d int, sd uint64) (tree.Bytes, []int) {
	r := seed.Stream(sd, "forest test")
	x, y := tree.Bytes{Rows: n, Cols: d, Data: make([]uint8, n*d)}, make([]int, n)
	for i := range n {
		row := x.Data[i*d : (i+1)*d]
		for j := range row {
			row[j] = uint8(r.IntN(256))
		}
		if row[0] > 100 {
			y[i]++
		}
		if row[1] > 150 {
			y[i]++
		}
	}
	return x, y
}

func classify(t *testing.T, r Random, x mat.Matrix, y []int, k int) *Forest {
	t.Helper()
	f, err := r.Classify(t.Context(), x, y, k)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func saved(t *testing.T, f *Forest) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f.Save(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestDefinition: a forest is the trees of its samples, and answers with their means.
func TestDefinition(t *testing.T) {
	x, y := striped(300, 9, 1)
	f := classify(t, Random{Trees: 7, Seed: 5}, x, y, 3)
	test, _ := striped(50, 9, 2)
	values, err := f.Values(t.Context(), test)
	if err != nil {
		t.Fatal(err)
	}
	votes, err := f.Votes(t.Context(), test)
	if err != nil {
		t.Fatal(err)
	}
	mean, share := mat.NewDense(50, 3, nil), mat.NewDense(50, 3, nil)
	for i := range 7 {
		// The sample, drawn as copies of rows instead of weights.
		s, drawn := seed.Stream(5, "forest", i), make([]int, 300)
		for range 300 {
			drawn[s.IntN(300)]++
		}
		copies, labels := tree.Bytes{Cols: 9}, []int(nil)
		for row, times := range drawn {
			for range times {
				copies.Data = append(copies.Data, x.Data[9*row:9*row+9]...)
				copies.Rows++
				labels = append(labels, y[row])
			}
		}
		one, err := tree.CART{Features: 3, Seed: seed.Sub(5, "forest", i, "columns")}.Classify(t.Context(), copies, labels, 3)
		if err != nil {
			t.Fatal(err)
		}
		v, err := one.Values(t.Context(), test)
		if err != nil {
			t.Fatal(err)
		}
		c, err := one.Predict(t.Context(), test)
		if err != nil {
			t.Fatal(err)
		}
		for row := range 50 {
			for k := range 3 {
				mean.Set(row, k, mean.At(row, k)+v.At(row, k)/7)
			}
			share.Set(row, c[row], share.At(row, c[row])+1.0/7)
		}
	}
	if !mat.EqualApprox(values, mean, 1e-12) {
		t.Error("values are not the mean of the trees grown on copies")
	}
	if !mat.EqualApprox(votes, share, 1e-12) {
		t.Error("votes are not the share of the trees")
	}
	classes, err := f.Predict(t.Context(), test)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range classes {
		if row := values.RawRowView(i); row[c] != slices.Max(row) {
			t.Errorf("row %d: class %d of %v", i, c, row)
		}
	}
}

// TestSameBytes: for any number of processors, with floats for bytes, and with the table
// prepared; the first trees are those of a smaller forest.
func TestSameBytes(t *testing.T) {
	x, y := striped(1500, 16, 3)
	var want []byte
	var wantValues *mat.Dense
	for _, procs := range []int{1, 2, 5} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		f := classify(t, Random{Trees: 12}, x, y, 3)
		values, err := f.Values(t.Context(), x)
		if err != nil {
			t.Fatal(err)
		}
		if got := saved(t, f); want == nil {
			want, wantValues = got, values
		} else if !bytes.Equal(got, want) || !mat.Equal(values, wantValues) {
			t.Errorf("another forest on %d processors", procs)
		}
	}
	if got := saved(t, classify(t, Random{Trees: 12}, mat.DenseCopyOf(x), y, 3)); !bytes.Equal(got, want) {
		t.Error("another forest from float64")
	}
	table, err := tree.Prepare(t.Context(), x, 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := saved(t, classify(t, Random{Trees: 12}, table, y, 3)); !bytes.Equal(got, want) {
		t.Error("another forest from a table")
	}
	if bytes.Equal(saved(t, classify(t, Random{Trees: 12, Seed: 1}, x, y, 3)), want) {
		t.Error("the seed makes no difference")
	}
	few := saved(t, classify(t, Random{Trees: 5}, x, y, 3))
	if trees := few[headerSize+32:]; !bytes.HasPrefix(want[headerSize+32:], trees) {
		t.Error("the first five of twelve trees are not those of a forest of five")
	}
	onDense, err := classify(t, Random{Trees: 12}, x, y, 3).Values(t.Context(), mat.DenseCopyOf(x))
	if err != nil {
		t.Fatal(err)
	}
	if !mat.Equal(onDense, wantValues) {
		t.Error("other values for float64 than for bytes")
	}
}

// TestOutOfBag agrees with asking each tree about the rows it was not grown on.
func TestOutOfBag(t *testing.T) {
	x, y := striped(200, 6, 4)
	f := classify(t, Random{Trees: 15, MinLeaf: 3, Seed: 9}, x, y, 3)
	o, err := f.OutOfBag(t.Context(), x, y)
	if err != nil {
		t.Fatal(err)
	}
	want, asked := mat.NewDense(200, 3, nil), make([]int, 200)
	for i := range f.Len() {
		v, err := f.Tree(i).Values(t.Context(), x)
		if err != nil {
			t.Fatal(err)
		}
		for row, w := range f.sample(i) {
			if w == 0 {
				asked[row]++
				for c := range 3 {
					want.Set(row, c, want.At(row, c)+v.At(row, c))
				}
			}
		}
	}
	right, all := 0.0, 0.0
	for row, n := range asked {
		if n == 0 {
			continue
		}
		all++
		best := 0
		for c := range 3 {
			want.Set(row, c, want.At(row, c)/float64(n))
			if want.At(row, c) > want.At(row, best) {
				best = c
			}
		}
		if best == y[row] {
			right++
		}
	}
	if !mat.EqualApprox(o.Values, want, 1e-12) || !slices.Equal(o.Trees, asked) || o.Score != right/all {
		t.Errorf("score %v, want %v", o.Score, right/all)
	}
	if o.Score < 0.8 {
		t.Errorf("score %v on a rule of two columns", o.Score)
	}

	// Without signal the estimate is chance, whatever the trees fit.
	r := seed.Stream(1, "noise")
	for i := range y {
		y[i] = r.IntN(2)
	}
	noise := classify(t, Random{Trees: 50}, x, y, 2)
	if o, err = noise.OutOfBag(t.Context(), x, y); err != nil || o.Score > 0.65 || o.Score < 0.35 {
		t.Errorf("score %v on noise, %v", o.Score, err)
	}
}

// TestRegress: outputs are learned, and R^2 out of the bag is below that on the rows.
func TestRegress(t *testing.T) {
	x, _ := striped(400, 4, 5)
	y := mat.NewDense(400, 2, nil)
	for i := range 400 {
		y.SetRow(i, []float64{x.At(i, 0) + x.At(i, 1), -x.At(i, 2)})
	}
	f, err := Random{Trees: 30, Features: 4}.Regress(t.Context(), x, y)
	if err != nil {
		t.Fatal(err)
	}
	o, err := f.OutOfBagOutputs(t.Context(), x, y)
	if err != nil {
		t.Fatal(err)
	}
	v, err := f.Values(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	v.Sub(v, y)
	if worst := mat.Max(v); o.Score < 0.9 || o.Score > 0.999 || worst > 0.3 {
		t.Errorf("R^2 %v, residual %v", o.Score, worst)
	}
	if _, err := f.Votes(t.Context(), x); err == nil || !strings.Contains(err.Error(), "no votes") {
		t.Errorf("votes of regression: %v", err)
	}
	if _, err := f.OutOfBag(t.Context(), x, nil); err == nil || !strings.Contains(err.Error(), "OutOfBagOutputs") {
		t.Errorf("out of bag of regression: %v", err)
	}
	// R^2 of the definition: over rows that some tree did not see, however few did not.
	few, err := Random{Trees: 4, Features: 4}.Regress(t.Context(), x, y)
	if err != nil {
		t.Fatal(err)
	}
	p, err := few.OutOfBagOutputs(t.Context(), x, y)
	if err != nil {
		t.Fatal(err)
	}
	if seen := slices.Sorted(slices.Values(p.Trees)); slices.Compact(seen)[0] != 0 || !slices.Contains(p.Trees, 1) {
		t.Fatalf("of 4 trees %v did not see a row; want none and one among them", slices.Compact(seen))
	}
	for _, o := range []OutOfBag{o, p} {
		left, all := 0.0, 0.0
		for c := range 2 {
			mean, asked := 0.0, 0.0
			for i, n := range o.Trees {
				if n > 0 {
					mean += y.At(i, c)
					asked++
				}
			}
			mean /= asked
			for i, n := range o.Trees {
				if n > 0 {
					left += math.Pow(y.At(i, c)-o.Values.At(i, c), 2)
					all += math.Pow(y.At(i, c)-mean, 2)
				}
			}
		}
		if want := 1 - left/all; math.Abs(o.Score-want) > 1e-12 {
			t.Errorf("R^2 %v, want %v", o.Score, want)
		}
	}
}

// TestImportance: both measures find the columns that tell the class; a slow permutation
// agrees.
func TestImportance(t *testing.T) {
	x, y := striped(500, 6, 6)
	f := classify(t, Random{Trees: 20}, x, y, 3)
	imp := f.Importance()
	sum := 0.0
	for j, v := range imp {
		sum += v
		if j > 1 && v > imp[0]/2 || j > 1 && v > imp[1]/2 {
			t.Errorf("importance %v", imp)
		}
	}
	if math.Abs(sum-1) > 1e-12 {
		t.Errorf("importances add up to %v", sum)
	}
	test, truth := striped(300, 6, 7)
	losses, err := Permutation{Repeats: 3, Seed: 2}.Measure(t.Context(), f, test, truth)
	if err != nil || len(losses) != 6 {
		t.Fatalf("%d losses for 6 columns, %v", len(losses), err)
	}
	byDefault, err := Permutation{}.Measure(t.Context(), f, test, truth)
	five, errFive := Permutation{Repeats: 5}.Measure(t.Context(), f, test, truth)
	if err != nil || errFive != nil || !slices.Equal(byDefault, five) || slices.Equal(five, losses) {
		t.Errorf("by default %v, %v; with five repeats %v, %v", byDefault, err, five, errFive)
	}
	accuracy := func(x mat.Matrix) float64 {
		c, err := f.Predict(t.Context(), x)
		if err != nil {
			t.Fatal(err)
		}
		right := 0.0
		for i := range c {
			if c[i] == truth[i] {
				right++
			}
		}
		return right / 300
	}
	for j, l := range losses {
		var each []float64
		mean, dev := 0.0, 0.0
		for k := range 3 {
			other := mat.DenseCopyOf(test)
			for i, p := range seed.Stream(2, "permutation", j, k).Perm(300) {
				other.Set(i, j, test.At(p, j))
			}
			each = append(each, accuracy(test)-accuracy(other))
			mean += each[k] / 3
		}
		for _, v := range each {
			dev += (v - mean) * (v - mean) / 3
		}
		if math.Abs(l.Mean-mean) > 1e-12 || math.Abs(l.Deviation-math.Sqrt(dev)) > 1e-7 {
			t.Errorf("column %d: %+v, want %v +- %v", j, l, mean, math.Sqrt(dev))
		}
		if (j < 2) != (l.Mean > 0.1) {
			t.Errorf("column %d loses %v", j, l.Mean)
		}
	}
}

// TestMemory: a forest beyond its bound is refused, before or while it grows, for any number
// of processors.
func TestMemory(t *testing.T) {
	x, y := striped(1000, 8, 8)
	whole := classify(t, Random{Trees: 10}, x, y, 3)
	table, err := tree.Prepare(t.Context(), x, 0)
	if err != nil {
		t.Fatal(err)
	}
	fits := table.Bytes() + whole.Size() + 10*128
	for _, procs := range []int{1, 4} {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
		for _, c := range []struct {
			bound int
			ok    bool
		}{{1, false}, {8000, false}, {fits / 2, false}, {fits - 2000, false}, {fits + 2000, true}} {
			_, err := Random{Trees: 10, Memory: c.bound}.Classify(t.Context(), x, y, 3)
			if c.ok != (err == nil) || err != nil && (!errors.Is(err, ErrMemory) || !strings.Contains(err.Error(), "Memory")) {
				t.Errorf("%d bytes for a forest of %d: %v", c.bound, fits, err)
			}
		}
	}
	// Leaves that cannot fit are refused before anything is grown.
	if _, err := (Random{Trees: 1 << 40}).Classify(t.Context(), x, y, 3); !errors.Is(err, ErrMemory) {
		t.Errorf("2^40 trees: %v", err)
	}
}

func TestMistakes(t *testing.T) {
	x, y := striped(20, 3, 9)
	f := classify(t, Random{Trees: 2}, x, y, 3)
	whole := classify(t, Random{Trees: 2, AllRows: true}, x, y, 3)
	fit := func(r Random, x mat.Matrix, y []int) error { _, err := r.Classify(t.Context(), x, y, 3); return err }
	bag := func(f *Forest, x mat.Matrix, y []int) error { _, err := f.OutOfBag(t.Context(), x, y); return err }
	second := func(_ any, err error) error { return err }
	wrong := slices.Clone(y)
	wrong[4] = 3
	constant := func() error {
		same := mat.NewDense(20, 1, slices.Repeat([]float64{7}, 20))
		f, err := Random{Trees: 20}.Regress(t.Context(), x, same)
		if err != nil {
			t.Fatal(err)
		}
		return second(f.OutOfBagOutputs(t.Context(), x, same))
	}
	for _, c := range []struct {
		name string
		err  error
		is   error
		want string
	}{
		{"constant outputs", constant(), nil, "outputs are constant"},
		{"trees", fit(Random{Trees: -1}, x, y), nil, "field Trees is -1"},
		{"memory", fit(Random{Memory: -1}, x, y), nil, "field Memory is -1"},
		{"features", fit(Random{Features: -2}, x, y), nil, "field Features is -2"},
		{"more features than columns", fit(Random{Features: 4}, x, y), nil, "field Features is 4 for 3"},
		{"depth", fit(Random{MaxDepth: -2}, x, y), nil, "field MaxDepth is -2"},
		{"nil", fit(Random{}, nil, y), xai.ErrShape, "nil"},
		{"nil table", fit(Random{}, (*tree.Table)(nil), y), xai.ErrShape, "nil"},
		{"empty", fit(Random{}, &mat.Dense{}, nil), xai.ErrShape, "0 x 0"},
		{"labels", fit(Random{}, x, y[:9]), xai.ErrShape, "20 rows with 9"},
		{"label", fit(Random{}, x, wrong), xai.ErrTarget, "row 4 has label 3"},
		{"NaN", second(Random{}.Regress(t.Context(), x, mat.NewDense(20, 1, slices.Repeat([]float64{math.NaN()}, 20)))), tree.ErrNotFinite, "row 0"},
		{"bag of others", bag(f, tree.Bytes{Rows: 1, Cols: 3, Data: make([]uint8, 3)}, y[:1]), xai.ErrShape, "grown on 20"},
		{"bag labels", bag(f, x, wrong), xai.ErrTarget, "label 3"},
		{"no bag", bag(whole, x, y), ErrNoBag, "AllRows"},
		{"columns", second(f.Values(t.Context(), mat.NewDense(1, 2, nil))), xai.ErrShape, "2 columns"},
		{"no forest", second((*Forest)(nil).Predict(t.Context(), x)), nil, "no forest"},
		{"repeats", second(Permutation{Repeats: -1}.Measure(t.Context(), f, x, y)), nil, "field Repeats is -1"},
		{"save nothing", (*Forest)(nil).Save(io.Discard), nil, "no forest"},
	} {
		if c.err == nil || c.is != nil && !errors.Is(c.err, c.is) || !strings.Contains(c.err.Error(), c.want) {
			t.Errorf("%s: error %v, want one that matches %v and has %q", c.name, c.err, c.is, c.want)
		}
	}
}

// TestInterrupted: a forest stops growing when the context ends, and reports while it grows.
// TestTies: of classes with equally many votes the first is the answer.
func TestTies(t *testing.T) {
	x, y := striped(200, 3, 12)
	r := seed.Stream(3, "noise")
	for i := range y {
		y[i] = r.IntN(3)
	}
	f := classify(t, Random{Trees: 2}, x, y, 3)
	votes, err := f.Votes(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	classes, err := f.Predict(t.Context(), x)
	if err != nil {
		t.Fatal(err)
	}
	ties := 0
	for i, got := range classes {
		row := votes.RawRowView(i)
		if want := slices.Index(row, slices.Max(row)); got != want {
			t.Fatalf("row %d: class %d of votes %v", i, got, row)
		}
		if slices.Max(row) == 0.5 {
			ties++
		}
	}
	if ties == 0 {
		t.Error("no tie, nothing was tested")
	}
}

func TestInterrupted(t *testing.T) {
	x, y := striped(500, 5, 10)
	ctx, cancel := context.WithCancel(t.Context())
	var seen atomic.Int32
	ctx = progress.WithReporter(ctx, func(e progress.Event) {
		if e.Task == "forest" && e.Total == 1000 && seen.Add(1) == 3 {
			cancel()
		}
	})
	if _, err := (Random{Trees: 1000}).Classify(ctx, x, y, 3); !errors.Is(err, context.Canceled) || seen.Load() > 20 {
		t.Errorf("error %v after %d trees", err, seen.Load())
	}
	f := classify(t, Random{Trees: 3}, x, y, 3)
	if _, err := f.Values(ctx, x); !errors.Is(err, context.Canceled) {
		t.Errorf("asking: %v", err)
	}
	if _, err := f.OutOfBag(ctx, x, y); !errors.Is(err, context.Canceled) {
		t.Errorf("out of bag: %v", err)
	}
}

func TestSaveLoad(t *testing.T) {
	x, y := striped(40, 3, 11)
	f := classify(t, Random{Trees: 3, Seed: math.MaxUint64}, x, y, 3)
	file := saved(t, f)
	back, err := Load(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(saved(t, back), file) {
		t.Error("saved again, the bytes differ")
	}
	want, err := f.OutOfBag(t.Context(), x, y)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := back.OutOfBag(t.Context(), x, y); err != nil || got.Score != want.Score || !mat.Equal(got.Values, want.Values) {
		t.Errorf("out of bag after loading: %v, %v", got.Score, err)
	}
	for n := range file {
		if _, err := Load(bytes.NewReader(file[:n])); !errors.Is(err, ErrFormat) {
			t.Fatalf("the first %d bytes: %v", n, err)
		}
		bad := bytes.Clone(file)
		bad[n] ^= 1 << (n % 8)
		if _, err := Load(bytes.NewReader(bad)); !errors.Is(err, ErrFormat) {
			t.Fatalf("byte %d changed: %v", n, err)
		}
	}
	// A header that is whole, with numbers that no forest has.
	for name, field := range map[string]struct {
		number int
		value  uint32
	}{
		"no trees": {0, 0}, "no rows": {3, 0}, "too many rows": {3, math.MaxInt32 + 1}, "sampled or what": {4, 2},
	} {
		forged := bytes.Clone(file)
		binary.LittleEndian.PutUint32(forged[len(magic)+4*field.number:], field.value)
		sum := sha256.Sum256(forged[:headerSize])
		copy(forged[headerSize:], sum[:])
		if _, err := Load(bytes.NewReader(forged)); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "claims") {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A tree of another forest, whole in itself.
	other, labels := striped(40, 4, 11)
	alien := saved(t, classify(t, Random{Trees: 3}, other, labels, 3))
	mixed := append(bytes.Clone(file[:headerSize+32]), alien[headerSize+32:]...)
	if _, err := Load(bytes.NewReader(mixed)); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "another kind") {
		t.Errorf("trees of another forest: %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	forest, err := Random{Trees: 2, MaxDepth: 2}.Classify(f.Context(), mat.NewDense(4, 1, []float64{1, 2, 3, 4}), []int{0, 1, 1, 0}, 2)
	if err != nil {
		f.Fatal(err)
	}
	var b bytes.Buffer
	if err := forest.Save(&b); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(b.Bytes()[:60])
	f.Fuzz(func(t *testing.T, data []byte) {
		forest, err := Load(bytes.NewReader(data))
		if err != nil {
			return
		}
		if d, _ := forest.Dims(); d < 1000 {
			if _, err := forest.Predict(t.Context(), mat.NewDense(1, d, nil)); err != nil {
				t.Fatal(err)
			}
		}
	})
}
