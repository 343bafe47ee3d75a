package nn

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// netC is one convolution, derived by hand: 4x4 pixels 0..15, two 3x3 filters of ones with
// the biases -50 and -75, ReLU, and a weighted sum.
func netC(t *testing.T) *Net {
	t.Helper()
	a := Image(datasets.Shape{Channels: 1, Height: 4, Width: 4}).Then(Conv{Filters: 2, Kernel: 3}).Named("conv").ReLU().Named("relu").
		Then(Dense{Units: 1, NoBias: true}).Named("sum")
	net, err := a.Init(1)
	if err != nil {
		t.Fatal(err)
	}
	net = net.Double()
	p := net.run.(*engine[float64]).params
	for j := range p[0].data {
		p[0].data[j] = 1
	}
	p[1].data[0], p[1].data[1] = -50, -75
	copy(p[2].data, []float64{1, 1, 1, 1, 1, -1, -1, -1})
	return net
}

func toAll(r xai.Rule) func(xai.Site) xai.Rule {
	return func(s xai.Site) xai.Rule {
		switch s.Nature {
		case xai.Rectifier, xai.Activation, xai.Scaling:
			return xai.Pass{}
		case xai.Sum:
			return xai.Epsilon{}
		case xai.Routing:
			return nil
		}
		return r
	}
}

func atReLU(r xai.Rule) func(xai.Site) xai.Rule {
	return func(s xai.Site) xai.Rule {
		if s.Nature == xai.Rectifier {
			return r
		}
		return nil
	}
}

func TestPropagateByHand(t *testing.T) {
	net := netC(t)
	x := mat.NewDense(1, 16, nil)
	for j := range 16 {
		x.Set(0, j, float64(j))
	}
	u, err := net.Activations(ctx, "conv", x)
	if err != nil || !slices.Equal(u.RawRowView(0), []float64{-5, 4, 31, 40, -30, -21, 6, 15}) {
		t.Fatalf("pre-activations %v, %v", u, err)
	}
	for name, c := range map[string]struct {
		seed  float64
		rules func(xai.Site) xai.Rule
		want  []float64
	}{
		"gradient": {1, nil, []float64{0, 1, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 0}},
		"guided":   {1, atReLU(xai.Guided{}), []float64{0, 1, 1, 1, 1, 3, 3, 2, 1, 3, 3, 2, 1, 2, 2, 1}},
		"deconv":   {1, atReLU(xai.Deconv{}), []float64{2, 3, 3, 1, 3, 5, 5, 2, 3, 5, 5, 2, 1, 2, 2, 1}},
		"LRP-0":    {54, toAll(xai.Epsilon{}), []float64{0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0, 0, 0, 0}},
	} {
		got := mat.NewDense(1, 16, nil)
		if err := net.Propagate(ctx, "", "", got, x, mat.NewDense(1, 1, []float64{c.seed}), c.rules); err != nil {
			t.Fatal(err)
		}
		if !floats.EqualApprox(got.RawRowView(0), c.want, 1e-9) {
			t.Errorf("%s: %v, want %v", name, got.RawRowView(0), c.want)
		}
	}
}

// matrixOf returns the weights and the bias of an affine network of one layer, by sending
// unit vectors through it.
func matrixOf(t *testing.T, net *Net) (w *mat.Dense, bias []float64) {
	t.Helper()
	d, _ := net.Dims()
	x := mat.NewDense(d+1, d, nil)
	for j := range d {
		x.Set(j, j, 1)
	}
	y, err := net.Scores(ctx, x)
	if err != nil {
		t.Fatal(err)
	}
	bias = slices.Clone(y.RawRowView(d))
	for j := range d {
		floats.Sub(y.RawRowView(j), bias)
	}
	return mat.DenseCopyOf(y.Slice(0, d, 0, len(bias))), bias
}

