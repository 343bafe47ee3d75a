package graph

import (
	"math"
)

// fixture is one operation under test.
type fixture[T Float] struct {
	name  string
	op    string                             // the method of Builder
	sizes func(n int) [][2]int               // of the inputs, for n rows
	fixed []bool                             // inputs without gradient
	legal func(input int, v float64) float64 // optional: makes a normal number a legal input value
	build func(b *Builder[T], in []*Node[T]) *Node[T]
	want  func(n int, in [][]float64) []float64 // the output from the definition; nil if another test has it
	mixes bool                                  // rows depend on each other
	large bool                                  // too many inputs for central differences
}

// rows is the size of one n x cols input.
func rows(cols int) func(n int) [][2]int {
	return func(n int) [][2]int { return [][2]int{{n, cols}} }
}

// away keeps values from a kink at zero.
func away(_ int, v float64) float64 { return v + math.Copysign(0.05, v) }

func fixtures[T Float]() []fixture[T] {
	var all []fixture[T]
	type nodes = []*Node[T]
	add := func(f fixture[T]) { all = append(all, f) }
	unary := func(name, op string, cols int, build func(b *Builder[T], x *Node[T]) *Node[T], want func(x []float64) []float64) {
		add(fixture[T]{name: name, op: op, sizes: rows(cols), legal: away,
			build: func(b *Builder[T], in nodes) *Node[T] { return build(b, in[0]) },
			want: func(n int, in [][]float64) []float64 {
				var out []float64
				for i := range n {
					out = append(out, want(in[0][i*cols:][:cols])...)
				}
				return out
			}})
	}
	each := func(f func(float64) float64) func([]float64) []float64 {
		return func(x []float64) []float64 {
			y := make([]float64, len(x))
			for i, v := range x {
				y[i] = f(v)
			}
			return y
		}
	}

	// Convolutions.
	conv := func(name string, p Plane, f, groups int, w Window, bias bool) {
		oh, ow := w.Over(p)
		add(fixture[T]{name: "conv " + name, op: "Conv2D", large: f*p.Size() > 1000,
			sizes: func(n int) [][2]int {
				s := [][2]int{{n, p.Size()}, {f, p.C / groups * w.taps()}, {1, f}}
				if !bias {
					s = s[:2]
				}
				return s
			},
			build: func(b *Builder[T], in nodes) *Node[T] { return b.Conv2D(in[0], in[1], optionalNode(in, 2), p, w) },
			want: func(n int, in [][]float64) []float64 {
				return slowConv(n, in[0], in[1], optional(in, 2), p, Plane{f, oh, ow}, groups, w)
			}})
	}
	transposed := func(name string, in, out Plane, groups int, w Window, bias bool) {
		add(fixture[T]{name: "transposed conv " + name, op: "ConvTranspose2D", large: out.C*in.Size() > 1000,
			sizes: func(n int) [][2]int {
				s := [][2]int{{n, in.Size()}, {in.C, out.C / groups * w.taps()}, {1, out.C}}
				if !bias {
					s = s[:2]
				}
				return s
			},
			build: func(b *Builder[T], nodes nodes) *Node[T] {
				return b.ConvTranspose2D(nodes[0], nodes[1], optionalNode(nodes, 2), in, out, w)
			},
			want: func(n int, x [][]float64) []float64 {
				return slowTransposed(n, x[0], x[1], optional(x, 2), in, out, groups, w)
			}})
	}
	odd := Window{KernelH: 2, KernelW: 3, StrideH: 2, Top: 1, Left: 2, Right: 1}
	conv("3x3", Plane{2, 5, 6}, 3, 1, Square(3, 1, 0), true)
	conv("3x3 same", Plane{2, 5, 6}, 3, 1, Square(3, 1, 1), true)
	conv("3x3 stride 2", Plane{1, 7, 6}, 2, 1, Square(3, 2, 1), true)
	conv("4x4 stride 3 pad 3", Plane{2, 5, 4}, 2, 1, Square(4, 3, 3), true)
	conv("1x1", Plane{3, 2, 2}, 4, 1, Square(1, 1, 0), true)
	conv("1x1 stride 2", Plane{3, 3, 4}, 4, 1, Square(1, 2, 0), false)
	conv("1x1 padded more than the kernel", Plane{2, 2, 2}, 2, 1, Square(1, 1, 1), true)
	conv("as large as the image", Plane{2, 3, 3}, 2, 1, Square(3, 1, 0), true)
	conv("rectangular, one-sided border", Plane{2, 4, 5}, 3, 1, odd, true)
	conv("dilated", Plane{2, 7, 6}, 2, 1, Window{KernelH: 3, KernelW: 2, DilationH: 2, DilationW: 3, Top: 2, Left: 1, Bottom: 1}, true)
	conv("dilated with strides", Plane{1, 8, 9}, 2, 1, Window{KernelH: 2, KernelW: 3, StrideH: 3, StrideW: 2, DilationH: 3, DilationW: 2, Right: 2}, false)
	conv("in two groups", Plane{4, 4, 4}, 6, 2, Square(3, 1, 1), true)
	conv("in groups with stride", Plane{4, 5, 4}, 4, 2, Square(2, 2, 0), true)
	conv("by channel", Plane{3, 4, 5}, 6, 3, Square(3, 1, 1), false)
	conv("large", Plane{17, 15, 13}, 40, 1, Square(3, 1, 1), true)
	conv("large with stride", Plane{16, 14, 14}, 32, 1, Square(3, 2, 1), true)
	conv("large, rectangular", Plane{9, 13, 15}, 12, 1, Window{KernelH: 3, KernelW: 2, StrideH: 2, StrideW: 1, Top: 1, Right: 1, DilationW: 2}, true)
	transposed("2x2 stride 2", Plane{3, 3, 2}, Plane{2, 6, 4}, 1, Square(2, 2, 0), true)
	transposed("3x3", Plane{2, 4, 3}, Plane{3, 4, 3}, 1, Square(3, 1, 1), true)
	transposed("4x4 stride 2 pad 1", Plane{2, 2, 3}, Plane{2, 4, 6}, 1, Square(4, 2, 1), false)
	transposed("with output padding", Plane{2, 3, 3}, Plane{2, 6, 6}, 1, Square(3, 2, 1), true)
	transposed("in two groups", Plane{4, 3, 2}, Plane{2, 5, 3}, 2, Window{KernelH: 3, KernelW: 2, StrideH: 2, Top: 1, Bottom: 1}, true)
	transposed("dilated", Plane{2, 2, 3}, Plane{1, 4, 7}, 1, Window{KernelH: 3, KernelW: 3, DilationW: 2, DilationH: 1}, true)
	transposed("large", Plane{20, 6, 7}, Plane{18, 12, 14}, 1, Square(2, 2, 0), true)

	// Pooling.
	maxpool := func(name string, p Plane, w Window) {
		unary("maxpool "+name, "MaxPool", p.Size(), func(b *Builder[T], x *Node[T]) *Node[T] { return b.MaxPool(x, p, w) },
			func(x []float64) []float64 {
				return slowPool(x, p, w, func(values []float64, _ int) float64 {
					best := math.Inf(-1)
					for _, v := range values {
						best = max(best, v)
					}
					return best
				})
			})
	}
	maxpool("2x2", Plane{2, 4, 6}, Square(2, 2, 0))
	maxpool("2x2 of odd sizes", Plane{2, 5, 7}, Square(2, 2, 0))
	maxpool("3x3 overlapping", Plane{2, 5, 5}, Square(3, 1, 0))
	maxpool("3x3 stride 2 padded", Plane{2, 6, 5}, Square(3, 2, 1))
	maxpool("rectangular, dilated", Plane{2, 6, 7}, Window{KernelH: 2, KernelW: 3, StrideH: 2, StrideW: 1, DilationW: 2, Left: 1})
	avgpool := func(name string, p Plane, w Window, border bool) {
		unary("avgpool "+name, "AvgPool", p.Size(), func(b *Builder[T], x *Node[T]) *Node[T] { return b.AvgPool(x, p, w, border) },
			func(x []float64) []float64 {
				return slowPool(x, p, w, func(values []float64, all int) float64 {
					sum := 0.0
					for _, v := range values {
						sum += v
					}
					if border {
						return sum / float64(all)
					}
					return sum / float64(len(values))
				})
			})
	}
	avgpool("2x2", Plane{2, 4, 6}, Square(2, 2, 0), true)
	avgpool("3x3 padded, border counts", Plane{2, 5, 4}, Square(3, 2, 1), true)
	avgpool("3x3 padded, border does not count", Plane{2, 5, 4}, Square(3, 2, 1), false)
	avgpool("rectangular", Plane{1, 5, 6}, Window{KernelH: 2, KernelW: 3, StrideH: 1, StrideW: 2, Top: 1}, false)
	adaptive := func(name, op string, p Plane, oh, ow int, build func(b *Builder[T], x *Node[T]) *Node[T]) {
		unary(name, op, p.Size(), build, func(x []float64) []float64 { return slowAdaptive(x, p, oh, ow) })
	}
	adaptive("adaptive avgpool, shared pixels", "AdaptiveAvgPool", Plane{2, 5, 7}, 3, 4, func(b *Builder[T], x *Node[T]) *Node[T] { return b.AdaptiveAvgPool(x, Plane{2, 5, 7}, 3, 4) })
	adaptive("adaptive avgpool, more bins than pixels", "AdaptiveAvgPool", Plane{1, 2, 3}, 4, 3, func(b *Builder[T], x *Node[T]) *Node[T] { return b.AdaptiveAvgPool(x, Plane{1, 2, 3}, 4, 3) })
	adaptive("global avgpool", "GlobalAvgPool", Plane{3, 3, 4}, 1, 1, func(b *Builder[T], x *Node[T]) *Node[T] { return b.GlobalAvgPool(x, Plane{3, 3, 4}) })

	// Normalisation.
	plane := Plane{3, 2, 5}
	add(fixture[T]{name: "batchnorm", op: "BatchNorm", mixes: true,
		sizes: func(n int) [][2]int { return [][2]int{{n, plane.Size()}, {1, 3}, {1, 3}} },
		build: func(b *Builder[T], in nodes) *Node[T] {
			y, _ := b.BatchNorm(in[0], in[1], in[2], plane, 1e-3)
			return y
		},
		want: func(n int, in [][]float64) []float64 {
			mean, variance := slowMoments(n, in[0], plane)
			return slowNorm(n, in[0], in[1], in[2], mean, variance, plane, 1e-3)
		}})
	add(fixture[T]{name: "batchnorm, evaluating", op: "BatchNormEval", fixed: []bool{false, false, false, true, true},
		sizes: func(n int) [][2]int { return [][2]int{{n, plane.Size()}, {1, 3}, {1, 3}, {1, 3}, {1, 3}} },
		legal: func(i int, v float64) float64 {
			if i == 4 {
				return v*v + 0.1
			}
			return v
		},
		build: func(b *Builder[T], in nodes) *Node[T] {
			return b.BatchNormEval(in[0], in[1], in[2], in[3], in[4], plane, 1e-5)
		},
		want: func(n int, in [][]float64) []float64 {
			return slowNorm(n, in[0], in[1], in[2], in[3], in[4], plane, 1e-5)
		}})
	unary("unit", "Unit", 5, func(b *Builder[T], x *Node[T]) *Node[T] { return b.Unit(x) }, func(x []float64) []float64 {
		var squares float64
		for _, v := range x {
			squares += v * v
		}
		out := make([]float64, len(x))
		for j, v := range x {
			out[j] = v / math.Sqrt(squares)
		}
		return out
	})
	unary("affine", "Affine", 3, func(b *Builder[T], x *Node[T]) *Node[T] { return b.Affine(x, []T{2, -0.5, 0}, []T{1, 0, 3}) },
		func(x []float64) []float64 { return []float64{2*x[0] + 1, -0.5 * x[1], 3} })

	// Activations.
	unary("relu", "ReLU", 37, func(b *Builder[T], x *Node[T]) *Node[T] { return b.ReLU(x) }, each(func(v float64) float64 { return math.Max(v, 0) }))
	unary("leaky relu", "LeakyReLU", 12, func(b *Builder[T], x *Node[T]) *Node[T] { return b.LeakyReLU(x, 0.25) },
		each(func(v float64) float64 { return math.Max(v, 0) + 0.25*math.Min(v, 0) }))
	unary("sigmoid", "Sigmoid", 12, func(b *Builder[T], x *Node[T]) *Node[T] { return b.Sigmoid(x) }, each(func(v float64) float64 { return (1 + math.Tanh(v/2)) / 2 }))
	unary("tanh", "Tanh", 12, func(b *Builder[T], x *Node[T]) *Node[T] { return b.Tanh(x) }, each(func(v float64) float64 { return 2/(1+math.Exp(-2*v)) - 1 }))
	unary("clip", "Clip", 12, func(b *Builder[T], x *Node[T]) *Node[T] { return b.Clip(x, -0.5, 0.75) }, each(func(v float64) float64 { return math.Min(math.Max(v, -0.5), 0.75) }))
	softmax := func(logarithm bool) func([]float64) []float64 {
		return func(x []float64) []float64 {
			y := make([]float64, len(x))
			for i := range x {
				sum := 0.0
				for _, v := range x[i/4*4:][:4] {
					sum += math.Exp(v)
				}
				if y[i] = math.Exp(x[i]) / sum; logarithm {
					y[i] = x[i] - math.Log(sum)
				}
			}
			return y
		}
	}
	unary("softmax", "Softmax", 8, func(b *Builder[T], x *Node[T]) *Node[T] { return b.Softmax(x, 4) }, softmax(false))
	unary("log softmax", "LogSoftmax", 8, func(b *Builder[T], x *Node[T]) *Node[T] { return b.LogSoftmax(x, 4) }, softmax(true))

	// Two nodes, element by element.
	binary := func(op string, build func(b *Builder[T], x, y *Node[T]) *Node[T], want func(x, y float64) float64, fixed []bool) {
		add(fixture[T]{name: op, op: op, fixed: fixed,
			sizes: func(n int) [][2]int { return [][2]int{{n, 19}, {n, 19}} },
			legal: func(i int, v float64) float64 {
				if i == 1 {
					return v + math.Copysign(0.5, v)
				}
				return v
			},
			build: func(b *Builder[T], in nodes) *Node[T] { return build(b, in[0], in[1]) },
			want: func(_ int, in [][]float64) []float64 {
				y := make([]float64, len(in[0]))
				for i, v := range in[0] {
					y[i] = want(v, in[1][i])
				}
				return y
			}})
	}
	binary("Add", (*Builder[T]).Add, func(x, y float64) float64 { return x + y }, nil)
	binary("Sub", (*Builder[T]).Sub, func(x, y float64) float64 { return x - y }, nil)
	binary("Mul", (*Builder[T]).Mul, func(x, y float64) float64 { return x * y }, nil)
	binary("Div", (*Builder[T]).Div, func(x, y float64) float64 { return x / y }, nil)
	binary("Div", (*Builder[T]).Div, func(x, y float64) float64 { return x / y }, []bool{true, false})
	binary("Mask", (*Builder[T]).Mask, func(x, y float64) float64 { return x * y }, []bool{false, true})

	// Dense layers and values used several times.
	dense := func(n, d, k int, x, w, bias []float64) []float64 {
		y := make([]float64, 0, n*k)
		for i := range n {
			for j := range k {
				sum := bias[j]
				for t := range d {
					sum += x[i*d+t] * w[j*d+t]
				}
				y = append(y, sum)
			}
		}
		return y
	}
	add(fixture[T]{name: "dense", op: "Dense", sizes: func(n int) [][2]int { return [][2]int{{n, 7}, {4, 7}, {1, 4}} },
		build: func(b *Builder[T], in nodes) *Node[T] { return b.Dense(in[0], in[1], in[2]) },
		want:  func(n int, in [][]float64) []float64 { return dense(n, 7, 4, in[0], in[1], in[2]) }})
	add(fixture[T]{name: "weights used twice", op: "Dense", sizes: func(n int) [][2]int { return [][2]int{{n, 4}, {4, 4}, {1, 4}} },
		build: func(b *Builder[T], in nodes) *Node[T] {
			return b.Dense(b.Tanh(b.Dense(in[0], in[1], in[2])), in[1], in[2])
		},
		want: func(n int, in [][]float64) []float64 {
			return dense(n, 4, 4, each(math.Tanh)(dense(n, 4, 4, in[0], in[1], in[2])), in[1], in[2])
		}})
	unary("a value used four times", "Add", 5, func(b *Builder[T], x *Node[T]) *Node[T] {
		return b.Sub(b.Mul(b.Add(x, x), x), b.Tanh(x))
	}, each(func(v float64) float64 { return 2*v*v - math.Tanh(v) }))

	unary("memory given away once", "Concat", 6, func(b *Builder[T], x *Node[T]) *Node[T] {
		y := b.Add(x, x)
		twice := b.Concat(y, y)
		p, q := b.Gather(twice, []int32{0, 1, 2, 3, 4, 5}), b.Gather(twice, []int32{11, 10, 9, 8, 7, 6})
		return b.Concat(q, p)
	}, func(x []float64) []float64 {
		y := each(func(v float64) float64 { return 2 * v })(x)
		return append([]float64{y[5], y[4], y[3], y[2], y[1], y[0]}, y...)
	})

	// Columns.
	add(fixture[T]{name: "concat", op: "Concat", fixed: []bool{false, true, false},
		sizes: func(n int) [][2]int { return [][2]int{{n, 3}, {n, 1}, {n, 4}} },
		build: func(b *Builder[T], in nodes) *Node[T] { return b.Concat(in...) },
		want: func(n int, in [][]float64) []float64 {
			var y []float64
			for i := range n {
				y = append(y, in[0][i*3:][:3]...)
				y = append(y, in[1][i])
				y = append(y, in[2][i*4:][:4]...)
			}
			return y
		}})
	unary("gather", "Gather", 4, func(b *Builder[T], x *Node[T]) *Node[T] { return b.Gather(x, []int32{3, -1, 0, 0, 1}) },
		func(x []float64) []float64 { return []float64{x[3], 0, x[0], x[0], x[1]} })
	unary("upsample", "Upsample", 12, func(b *Builder[T], x *Node[T]) *Node[T] { return b.Upsample(x, Plane{2, 3, 2}, 3) },
		func(x []float64) []float64 {
			y := make([]float64, 0, 108)
			for i := range 108 {
				c, oy, ox := i/54, i/6%9, i%6
				y = append(y, x[c*6+oy/3*2+ox/3])
			}
			return y
		})

	// Losses.
	margins := []float64{0.5, 0.1, 0.3, 0, 0.2}
	type lossOf func(b *Builder[T], scores, target, weight *Node[T]) *Node[T]
	loss := func(name, op string, weighted bool, build lossOf, row func(scores, target []float64) float64) {
		add(fixture[T]{name: name, op: op, fixed: []bool{false, true, true}, mixes: true,
			sizes: func(n int) [][2]int {
				if weighted {
					return [][2]int{{n, 5}, {n, 5}, {n, 1}}
				}
				return [][2]int{{n, 5}, {n, 5}}
			},
			legal: func(i int, v float64) float64 {
				if i > 0 {
					return math.Abs(v)
				}
				return 2 * v
			},
			build: func(b *Builder[T], in nodes) *Node[T] { return build(b, in[0], in[1], optionalNode(in, 2)) },
			want: func(n int, in [][]float64) []float64 {
				var sum, all float64
				for i := range n {
					w := 1.0
					if weighted {
						w = in[2][i]
					}
					sum += w * row(in[0][i*5:][:5], in[1][i*5:][:5])
					all += w
				}
				return []float64{sum / all}
			}})
	}
	loss("cross-entropy", "CrossEntropy", false, func(b *Builder[T], s, t, _ *Node[T]) *Node[T] { return b.CrossEntropy(s, t, nil) }, slowFocal(0))
	loss("cross-entropy, weighted", "CrossEntropy", true, func(b *Builder[T], s, t, w *Node[T]) *Node[T] { return b.CrossEntropy(s, t, w) }, slowFocal(0))
	for _, gamma := range []float64{0, 0.5, 2} {
		loss("focal", "Focal", gamma > 0, func(b *Builder[T], s, t, w *Node[T]) *Node[T] { return b.Focal(s, t, w, gamma) }, slowFocal(gamma))
	}
	loss("ldam", "LDAM", true, func(b *Builder[T], s, t, w *Node[T]) *Node[T] { return b.LDAM(s, t, w, margins, 3) },
		func(scores, target []float64) float64 {
			shifted := make([]float64, 5)
			for j := range shifted {
				shifted[j] = 3 * (scores[j] - margins[j]*target[j])
			}
			return slowFocal(0)(shifted, target)
		})

	// Terms of a loss.
	slowEntropy := func(v []float64) (e float64) {
		var sum float64
		for _, x := range v {
			sum += math.Exp(math.Abs(x))
		}
		for _, x := range v {
			p := math.Exp(math.Abs(x)) / sum
			e -= p * math.Log(p)
		}
		return e
	}
	average := func(x []float64, f func(float64) float64) (mean float64) {
		for _, v := range x {
			mean += f(v) / float64(len(x))
		}
		return mean
	}
	whole := func(name, op string, build func(b *Builder[T], x *Node[T]) *Node[T], want func(n int, x []float64) float64) {
		add(fixture[T]{name: name, op: op, sizes: rows(4), legal: away, mixes: true,
			build: func(b *Builder[T], in nodes) *Node[T] { return build(b, in[0]) },
			want:  func(n int, in [][]float64) []float64 { return []float64{want(n, in[0])} }})
	}
	whole("mean magnitude", "MeanAbs", func(b *Builder[T], x *Node[T]) *Node[T] { return b.MeanAbs(x) },
		func(_ int, x []float64) float64 { return average(x, math.Abs) })
	whole("entropy of rows", "Entropy", func(b *Builder[T], x *Node[T]) *Node[T] { return b.Entropy(x) }, func(n int, x []float64) (e float64) {
		for i := range n {
			e += slowEntropy(x[i*4:][:4]) / float64(n)
		}
		return e
	})
	whole("entropy of a batch", "BatchEntropy", func(b *Builder[T], x *Node[T]) *Node[T] { return b.BatchEntropy(x) }, func(n int, x []float64) float64 {
		mean := make([]float64, 4)
		for i, v := range x {
			mean[i%4] += math.Abs(v) / float64(n)
		}
		return slowEntropy(mean)
	})
	for _, absolute := range []bool{false, true} {
		add(fixture[T]{name: "mean error", op: "MeanError", mixes: true, fixed: []bool{false, true},
			sizes: func(n int) [][2]int { return [][2]int{{n, 3}, {n, 3}} },
			legal: func(input int, v float64) float64 { return away(0, v) + 9*float64(input)*math.Copysign(1, v) },
			build: func(b *Builder[T], in nodes) *Node[T] { return b.MeanError(in[0], in[1], absolute) },
			want: func(_ int, in [][]float64) []float64 {
				var sum float64
				for i, v := range in[0] {
					if d := v - in[1][i]; absolute {
						sum += math.Abs(d)
					} else {
						sum += d * d
					}
				}
				return []float64{sum / float64(len(in[0]))}
			}})
	}
	add(fixture[T]{name: "weighted sum", op: "Weighted", fixed: []bool{false, false, true}, mixes: true,
		sizes: func(int) [][2]int { return [][2]int{{1, 1}, {1, 1}, {1, 2}} },
		build: func(b *Builder[T], in nodes) *Node[T] { return b.Weighted(in[:2], in[2]) },
		want:  func(_ int, in [][]float64) []float64 { return []float64{in[2][0]*in[0][0] + in[2][1]*in[1][0]} }})
	add(fixture[T]{name: "detach", op: "Detach", fixed: []bool{false, true},
		sizes: func(n int) [][2]int { return [][2]int{{n, 3}, {n, 3}} },
		build: func(b *Builder[T], in nodes) *Node[T] { return b.Mul(in[0], b.Detach(in[1])) },
		want: func(_ int, in [][]float64) []float64 {
			out := make([]float64, len(in[0]))
			for i, v := range in[0] {
				out[i] = v * in[1][i]
			}
			return out
		}})
	return all
}

