package saliency

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// load gives an architecture weights, by the name of their tensor, and returns the network
// in float64. Weights must be float32 numbers for the two precisions to agree.
func load(t *testing.T, a nn.Arch, tensors map[string][]float64) *nn.Net {
	t.Helper()
	net, err := a.Init(1)
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := net.Double().Save(&file); err != nil { // for the names and sizes
		t.Fatal(err)
	}
	size := binary.LittleEndian.Uint64(file.Bytes())
	var header map[string]json.RawMessage
	if err := json.Unmarshal(file.Bytes()[8:8+size], &header); err != nil {
		t.Fatal(err)
	}
	data := file.Bytes()[8+size:]
	for name, values := range tensors {
		var entry struct {
			Offsets [2]int `json:"data_offsets"`
		}
		if err := json.Unmarshal(header[name], &entry); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if entry.Offsets[1]-entry.Offsets[0] != 8*len(values) {
			t.Fatalf("%s: %d bytes for %d values", name, entry.Offsets[1]-entry.Offsets[0], len(values))
		}
		for j, v := range values {
			binary.LittleEndian.PutUint64(data[entry.Offsets[0]+8*j:], math.Float64bits(v))
		}
	}
	loaded, err := nn.Load(&file)
	if err != nil {
		t.Fatal(err)
	}
	return loaded.Double()
}

// slowLayer is a layer of the second implementation: a matrix (outputs x inputs) with a
// bias, a ReLU, or a maximum of groups.
type slowLayer struct {
	name   string
	space  bool // the output has space
	w      *mat.Dense
	bias   []float64
	reads  [][]bool // which inputs an output reads
	groups [][]int  // of a max-pooling
}

// slowNet computes everything from its definition, one row and one value at a time.
type slowNet []slowLayer

// forward returns the inputs of all layers, and the scores.
func (n slowNet) forward(x []float64) [][]float64 {
	values := [][]float64{x}
	for _, l := range n {
		x := values[len(values)-1]
		var y []float64
		switch {
		case l.w != nil:
			for o, b := range l.bias {
				for i, v := range x {
					b += l.w.At(o, i) * v
				}
				y = append(y, b)
			}
		case l.groups != nil:
			for _, g := range l.groups {
				y = append(y, x[winner(x, g)])
			}
		default:
			for _, v := range x {
				y = append(y, max(v, 0))
			}
		}
		values = append(values, y)
	}
	return values
}

func winner(x []float64, group []int) int {
	best := group[0]
	for _, i := range group {
		if x[i] > x[best] {
			best = i
		}
	}
	return best
}

// back sends r back from the scores to the input of layer down: through weights and
// rectifiers by what the arguments say, which have the gradient where they are nil.
func (n slowNet) back(values [][]float64, r []float64, down int, weights func(l int, r []float64) []float64, rectifier func(in, r float64) float64) []float64 {
	for l := len(n) - 1; l >= down; l-- {
		x := values[l]
		sent := make([]float64, len(x))
		switch {
		case n[l].w != nil && weights != nil:
			sent = weights(l, r)
		case n[l].w != nil:
			for o, v := range r {
				for i := range x {
					sent[i] += n[l].w.At(o, i) * v
				}
			}
		case n[l].groups != nil:
			for o, g := range n[l].groups {
				sent[winner(x, g)] += r[o]
			}
		default:
			for i, v := range r {
				sent[i] = rectifier(x[i], v)
			}
		}
		r = sent
	}
	return r
}

func slowReLU(in, r float64) float64 { return step(in) * r }

// share is a relevance rule at layer l.
func (n slowNet) share(values [][]float64, l int, rule xai.Rule, r []float64) []float64 {
	x, w := values[l], n[l].w
	sent := make([]float64, len(x))
	for o := range r {
		var plus, minus, count float64
		for i, v := range x {
			c := v * w.At(o, i)
			plus, minus = plus+max(c, 0), minus+min(c, 0)
			if n[l].reads[o][i] {
				count++
			}
		}
		bias := n[l].bias[o]
		z := plus + minus + bias
		var box float64
		for i, v := range x {
			box += v*w.At(o, i) - min(w.At(o, i), 0) // the limits 0 and 1
		}
		for i, v := range x {
			c := v * w.At(o, i)
			var part float64
			switch rule := rule.(type) {
			case xai.Epsilon:
				part = c / (z + math.Copysign(rule.Epsilon, z))
			case xai.ZPlus:
				part = ratio(max(c, 0), plus+max(bias, 0))
			case xai.AlphaBeta:
				part = rule.Alpha*ratio(max(c, 0), plus+max(bias, 0)) - rule.Beta*ratio(min(c, 0), minus+min(bias, 0))
			case xai.Gamma:
				if z > 0 {
					part = (c + rule.Gamma*max(c, 0)) / (z + rule.Gamma*(plus+max(bias, 0)))
				} else {
					part = (c + rule.Gamma*min(c, 0)) / (z + rule.Gamma*(minus+min(bias, 0)))
				}
			case xai.Flat:
				if n[l].reads[o][i] {
					part = 1 / count
				}
			case xai.Box:
				part = (c - min(w.At(o, i), 0)) / box
			default:
				panic(fmt.Sprintf("%T", rule))
			}
			sent[i] += part * r[o]
		}
	}
	return sent
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return 0
	}
	return a / b
}

