package nn

import (
	"encoding/json"
	"math"
	"os"
	"runtime"
	"slices"
	"testing"

	"github.com/whybook/whybook/xai/internal/graph"
)

// golden is what PyTorch makes of optimisers, schedules and losses; testdata/training.py
// wrote it, and it names the versions.
type golden struct {
	Versions   string
	Start      []float64
	Gradients  [][]float64
	Optimisers map[string][][]float64
	Cosine     []float64
	Counts     []int
	Balanced   map[string][]float64
	Margins    []float64
	Scores     [][]float64
	Labels     []int
	Losses     map[string]struct {
		Loss float64
		Grad [][]float64
	}
}

func pytorch(t *testing.T) golden {
	t.Helper()
	data, err := os.ReadFile("testdata/training.json")
	if err != nil {
		t.Fatal(err)
	}
	var g golden
	if err := json.Unmarshal(data, &g); err != nil {
		t.Fatal(err)
	}
	return g
}

// far returns the index of the first value that is not within tolerance, relative to
// values above 1; -1 if all are.
func far(got, want []float64, tolerance float64) int {
	for i, w := range want {
		if i >= len(got) || !(math.Abs(got[i]-w) <= tolerance*max(1, math.Abs(w))) {
			return i
		}
	}
	return -1
}

// walk follows an optimiser that is given these gradients.
func walk[T graph.Float](t *testing.T, o Optimizer, start []T, gradients [][]T, rates []float64) [][]T {
	t.Helper()
	o = o.withDefaults()
	if err := o.check(); err != nil {
		t.Fatal(err)
	}
	params := []param[T]{{name: "w", data: slices.Clone(start)}}
	u := newUpdater(o, params)
	b := graph.New[T]()
	var path [][]T
	for i, g := range gradients {
		rate := o.rate()
		if rates != nil {
			rate *= rates[i]
		}
		u.update(params, []*graph.Node[T]{b.Input("g", 1, len(g), g, false)}, rate)
		path = append(path, slices.Clone(params[0].data))
	}
	return path
}

func TestOptimizersAgainstPyTorch(t *testing.T) {
	want := pytorch(t)
	for name, o := range map[string]Optimizer{
		"sgd":          SGD{},
		"sgd momentum": SGD{Momentum: 0.9, WeightDecay: 2e-2},
		"sgd nesterov": SGD{Rate: 0.05, Momentum: 0.8, WeightDecay: 1e-2, Nesterov: true},
		"adam":         Adam{},
		"adam decay":   Adam{Rate: 0.02, Beta1: 0.8, Beta2: 0.95, Epsilon: 1e-3, WeightDecay: 0.1},
	} {
		path := walk(t, o, want.Start, want.Gradients, nil)
		for i, w := range want.Optimisers[name] {
			if j := far(path[i], w, 1e-14); j >= 0 {
				t.Errorf("%s, step %d: weights %v, PyTorch (%s) has %v", name, i+1, path[i], want.Versions, w)
				break
			}
		}
	}
}

// TestSGDByHand: one weight, three steps, all numbers exact in binary. With g the
// gradient, the velocity is v = v/2 + g + w/4 and the step w = w - rate v.
func TestSGDByHand(t *testing.T) {
	gradients := [][]float64{{1}, {0}, {-2}}
	path := walk(t, SGD{Rate: 0.5, Momentum: 0.5, WeightDecay: 0.25}, []float64{2}, gradients, []float64{1, 1, 0.5})
	// v: 1 + 2/4 = 1.5           w: 2 - 1.5/2 = 1.25
	// v: 0.75 + 1.25/4 = 1.0625  w: 1.25 - 1.0625/2 = 0.71875
	// v: 0.53125 - 2 + 0.71875/4 = -1.2890625, at half the rate: 0.71875 + 1.2890625/4
	for i, want := range []float64{1.25, 0.71875, 1.041015625} {
		if path[i][0] != want {
			t.Errorf("step %d: weight %v, by hand %v", i+1, path[i][0], want)
		}
	}
}

// TestUpdatesAreElementwise: a parameter that is cut into spans for many processors gets
// the bytes of one that is updated value by value.
func TestUpdatesAreElementwise(t *testing.T) {
	const n = 2*spanSize + 5
	values := func(path string) []float32 {
		x := make([]float32, n)
		for i, v := range random(1, n, "updates", path).RawRowView(0) {
			x[i] = float32(v)
		}
		return x
	}
	start, gradients := values("start"), [][]float32{values("g1"), values("g2"), values("g3")}
	for _, o := range []Optimizer{Adam{WeightDecay: 0.1}, SGD{Momentum: 0.9, WeightDecay: 0.1, Nesterov: true}} {
		old := runtime.GOMAXPROCS(4)
		whole := walk(t, o, start, gradients, nil)
		runtime.GOMAXPROCS(old)
		for _, i := range []int{0, spanSize - 1, spanSize, 2 * spanSize, n - 1} {
			one := make([][]float32, len(gradients))
			for k, g := range gradients {
				one[k] = g[i : i+1]
			}
			if alone := walk(t, o, start[i:i+1], one, nil); alone[2][0] != whole[2][i] {
				t.Errorf("%T: weight %d is %v alone, %v among %d", o, i, alone[2][0], whole[2][i], n)
			}
		}
	}
}
