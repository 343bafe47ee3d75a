package nn

import (
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/mat"
)

// tinyResNet has every trait of a residual network in small: projections, shortcuts, batch
// normalisation, pooling.
func tinyResNet() Arch {
	a := Image(datasets.Shape{Channels: 2, Height: 6, Width: 6})
	r := residual{norm: true, shortcut: projection}
	a = r.conv(a, "conv1", "bn1", 4, 3, 1).ReLU().Then(MaxPool{Kernel: 2, Stride: 1}).Named("maxpool")
	a = r.stage(a, 1, 2, 4)
	a = r.stage(a, 2, 1, 6)
	return a.Then(GlobalAvgPool{}).Named("gap").Dense(3).Named("fc")
}

// settled returns a network in float64 whose running averages and scales are not 0 and 1.
func settled(t *testing.T, a Arch, seed uint64) *Net {
	t.Helper()
	net, err := a.Init(seed)
	if err != nil {
		t.Fatal(err)
	}
	net = net.Double()
	for _, p := range net.run.(*engine[float64]).params {
		if strings.Contains(p.name, "bn") || strings.Contains(p.name, "downsample.1") || strings.HasSuffix(p.name, "bias") {
			for j := range p.data {
				p.data[j] += 0.1 * math.Sin(float64(7*j+len(p.name)))
			}
		}
	}
	return net
}

// TestPullIsDerivative compares Pull with central differences, at every layer that can be
// cut after, and with the chain rule at all others.
func TestPullIsDerivative(t *testing.T) {
	net := settled(t, tinyResNet(), 3)
	x := random(3, 72, "pull")
	seed := random(3, 3, "pull", "seed")
	whole := mat.NewDense(3, 72, nil)
	if err := net.Pull(ctx, "", "", whole, x, seed); err != nil {
		t.Fatal(err)
	}
	cuts := 0
	for _, l := range net.Layers() {
		u, err := net.Activations(ctx, l.Name, x)
		if err != nil {
			t.Fatal(err)
		}
		if _, c := u.Dims(); c != l.Size() {
			t.Fatalf("%s puts out %d values, its size is %d", l.Name, c, l.Size())
		}
		got := mat.NewDense(3, l.Size(), nil)
		if err := net.Pull(ctx, "", l.Name, got, x, seed); err != nil {
			t.Fatalf("%s: %v", l.Name, err)
		}
		rest, err := net.After(l.Name)
		if err != nil {
			if !errors.Is(err, xai.ErrLayer) {
				t.Errorf("%s: %v", l.Name, err)
			}
			continue
		}
		cuts++
		value := func(i int, row []float64) (sum float64) {
			s, err := rest.Scores(ctx, mat.NewDense(1, len(row), row))
			if err != nil {
				t.Fatal(err)
			}
			return mat.Dot(s.RowView(0), seed.RowView(i))
		}
		for i := range 3 {
			row := slices.Clone(u.RawRowView(i))
			for j := range row {
				const h = 1e-6
				v := row[j]
				row[j] = v + h
				up := value(i, row)
				row[j] = v - h
				down := value(i, row)
				row[j] = v
				here := value(i, row)
				if math.Abs(up+down-2*here) > 1e-9 { // a kink
					continue
				}
				if want := (up - down) / (2 * h); math.Abs(got.At(i, j)-want) > 1e-6 {
					t.Fatalf("%s, row %d, value %d: %g, central difference %g", l.Name, i, j, got.At(i, j), want)
				}
			}
		}
		// The chain rule through the cut.
		back := mat.NewDense(3, 72, nil)
		if err := net.Pull(ctx, l.Name, "", back, x, got); err != nil {
			t.Fatal(err)
		}
		if !mat.EqualApprox(back, whole, 1e-12) {
			t.Errorf("%s: the two halves do not make the whole gradient", l.Name)
		}
	}
	if cuts != 11 {
		t.Errorf("%d layers can be cut after, want 11: conv1, bn1, relu, maxpool, the three blocks' ends and additions, gap", cuts)
	}
}