func optionalNode[T Float](in []*Node[T], i int) *Node[T] {
	if i < len(in) {
		return in[i]
	}
	return nil
}

// The slow versions below follow PyTorch's definitions, one output element at a time.

// pixel returns element (c, y, x) of row i, and 0 outside.
func pixel(data []float64, p Plane, i, c, y, x int) float64 {
	if y < 0 || y >= p.H || x < 0 || x >= p.W {
		return 0
	}
	return data[((i*p.C+c)*p.H+y)*p.W+x]
}

// positions calls f for every element of n images.
func positions(n int, p Plane, f func(i, c, y, x int)) {
	for i := range n {
		for c := range p.C {
			for y := range p.H {
				for x := range p.W {
					f(i, c, y, x)
				}
			}
		}
	}
}

func slowConv(n int, x, w, bias []float64, in, out Plane, groups int, win Window) []float64 {
	win = win.full()
	y := make([]float64, 0, n*out.Size())
	per, filters := in.C/groups, out.C/groups
	positions(n, out, func(i, f, oy, ox int) {
		sum := 0.0
		if bias != nil {
			sum = bias[f]
		}
		for c := range per {
			for ky := range win.KernelH {
				for kx := range win.KernelW {
					sum += w[((f*per+c)*win.KernelH+ky)*win.KernelW+kx] *
						pixel(x, in, i, f/filters*per+c, oy*win.StrideH-win.Top+ky*win.DilationH, ox*win.StrideW-win.Left+kx*win.DilationW)
				}
			}
		}
		y = append(y, sum)
	})
	return y
}