// slowShare is a relevance rule by its definition, from all contributions of the inputs x to
// the outputs of the weights w (inputs x outputs) and biases b.
func slowShare(rule xai.Rule, w *mat.Dense, b, x, r []float64, reads func(i, j int) bool) []float64 {
	sent := make([]float64, len(x))
	for j := range r {
		var z, plus, minus, squares, count, box float64
		for i := range x {
			c := x[i] * w.At(i, j)
			z, plus, minus = z+c, plus+max(c, 0), minus+min(c, 0)
			squares += w.At(i, j) * w.At(i, j)
			if reads(i, j) {
				count++
			}
			box += c - slowBox(rule, w.At(i, j))
		}
		full := z + b[j]
		for i := range x {
			c := x[i] * w.At(i, j)
			switch rule := rule.(type) {
			case xai.Epsilon:
				sign := 1.0
				if full < 0 {
					sign = -1
				}
				sent[i] += c / (full + sign*rule.Epsilon) * r[j]
			case xai.ZPlus:
				sent[i] += quotient(max(c, 0), plus+max(b[j], 0)) * r[j]
			case xai.AlphaBeta:
				sent[i] += (rule.Alpha*quotient(max(c, 0), plus+max(b[j], 0)) - rule.Beta*quotient(min(c, 0), minus+min(b[j], 0))) * r[j]
			case xai.Gamma:
				if full > 0 {
					sent[i] += (c + rule.Gamma*max(c, 0)) / (full + rule.Gamma*(plus+max(b[j], 0))) * r[j]
				} else {
					sent[i] += (c + rule.Gamma*min(c, 0)) / (full + rule.Gamma*(minus+min(b[j], 0))) * r[j]
				}
			case xai.Flat:
				if reads(i, j) {
					sent[i] += r[j] / count
				}
			case xai.Squares:
				sent[i] += w.At(i, j) * w.At(i, j) / squares * r[j]
			case xai.Box:
				sent[i] += (c - slowBox(rule, w.At(i, j))) / box * r[j]
			}
		}
	}
	return sent
}