// TestPullEqualsGradients: for one-hot seeds the bytes are those of Gradients, in float32
// and float64; a batch gives what its rows give one by one, on any number of processors.
func TestPullEqualsGradients(t *testing.T) {
	double := settled(t, tinyResNet(), 4)
	single := &Net{arch: double.arch, run: newEngine(double.arch, convert[float32](double.run.(*engine[float64]).params))}
	x := random(5, 72, "pull gradients")
	before := mat.DenseCopyOf(x)
	targets := []int{0, 1, 2, 1, 0}
	seed := mat.NewDense(5, 3, nil)
	for i, k := range targets {
		seed.Set(i, k, 1)
	}
	for _, net := range []*Net{double, single} {
		want, got := mat.NewDense(5, 72, nil), mat.NewDense(5, 72, nil)
		if _, err := net.Gradients(ctx, want, x, targets); err != nil {
			t.Fatal(err)
		}
		if err := net.Pull(ctx, "", "", got, x, seed); err != nil {
			t.Fatal(err)
		}
		if !mat.Equal(want, got) {
			t.Error("Pull differs from Gradients")
		}
		repeatable(t, 5, func(dst, x, seed *mat.Dense) error {
			return net.Pull(ctx, "", "gap", dst, x, seed)
		}, 6, x, seed)
	}
	if !mat.Equal(before, x) {
		t.Error("the input was changed")
	}
}

// repeatable checks that f gives the same bytes again, row by row, and on one processor.
func repeatable(t *testing.T, n int, f func(dst, x, seed *mat.Dense) error, size int, x, seed *mat.Dense) {
	t.Helper()
	must := func(dst, x, seed *mat.Dense) *mat.Dense {
		t.Helper()
		if err := f(dst, x, seed); err != nil {
			t.Fatal(err)
		}
		return dst
	}
	all := must(mat.NewDense(n, size, nil), x, seed)
	if !mat.Equal(all, must(mat.NewDense(n, size, nil), x, seed)) {
		t.Error("the second run differs")
	}
	procs := runtime.GOMAXPROCS(1)
	alone := must(mat.NewDense(n, size, nil), x, seed)
	runtime.GOMAXPROCS(procs)
	if !mat.Equal(all, alone) {
		t.Error("one processor gives other bytes")
	}
	_, d := x.Dims()
	_, k := seed.Dims()
	for i := range n {
		one := must(mat.NewDense(1, size, nil), x.Slice(i, i+1, 0, d).(*mat.Dense), seed.Slice(i, i+1, 0, k).(*mat.Dense))
		if !slices.Equal(one.RawRowView(0), all.RawRowView(i)) {
			t.Errorf("row %d alone gives other bytes", i)
		}
	}
}

func TestAfter(t *testing.T) {
	net := settled(t, tinyResNet(), 5)
	x := random(2, 72, "after")
	scores, err := net.Scores(ctx, x)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range net.arch.cuts() {
		rest, err := net.After(name)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		u, err := net.Activations(ctx, name, x)
		if err != nil {
			t.Fatal(err)
		}
		got, err := rest.Scores(ctx, u)
		if err != nil {
			t.Fatal(err)
		}
		if !mat.Equal(got, scores) {
			t.Errorf("after %s: other scores", name)
		}
		if rest.(*Net).Fingerprint() == net.Fingerprint() {
			t.Errorf("after %s: the whole network's fingerprint", name)
		}
	}
	if same, err := net.After(""); err != nil || same != xai.Differentiable(net) {
		t.Errorf("after the input: %v", err)
	}
	for layer, want := range map[string]string{
		"layer1.0.conv1": "add1 takes maxpool, which passes it by; everything goes through conv1, bn1, relu1, maxpool",
		"fc":             "it puts out the scores",
		"nowhere":        "the layers are conv1, bn1",
	} {
		if _, err := net.After(layer); !errors.Is(err, xai.ErrLayer) || !strings.Contains(err.Error(), want) {
			t.Errorf("after %s: %v, want %q", layer, err, want)
		}
	}
}