// convMatrix writes a convolution of 3x3 kernels with a border of 1 as a matrix.
func convMatrix(in, out, h, w int, kernel []float64) (*mat.Dense, [][]bool) {
	m := mat.NewDense(out*h*w, in*h*w, nil)
	reads := make([][]bool, out*h*w)
	for f := range out {
		for y := range h {
			for x := range w {
				o := (f*h+y)*w + x
				reads[o] = make([]bool, in*h*w)
				for c := range in {
					for ky := range 3 {
						for kx := range 3 {
							iy, ix := y+ky-1, x+kx-1
							if iy >= 0 && iy < h && ix >= 0 && ix < w {
								i := (c*h+iy)*w + ix
								m.Set(o, i, kernel[((f*in+c)*3+ky)*3+kx])
								reads[o][i] = true
							}
						}
					}
				}
			}
		}
	}
	return m, reads
}

// twin returns one random network twice: conv, ReLU, max-pooling, conv, ReLU, dense, ReLU,
// dense on 2 x 6 x 6 images, with 3 scores.
func twin(t *testing.T, s uint64, biased bool) (*nn.Net, slowNet) {
	t.Helper()
	r := seed.Stream(s, "twin")
	draw := func(n int, size float64) []float64 {
		v := make([]float64, n)
		for j := range v {
			v[j] = float64(float32(size * r.NormFloat64()))
		}
		return v
	}
	w := map[string][]float64{
		"conv1.weight": draw(4*2*9, 0.4), "conv1.bias": draw(4, 0.3), "conv2.weight": draw(3*4*9, 0.3), "conv2.bias": draw(3, 0.3),
		"fc1.weight": draw(5*27, 0.3), "fc1.bias": draw(5, 0.3), "fc2.weight": draw(3*5, 0.6), "fc2.bias": draw(3, 0.3),
	}
	if !biased {
		for name, v := range w {
			if name[len(name)-4:] == "bias" {
				clear(v)
			}
		}
	}
	net := load(t, nn.Image(datasets.Shape{Channels: 2, Height: 6, Width: 6}).Conv(4, 3).ReLU().MaxPool(2).Conv(3, 3).ReLU().Dense(5).ReLU().Dense(3), w)
	spread := func(bias []float64, area int) (out []float64) {
		for _, b := range bias {
			for range area {
				out = append(out, b)
			}
		}
		return out
	}
	var pool [][]int
	for c := range 4 {
		for y := range 3 {
			for x := range 3 {
				at := (c*6+2*y)*6 + 2*x
				pool = append(pool, []int{at, at + 1, at + 6, at + 7})
			}
		}
	}
	all := func(out, in int) [][]bool {
		reads := make([][]bool, out)
		for o := range reads {
			reads[o] = make([]bool, in)
			for i := range reads[o] {
				reads[o][i] = true
			}
		}
		return reads
	}
	m1, r1 := convMatrix(2, 4, 6, 6, w["conv1.weight"])
	m2, r2 := convMatrix(4, 3, 3, 3, w["conv2.weight"])
	return net, slowNet{
		{name: "conv1", space: true, w: m1, reads: r1, bias: spread(w["conv1.bias"], 36)}, {name: "relu1"}, {name: "pool1", groups: pool},
		{name: "conv2", space: true, w: m2, reads: r2, bias: spread(w["conv2.bias"], 9)}, {name: "relu2"},
		{name: "fc1", w: mat.NewDense(5, 27, w["fc1.weight"]), reads: all(5, 27), bias: w["fc1.bias"]}, {name: "relu3"},
		{name: "fc2", w: mat.NewDense(3, 5, w["fc2.weight"]), reads: all(3, 5), bias: w["fc2.bias"]},
	}
}

func oneHot(k, n int, v float64) []float64 {
	r := make([]float64, n)
	r[k] = v
	return r
}

// slowCAM is Grad-CAM at the input of layer l, at the size of the layer.
func (n slowNet) slowCAM(x []float64, target, l, channels int, keep bool) []float64 {
	values := n.forward(x)
	g := n.back(values, oneHot(target, 3, 1), l, nil, slowReLU)
	area := len(values[l]) / channels
	cam := make([]float64, area)
	for c := range channels {
		weight := floats.Sum(g[c*area:][:area]) / float64(area)
		for p := range area {
			cam[p] += weight * values[l][c*area+p]
		}
	}
	for p := range cam {
		if !keep {
			cam[p] = max(cam[p], 0)
		}
	}
	return cam
}

// slowZoom is bilinear interpolation by its definition: the weights of all pixels, each a
// tent around its centre that goes on flat beyond the outermost ones.
func slowZoom(src []float64, from, to int) []float64 {
	tent := func(i, j int) float64 {
		t := (float64(i)+0.5)*float64(from)/float64(to) - 0.5
		t = math.Min(math.Max(t, 0), float64(from-1))
		return math.Max(0, 1-math.Abs(t-float64(j)))
	}
	dst := make([]float64, to*to)
	for y := range to {
		for x := range to {
			for sy := range from {
				for sx := range from {
					dst[y*to+x] += tent(y, sy) * tent(x, sx) * src[sy*from+sx]
				}
			}
		}
	}
	return dst
}