func quotient(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

func slowBox(rule xai.Rule, w float64) float64 {
	b, ok := rule.(xai.Box)
	if !ok {
		return 0
	}
	low, high := limits(b)
	return low*max(w, 0) + high*min(w, 0)
}

// TestRulesByDefinition: every rule at every layer with weights or means gives what the
// definition gives, for inputs of both signs; and keeps the sum where there is no bias.
func TestRulesByDefinition(t *testing.T) {
	image := Image(datasets.Shape{Channels: 4, Height: 5, Width: 4})
	all := []xai.Rule{
		xai.Epsilon{}, xai.Epsilon{Epsilon: 0.3}, xai.ZPlus{}, xai.AlphaBeta{Alpha: 2, Beta: 1}, xai.Gamma{Gamma: 0.25},
		xai.Flat{}, xai.Squares{}, xai.Box{Low: -3, High: 4}, xai.Box{},
	}
	for _, c := range []struct {
		layer Layer
		rules []xai.Rule
	}{
		{Dense{Units: 6}, all}, {Dense{Units: 6, NoBias: true}, all},
		{Conv{Filters: 4, Kernel: 3, Pad: 1}, all},
		{Conv{Filters: 4, Kernel: 3, Stride: 2, Pad: 1, Groups: 2, NoBias: true}, all},
		{Conv{Filters: 2, Kernel: 2, Dilation: 2}, all},
		{ConvTranspose{Filters: 4, Kernel: 3, Stride: 2, Pad: 1, Groups: 2}, all},
		{AvgPool{Kernel: 2, Stride: 1}, all}, {AvgPool{Kernel: 3, Stride: 2, Pad: 1}, all[:3]},
		{GlobalAvgPool{}, all}, {AdaptiveAvgPool{Height: 3, Width: 2}, all[:5]},
	} {
		for _, rule := range c.rules {
			t.Run(fmt.Sprintf("%s %#v", describe(c.layer), rule), func(t *testing.T) {
				a := image.Then(c.layer).Named("layer")
				size := a.Output().Size()
				// The weights of a layer that ends in an image can be seen by cutting before a Gather.
				net := settled(t, a.Then(Gather{Output: datasets.Shape{Channels: size, Height: 1, Width: 1}}).Then(Dense{Units: 2}), 3)
				rows := Image(a.input).Then(c.layer).Named("layer").Then(Gather{Output: datasets.Shape{Channels: size, Height: 1, Width: 1}})
				alone := &Net{arch: rows, run: newEngine(rows, net.run.(*engine[float64]).params[:len(a.weights(0))])}
				w, b := matrixOf(t, alone)
				ones := alone.run.(*engine[float64]).merged1(t)
				x, r := random(2, 80, "rules"), random(2, size, "rules", "r")
				got := mat.NewDense(2, 80, nil)
				if err := net.Propagate(ctx, "layer", "", got, x, r, toAll(rule)); err != nil {
					t.Fatal(err)
				}
				for i := range 2 {
					want := slowShare(rule, w, b, x.RawRowView(i), r.RawRowView(i), func(i, j int) bool { return ones.At(i, j) != 0 })
					if !floats.EqualApprox(got.RawRowView(i), want, 1e-9*(1+floats.Norm(want, math.Inf(1)))) {
						t.Fatalf("row %d:\n%v\nwant\n%v", i, got.RawRowView(i), want)
					}
					switch e := rule.(type) {
					case xai.Epsilon:
						if e.Epsilon > 0 {
							continue
						}
					case xai.ZPlus, xai.AlphaBeta: // what has no contributions of a sign is lost
						continue
					}
					if slices.ContainsFunc(b, func(v float64) bool { return v != 0 }) {
						continue
					}
					if a, b := floats.Sum(got.RawRowView(i)), floats.Sum(r.RawRowView(i)); math.Abs(a-b) > 1e-9 {
						t.Errorf("row %d: %g arrived of %g that was sent", i, a, b)
					}
				}
			})
		}
	}
}

// merged1 returns which inputs each output of the only layer reads, by its weights set to 1.
func (e *engine[T]) merged1(t *testing.T) *mat.Dense {
	params := convert[float64](e.params)
	for _, p := range params {
		for j := range p.data {
			p.data[j] = 1
		}
	}
	w, _ := matrixOf(t, &Net{arch: e.arch, run: newEngine(e.arch, params)})
	return w
}

// TestMergedNormalisation: a weighted layer and the batch normalisation that passes are one
// layer with the weights of both, for every rule.
func TestMergedNormalisation(t *testing.T) {
	image := Image(datasets.Shape{Channels: 2, Height: 4, Width: 4})
	for _, layer := range []Layer{Conv{Filters: 4, Kernel: 3}, Conv{Filters: 4, Kernel: 3, NoBias: true, Groups: 2}, ConvTranspose{Filters: 4, Kernel: 2, Groups: 2}, Dense{Units: 4}} {
		a := image.Then(layer).Named("w").BatchNorm().Named("bn").ReLU().Dense(3)
		net := settled(t, a, 2)
		size := a.steps[1].out.Size()
		flat := Gather{Output: datasets.Shape{Channels: size, Height: 1, Width: 1}}
		rows := image.Then(layer).Named("w").BatchNorm().Named("bn").Then(flat)
		both := &Net{arch: rows, run: newEngine(rows, net.run.(*engine[float64]).params[:len(a.weights(0))+4])}
		w, b := matrixOf(t, both)
		x, r := random(1, 32, "merged"), random(1, size, "merged", "r")
		for _, rule := range []xai.Rule{xai.Epsilon{Epsilon: 0.1}, xai.ZPlus{}, xai.Gamma{Gamma: 0.5}, xai.Squares{}, xai.Box{Low: -4, High: 4}} {
			got := mat.NewDense(1, 32, nil)
			if err := net.Propagate(ctx, "bn", "", got, x, r, toAll(rule)); err != nil {
				t.Fatal(err)
			}
			want := slowShare(rule, w, b, x.RawRowView(0), r.RawRowView(0), nil2)
			if !floats.EqualApprox(got.RawRowView(0), want, 1e-9*(1+floats.Norm(want, math.Inf(1)))) {
				t.Errorf("%s, %#v: %v\nwant %v", describe(layer), rule, got.RawRowView(0), want)
			}
		}
	}
	// Two readers: the normalisation stays a layer of its own, and passes.
	a := image.Conv(2, 3).Named("w").BatchNorm().Named("bn").Merge(Add{}, "w").Dense(2)
	if m := a.merged(1, []xai.Rule{xai.ZPlus{}, xai.Pass{}}); m[0] != 1 {
		t.Error("one reader: not merged")
	}
	if m := a.merged(2, []xai.Rule{xai.ZPlus{}, xai.Pass{}, xai.Epsilon{}}); m[0] != -1 {
		t.Error("two readers: merged")
	}
}

func nil2(int, int) bool { return true }

// TestLRP0IsInputGradient: on networks of ReLUs whose scalings have no offset, LRP-0 is the
// input times the gradient, with biases, shortcuts, pooling and batch normalisation.
func TestLRP0IsInputGradient(t *testing.T) {
	archs := []Arch{
		tinyResNet(),
		Image(datasets.Shape{Channels: 2, Height: 6, Width: 6}).Conv(3, 3).ReLU().MaxPool(2).Conv(4, 3).BatchNorm().ReLU().
			Then(AvgPool{Kernel: 3, Stride: 1, Pad: 1}).Dropout(0.5).Dense(5).ReLU().Dense(3),
		Image(datasets.Shape{Channels: 2, Height: 3, Width: 3}).Then(Conv{Filters: 2, Kernel: 1}).Named("a").From(InputName).
			Then(Conv{Filters: 2, Kernel: 3, Pad: 1}).Merge(Sub{}, "a").ReLU().Named("b").Merge(Concat{}, "a").Then(Upsample{Factor: 2}).
			Then(Pad{Top: 1, Before: 1}).Then(Slice{Step: 2}).Then(ConvTranspose{Filters: 2, Kernel: 2}).ReLU().Named("c").
			Dropout(0.1).Merge(Add{}, "c", "c").Dense(3),
	}
	for i, a := range archs {
		net := settled(t, a, uint64(i))
		d, _ := net.Dims()
		x := random(3, d, "lrp0", i)
		targets := []int{0, 1, 2}
		want, got, r := mat.NewDense(3, d, nil), mat.NewDense(3, d, nil), mat.NewDense(3, 3, nil)
		scores, err := net.Gradients(ctx, want, x, targets)
		if err != nil {
			t.Fatal(err)
		}
		for i, k := range targets {
			r.Set(i, k, scores.At(i, k))
		}
		want.MulElem(want, x)
		if err := net.Propagate(ctx, "", "", got, x, r, toAll(xai.Epsilon{})); err != nil {
			t.Fatal(err)
		}
		if !mat.EqualApprox(got, want, 1e-8) {
			t.Errorf("network %d:\n%v\nwant\n%v", i, mat.Formatted(got), mat.Formatted(want))
		}
		repeatable(t, 3, func(dst, x, seed *mat.Dense) error {
			return net.Propagate(ctx, "", "", dst, x, seed, toAll(xai.ZPlus{}))
		}, d, x, r)
		// Through any cut the two halves make the whole.
		for _, name := range a.cuts() {
			at, _ := a.find(name)
			if _, norm := a.steps[at+1].layer.(BatchNorm); norm {
				continue // it is part of the layer that the cut would take it from
			}
			mid := mat.NewDense(3, a.steps[at].out.Size(), nil)
			if err := net.Propagate(ctx, "", name, mid, x, r, toAll(xai.Epsilon{})); err != nil {
				t.Fatal(err)
			}
			if err := net.Propagate(ctx, name, "", got, x, mid, toAll(xai.Epsilon{})); err != nil {
				t.Fatal(err)
			}
			if !mat.EqualApprox(got, want, 1e-7) {
				t.Errorf("network %d, cut at %s: another map", i, name)
			}
		}
	}
}

// TestGradientRule: with no rules the gradient arrives, at all kinds of layers.
func TestGradientRule(t *testing.T) {
	for kind, archs := range layerCases() {
		for i, a := range archs {
			net := settled(t, a, 7)
			d, k := net.Dims()
			x, s := random(2, d, "gradient rule"), random(2, k, "gradient rule", "s")
			want, got := mat.NewDense(2, d, nil), mat.NewDense(2, d, nil)
			if err := errors.Join(net.Pull(ctx, "", "", want, x, s), net.Propagate(ctx, "", "", got, x, s, nil)); err != nil {
				t.Fatal(err)
			}
			if !mat.EqualApprox(got, want, 1e-12*(1+mat.Norm(want, 2))) {
				t.Errorf("%s %d: %v, want %v", kind, i, mat.Formatted(got), mat.Formatted(want))
			}
		}
	}
	for i := range 60 {
		a := randomArch(seed.Stream(3, "gradient rule", i))
		net, err := a.Init(uint64(i))
		if err != nil {
			continue
		}
		net = net.Double()
		x, s := random(2, 32, "gradient rule", i), random(2, 3, "gradient rule", "s", i)
		want, got := mat.NewDense(2, 32, nil), mat.NewDense(2, 32, nil)
		if err := errors.Join(net.Pull(ctx, "", "", want, x, s), net.Propagate(ctx, "", "", got, x, s, nil)); err != nil {
			t.Fatal(err)
		}
		if !mat.EqualApprox(got, want, 1e-12*(1+mat.Norm(want, 2))) {
			t.Errorf("random network %d differs", i)
		}
	}
}

// TestKeepsRelevance: without biases everything that is sent arrives, over shortcuts,
// pooling and joins, for every rule, in float32 too.
func TestKeepsRelevance(t *testing.T) {
	a := Image(datasets.Shape{Channels: 2, Height: 6, Width: 6}).Then(Conv{Filters: 4, Kernel: 3, NoBias: true}).ReLU().Named("h").
		Then(Conv{Filters: 4, Kernel: 3, Pad: 1, NoBias: true}).ReLU().Merge(Add{}, "h").Then(MaxPool{Kernel: 2}).
		Then(AvgPool{Kernel: 2, Stride: 1}).Then(Dense{Units: 6, NoBias: true}).ReLU().Then(Dense{Units: 2, NoBias: true})
	net, err := a.Init(5)
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range []xai.Rule{xai.Epsilon{}, xai.Gamma{Gamma: 0.25}, xai.ZPlus{}, xai.Flat{}, xai.Squares{}} {
		for _, n := range []*Net{net, net.Double()} {
			x := random(4, 72, "keeps")
			scores, err := n.Scores(ctx, x)
			if err != nil {
				t.Fatal(err)
			}
			got := mat.NewDense(4, 72, nil)
			if err := n.Propagate(ctx, "", "", got, x, scores, toAll(rule)); err != nil {
				t.Fatal(err)
			}
			tolerance := 1e-9
			if n == net {
				tolerance = 2e-3
			}
			for i := range 4 {
				sent, arrived := floats.Sum(scores.RawRowView(i)), floats.Sum(got.RawRowView(i))
				if math.Abs(sent-arrived) > tolerance*(1+math.Abs(sent)) {
					t.Errorf("%#v, row %d: %g of %g arrived", rule, i, arrived, sent)
				}
			}
		}
	}
}

func TestRuleMistakes(t *testing.T) {
	image := Image(datasets.Shape{Channels: 1, Height: 2, Width: 2})
	soft, err := image.Dense(3).Named("scores").Then(Softmax{}).Named("soft").Init(1)
	if err != nil {
		t.Fatal(err)
	}
	x, s, dst := random(1, 4, "rule mistakes"), random(1, 3, "rule mistakes", "s"), mat.NewDense(1, 4, nil)
	type unknown struct{ xai.Pass }
	for _, c := range []struct {
		rule xai.Rule
		want string
	}{
		{xai.ZPlus{}, "layer soft (softmax): its nature is mixing"},
		{xai.Epsilon{Epsilon: -1}, "at least 0"}, {xai.Gamma{Gamma: math.NaN()}, "finite"}, {xai.AlphaBeta{Alpha: math.Inf(1)}, "finite"},
		{xai.Box{Low: 1, High: 0}, "in order"}, {unknown{}, "unknown here"}, {xai.Guided{}, "which xai.Guided{} is not for"},
	} {
		err := soft.Propagate(ctx, "", "", dst, x, s, func(xai.Site) xai.Rule { return c.rule })
		if !errors.Is(err, xai.ErrRule) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%#v: %v, want %q", c.rule, err, c.want)
		}
	}
	if err := soft.Propagate(ctx, "scores", "", dst, x, s, toAll(xai.ZPlus{})); err != nil {
		t.Errorf("before the softmax: %v", err)
	}
	deep, err := image.Dense(3).ReLU().Dense(3).Named("second").Init(1)
	if err != nil {
		t.Fatal(err)
	}
	err = deep.Propagate(ctx, "", "", dst, x, s, toAll(xai.Box{}))
	if !errors.Is(err, xai.ErrRule) || !strings.Contains(err.Error(), "layer second") || !strings.Contains(err.Error(), "no known limits") {
		t.Errorf("a box deep inside: %v", err)
	}
	var sites []string
	if err := deep.Propagate(ctx, "", "", dst, x, s, func(s xai.Site) xai.Rule {
		sites = append(sites, fmt.Sprintf("%s %v %v", s.Name, s.Nature, s.First))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(sites, ", "); got != "fc1 weighted true, relu1 rectifier false, second weighted false" {
		t.Errorf("the sites are %s", got)
	}
}

// TestBoxBehindNormalisation: the limits of the input go through the layers before the
// first weights, and the sum is kept.
func TestBoxBehindNormalisation(t *testing.T) {
	a := Image(datasets.Shape{Channels: 2, Height: 4, Width: 4}).Then(Normalize{Mean: []float64{0.5, 0.4}, Std: []float64{0.2, 0.3}}).
		Then(Affine{Scale: []float64{-2}}).Then(Pad{Top: 1}).Then(Conv{Filters: 3, Kernel: 3}).Named("conv").ReLU().Dense(2)
	net := settled(t, a, 1)
	e := net.run.(*engine[float64])
	lows, highs := e.bounds(1, 0, 1)
	for j := range lows {
		mean, std := []float64{0.5, 0.4}[j/16], []float64{0.2, 0.3}[j/16]
		if math.Abs(lows[j]+2*(1-mean)/std) > 1e-12 || math.Abs(highs[j]-2*mean/std) > 1e-12 {
			t.Fatalf("limits of value %d: %g and %g", j, lows[j], highs[j])
		}
	}
	x := random(2, 32, "box")
	r, got := random(2, a.steps[3].out.Size(), "box", "r"), mat.NewDense(2, 32, nil)
	if err := net.Propagate(ctx, "conv", "", got, x, r, toAll(xai.Box{})); err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		if s, a := floats.Sum(r.RawRowView(i)), floats.Sum(got.RawRowView(i)); math.Abs(s-a) > 1e-9 {
			t.Errorf("%g of %g arrived", a, s)
		}
	}
}

// TestNatures: every kind of layer has a nature, the intended one.
func TestNatures(t *testing.T) {
	want := map[string]xai.Nature{
		"conv": xai.Weighted, "convt": xai.Weighted, "fc": xai.Weighted, "cosine": xai.Weighted,
		"pool": xai.Routing, "avgpool": xai.Mean, "adaptiveavgpool": xai.Mean, "gap": xai.Mean,
		"relu": xai.Rectifier, "leakyrelu": xai.Activation, "sigmoid": xai.Activation, "tanh": xai.Activation, "clip": xai.Activation,
		"softmax": xai.Mixing, "logsoftmax": xai.Mixing, "mul": xai.Mixing, "div": xai.Mixing,
		"bn": xai.Scaling, "normalize": xai.Scaling, "affine": xai.Scaling, "dropout": xai.Routing,
		"add": xai.Sum, "sub": xai.Sum, "concat": xai.Routing, "slice": xai.Routing, "pad": xai.Routing, "gather": xai.Routing, "upsample": xai.Routing,
	}
	for _, l := range layers() {
		n, ok := want[l.kind()]
		if !ok || nature(l) != n {
			t.Errorf("%s is %v, want %v (listed: %v)", l.kind(), nature(l), n, ok)
		}
	}
}

// TestCosineRelevance: a cosine keeps what is sent, its lengths being constants.
func TestCosineRelevance(t *testing.T) {
	net := settled(t, Image(datasets.Shape{Channels: 5, Height: 1, Width: 1}).Then(CosineDense{Units: 3}), 1)
	x, r, got := random(2, 5, "cosine"), random(2, 3, "cosine", "r"), mat.NewDense(2, 5, nil)
	for _, rule := range []xai.Rule{xai.Epsilon{}, xai.Gamma{Gamma: 1}} {
		if err := net.Propagate(ctx, "", "", got, x, r, toAll(rule)); err != nil {
			t.Fatal(err)
		}
		for i := range 2 {
			if s, a := floats.Sum(r.RawRowView(i)), floats.Sum(got.RawRowView(i)); math.Abs(s-a) > 1e-9 {
				t.Errorf("%#v: %g of %g arrived", rule, a, s)
			}
		}
	}
}

// TestPositive: what counts as never negative is never negative, and is seen where it is.
func TestPositive(t *testing.T) {
	var archs []Arch
	for _, list := range layerCases() {
		archs = append(archs, list...)
	}
	for i := range 40 {
		archs = append(archs, randomArch(seed.Stream(4, "positive", i)))
	}
	image := Image(datasets.Shape{Channels: 2, Height: 4, Width: 4})
	seen := image.ReLU().Named("h").Then(MaxPool{Kernel: 2}).Then(AvgPool{Kernel: 2}).Named("p").Merge(Add{}, "p").Then(Clip{Low: 0, High: 1}).Dense(2)
	archs = append(archs, seen, image.Then(Clip{Low: -1, High: 1}).Dense(2), image.Then(LeakyReLU{}).Dense(2), image.ReLU().Then(Pad{Top: 1}).Dense(2))
	for i, a := range archs {
		net, err := a.Init(1)
		if err != nil {
			continue
		}
		x := random(6, a.input.Size(), "positive", i)
		for j, claimed := range a.positive() {
			out, err := net.Activations(ctx, a.steps[j].name, x)
			if err != nil {
				t.Fatal(err)
			}
			if claimed && mat.Min(out) < 0 {
				t.Errorf("%v: %s puts out %g", a, a.steps[j].name, mat.Min(out))
			}
		}
	}
	if got := fmt.Sprint(seen.positive()); got != "[true true true true true false]" {
		t.Errorf("positive layers %s", got)
	}
}

// TestPropagateTogether: goroutines that use one network at once get what each gets alone.
func TestPropagateTogether(t *testing.T) {
	net := settled(t, tinyResNet(), 8)
	x, s := random(3, 72, "together"), random(3, 3, "together", "s")
	rules := []func(xai.Site) xai.Rule{nil, toAll(xai.ZPlus{}), toAll(xai.Gamma{Gamma: 0.5}), toAll(xai.Flat{}), atReLU(xai.Guided{})}
	run := func(i int) (*mat.Dense, error) {
		dst := mat.NewDense(3, 72, nil)
		return dst, net.Propagate(ctx, "", "", dst, x, s, rules[i%len(rules)])
	}
	var want []*mat.Dense
	for i := range rules {
		one, err := run(i)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, one)
	}
	net = settled(t, tinyResNet(), 8) // with nothing kept
	var wg sync.WaitGroup
	for i := range 4 * len(rules) {
		wg.Go(func() {
			if got, err := run(i); err != nil || !mat.Equal(got, want[i%len(rules)]) {
				t.Errorf("rules %d together: another result, %v", i%len(rules), err)
			}
		})
	}
	wg.Wait()
	if idle := len(net.run.(*engine[float64]).idle); idle > maxIdle+runtime.GOMAXPROCS(0) {
		t.Errorf("%d machines wait, at most %d wanted", idle, maxIdle+runtime.GOMAXPROCS(0))
	}
}