func TestLayeredMistakes(t *testing.T) {
	net := settled(t, tinyResNet(), 5)
	x, seed, dst := random(2, 72, "m"), random(2, 3, "m", "s"), mat.NewDense(2, 72, nil)
	for _, c := range []struct {
		of, at  string
		dst, s  *mat.Dense
		matches error
		want    string
	}{
		{"nowhere", "", dst, seed, xai.ErrLayer, "the layers are conv1"},
		{"", "nowhere", dst, seed, xai.ErrLayer, "the layers are conv1"},
		{"conv1", "fc", dst, seed, xai.ErrLayer, "does not depend"},
		{"", "", nil, seed, xai.ErrShape, "dst is nil"},
		{"", "gap", dst, seed, xai.ErrShape, "dst is 2 x 72, need 2 x 6"},
		{"gap", "", dst, seed, xai.ErrShape, "seed is 2 x 3, need 2 x 6"},
		{"", "", dst, nil, xai.ErrShape, "seed is nil"},
	} {
		err := net.Pull(ctx, c.of, c.at, c.dst, x, c.s)
		if !errors.Is(err, c.matches) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("Pull(%q, %q): %v, want %q", c.of, c.at, err, c.want)
		}
	}
	var none *Net
	if err := none.Pull(ctx, "", "", dst, x, seed); err == nil {
		t.Error("no network: no error")
	}
	if _, err := none.After("conv1"); err == nil {
		t.Error("no network: no error")
	}
	if _, err := none.Randomized(1); err == nil || none.Layers() != nil {
		t.Error("no network: no error")
	}
	if err := net.Pull(ctx, "", "", dst, &mat.Dense{}, seed); err == nil {
		t.Error("no rows: no error")
	}
	// A layer is itself: what is sent arrives.
	same := mat.NewDense(2, 3, nil)
	if err := net.Pull(ctx, "", "fc", same, x, seed); err != nil || !mat.Equal(same, seed) {
		t.Errorf("from a layer to itself: %v", err)
	}
	drop, err := Image(datasets.Shape{Channels: 1, Height: 1, Width: 3}).Dropout(0.5).Named("drop").Dense(2).Init(1)
	if err != nil {
		t.Fatal(err)
	}
	x = random(1, 3, "drop")
	a, b := mat.NewDense(1, 3, nil), mat.NewDense(1, 3, nil)
	s := mat.NewDense(1, 2, []float64{1, 2})
	if err := errors.Join(drop.Pull(ctx, "", "drop", a, x, s), drop.Pull(ctx, "", "", b, x, s)); err != nil || !mat.Equal(a, b) {
		t.Errorf("at a layer that changes nothing: %v", err)
	}
	if err := drop.Pull(ctx, "drop", "", a, x, x); err != nil || !mat.EqualApprox(a, x, 1e-6) {
		t.Errorf("of a layer that changes nothing: %v", err)
	}
}

// TestNormalized: a network behind a Normalize layer gives for images what it gives for
// normalised ones, and remembers its names and weights.
func TestNormalized(t *testing.T) {
	net := settled(t, tinyResNet(), 6)
	mean, std := []float64{0.5, 0.4, 0.3}, []float64{0.2, 0.25, 0.3}
	in := net.arch.input
	channels := in.Channels
	outer, err := net.Normalized(mean[:channels], std[:channels])
	if err != nil {
		t.Fatal(err)
	}
	x := random(3, in.Size(), "images")
	scaled := mat.DenseCopyOf(x)
	for i := range 3 {
		row := scaled.RawRowView(i)
		for j := range row {
			c := j / (in.Height * in.Width)
			row[j] = (row[j] - mean[c]) / std[c]
		}
	}
	a, err := outer.Scores(ctx, x)
	if err != nil {
		t.Fatal(err)
	}
	b, err := net.Scores(ctx, scaled)
	if err != nil || !mat.EqualApprox(a, b, 1e-9) {
		t.Errorf("scores differ: %v", err)
	}
	if outer.Fingerprint() == net.Fingerprint() {
		t.Error("the two networks have one fingerprint")
	}
	if _, err := net.Normalized([]float64{1, 2, 3, 4, 5}, nil); err == nil {
		t.Error("five means: no error")
	}
	if _, err := (*Net)(nil).Normalized(nil, nil); err == nil {
		t.Error("no network: no error")
	}
}

// TestTo: the part of a network that leads to a layer puts out what the layer does, and has the
// class names only at the network's own end.
func TestTo(t *testing.T) {
	a := twoEnded()
	net := &Net{arch: a, classes: []string{"a", "b", "c"}, run: newEngine(a, initial[float32](a, 4, HeNormal))}
	x := mat.NewDense(2, 64, nil)
	for i := range 64 {
		x.Set(0, i, float64(i%7)/7)
		x.Set(1, i, float64(i%5)/5)
	}
	for _, layer := range []string{"", "h.fc", "phi"} {
		part, err := net.To(layer)
		if err != nil {
			t.Fatal(err)
		}
		want, err := net.Activations(t.Context(), layer, x)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := part.Scores(t.Context(), x); err != nil || !mat.Equal(got, want) {
			t.Errorf("To(%q) puts out something else: %v", layer, err)
		}
		if named := part.Classes() != nil; named != (layer == "") {
			t.Errorf("To(%q) has the classes %q", layer, part.Classes())
		}
		if kept := len(part.arch.steps); kept >= len(a.steps) {
			t.Errorf("To(%q) keeps all %d layers", layer, kept)
		}
	}
	if _, err := net.To("nowhere"); !errors.Is(err, xai.ErrLayer) {
		t.Errorf("no such layer: %v", err)
	}
}