func slowTransposed(n int, x, w, bias []float64, in, out Plane, groups int, win Window) []float64 {
	win = win.full()
	y := make([]float64, n*out.Size())
	per := out.C / groups
	for i := range y {
		if bias != nil {
			y[i] = bias[i/(out.H*out.W)%out.C]
		}
	}
	positions(n, in, func(i, c, iy, ix int) {
		for f := range per {
			for ky := range win.KernelH {
				for kx := range win.KernelW {
					oy, ox := iy*win.StrideH-win.Top+ky*win.DilationH, ix*win.StrideW-win.Left+kx*win.DilationW
					if oy >= 0 && oy < out.H && ox >= 0 && ox < out.W {
						ch := c/(in.C/groups)*per + f
						y[((i*out.C+ch)*out.H+oy)*out.W+ox] += pixel(x, in, i, c, iy, ix) * w[((c*per+f)*win.KernelH+ky)*win.KernelW+kx]
					}
				}
			}
		}
	})
	return y
}

// slowPool reduces the pixels inside each window; all is the window's size.
func slowPool(x []float64, p Plane, w Window, reduce func(values []float64, all int) float64) []float64 {
	oh, ow := w.Over(p)
	w = w.full()
	var y []float64
	positions(1, Plane{p.C, oh, ow}, func(_, c, oy, ox int) {
		var values []float64
		for ky := range w.KernelH {
			for kx := range w.KernelW {
				iy, ix := oy*w.StrideH-w.Top+ky*w.DilationH, ox*w.StrideW-w.Left+kx*w.DilationW
				if iy >= 0 && iy < p.H && ix >= 0 && ix < p.W {
					values = append(values, pixel(x, p, 0, c, iy, ix))
				}
			}
		}
		y = append(y, reduce(values, w.KernelH*w.KernelW))
	})
	return y
}

func slowAdaptive(x []float64, p Plane, oh, ow int) []float64 {
	var y []float64
	ends := func(i, parts, size int) (int, int) {
		return int(math.Floor(float64(i*size) / float64(parts))), int(math.Ceil(float64((i+1)*size) / float64(parts)))
	}
	positions(1, Plane{p.C, oh, ow}, func(_, c, oy, ox int) {
		y0, y1 := ends(oy, oh, p.H)
		x0, x1 := ends(ox, ow, p.W)
		sum := 0.0
		for iy := y0; iy < y1; iy++ {
			for ix := x0; ix < x1; ix++ {
				sum += pixel(x, p, 0, c, iy, ix)
			}
		}
		y = append(y, sum/float64((y1-y0)*(x1-x0)))
	})
	return y
}

// slowMoments returns each channel's mean and biased variance.
func slowMoments(n int, x []float64, p Plane) (mean, variance []float64) {
	mean, variance = make([]float64, p.C), make([]float64, p.C)
	count := float64(n * p.H * p.W)
	positions(n, p, func(i, c, y, at int) { mean[c] += pixel(x, p, i, c, y, at) / count })
	positions(n, p, func(i, c, y, at int) {
		d := pixel(x, p, i, c, y, at) - mean[c]
		variance[c] += d * d / count
	})
	return mean, variance
}

func slowNorm(n int, x, gamma, beta, mean, variance []float64, p Plane, eps float64) []float64 {
	var y []float64
	positions(n, p, func(i, c, yy, at int) {
		y = append(y, (pixel(x, p, i, c, yy, at)-mean[c])/math.Sqrt(variance[c]+eps)*gamma[c]+beta[c])
	})
	return y
}

// slowFocal is the focal loss of one row; gamma 0 is the cross-entropy.
func slowFocal(gamma float64) func(scores, target []float64) float64 {
	return func(scores, target []float64) float64 {
		var sum, loss float64
		for _, v := range scores {
			sum += math.Exp(v)
		}
		for j, t := range target {
			p := math.Exp(scores[j]) / sum
			loss -= t * math.Pow(1-p, gamma) * math.Log(p)
		}
		return loss
	}
}
