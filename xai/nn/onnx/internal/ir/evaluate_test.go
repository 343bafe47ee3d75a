package ir

import (
	"fmt"
	"math"
	"slices"
)

// evaluate runs a graph on one row, from the definitions and without haste. It is what
// the lowered network is compared with, and itself is compared with onnxruntime.
func evaluate(g *Graph, x []float64) []float64 {
	values := map[*Node][]float64{}
	for _, n := range g.Nodes {
		in := make([][]float64, len(n.In))
		for i, from := range n.In {
			in[i] = values[from]
		}
		if _, ok := n.Op.(Input); ok {
			in = [][]float64{x}
		}
		y := step(n, in)
		if len(y) != n.Size() {
			panic(fmt.Sprintf("node %q makes %d values, its shape is %v", n.Name, len(y), n.Shape))
		}
		values[n] = y
	}
	return values[g.Output]
}

func step(n *Node, in [][]float64) []float64 {
	each := func(f func(v float64) float64) []float64 {
		out := make([]float64, len(in[0]))
		for i, v := range in[0] {
			out[i] = f(v)
		}
		return out
	}
	switch op := n.Op.(type) {
	case Input, Reshape:
		return in[0]
	case Fill:
		return op.Row.Floats()
	case Relu:
		return each(func(v float64) float64 { return max(v, 0) })
	case LeakyRelu:
		return each(func(v float64) float64 { return max(v, 0) + op.Slope*min(v, 0) })
	case Sigmoid:
		return each(func(v float64) float64 { return 1 / (1 + math.Exp(-v)) })
	case Tanh:
		return each(math.Tanh)
	case Clip:
		return each(func(v float64) float64 { return min(max(v, op.Min), op.Max) })
	case Softmax:
		return softmax(op, n.Shape, in[0])
	case Mean:
		return mean(op, n.In[0].Shape, in[0], n.Size())
	case BatchNorm:
		scale, bias, mu, variance := op.Scale.Floats(), op.Bias.Floats(), op.Mean.Floats(), op.Variance.Floats()
		out, per := slices.Clone(in[0]), len(in[0])/len(scale)
		for i := range out {
			c := i / per
			out[i] = (out[i]-mu[c])/math.Sqrt(variance[c]+op.Epsilon)*scale[c] + bias[c]
		}
		return out
	case Affine:
		out := slices.Clone(in[0])
		if op.Scale != nil {
			for i, s := range op.Scale.Broadcast(n.Shape) {
				out[i] *= s
			}
		}
		if op.Shift != nil {
			for i, s := range op.Shift.Broadcast(n.Shape) {
				out[i] += s
			}
		}
		return out
	case Binary:
		out := slices.Clone(in[0])
		for i, v := range in[1] {
			switch op.Kind {
			case "Add":
				out[i] += v
			case "Sub":
				out[i] -= v
			case "Mul":
				out[i] *= v
			case "Div":
				out[i] /= v
			}
		}
		return out
	case Rearrange:
		var out []float64
		for _, at := range op.Columns() {
			v := op.Fill
			if at >= 0 {
				v = in[0][at]
			}
			out = append(out, v)
		}
		return out
	case Concat:
		var out []float64
		for o := range product(n.Shape[:op.Axis]) {
			for i, v := range in {
				step := product(n.In[i].Shape[op.Axis:])
				out = append(out, v[o*step:(o+1)*step]...)
			}
		}
		return out
	case MatMul:
		return multiply(op, n.In[0].Shape, in[0])
	case Conv:
		return convolve(op, planeOf(n.In[0]), in[0])
	case ConvTranspose:
		return spreadOut(op, planeOf(n.In[0]), in[0])
	case MaxPool:
		return slideOver(op.Window, planeOf(n.In[0]), in[0], func(window []float64, _ int) float64 { return slices.Max(window) })
	case AveragePool:
		return slideOver(op.Window, planeOf(n.In[0]), in[0], func(window []float64, padded int) float64 {
			sum, count := 0.0, len(window)
			for _, v := range window {
				sum += v
			}
			if op.CountPad {
				count = padded
			}
			return sum / float64(count)
		})
	}
	panic(fmt.Sprintf("no definition of %T", n.Op))
}

func softmax(op Softmax, shape []int, x []float64) []float64 {
	out := make([]float64, len(x))
	inner, group := product(shape[op.To:]), product(shape[op.From:op.To])
	for i := range x {
		o, k := i/(inner*group), i%inner
		var sum float64
		for j := range group {
			sum += math.Exp(x[(o*group+j)*inner+k])
		}
		out[i] = math.Exp(x[i]) / sum
		if op.Log {
			out[i] = math.Log(out[i])
		}
	}
	return out
}

func mean(op Mean, shape []int, x []float64, n int) []float64 {
	out := make([]float64, n)
	for i, v := range x {
		to, rest, stride := 0, i, len(x)
		for axis, d := range shape {
			stride /= d
			at := rest / stride
			rest %= stride
			if !slices.Contains(op.Axes, axis) {
				to = to*d + at
			}
		}
		out[to] += v * float64(n) / float64(len(x))
	}
	return out
}

func multiply(op MatMul, shape []int, x []float64) []float64 {
	in := shape[len(shape)-1]
	w := op.Weight.Floats()
	units := len(w) / in
	var out []float64
	for r := range len(x) / in {
		for u := range units {
			var sum float64
			for i := range in {
				if op.Transposed {
					sum += x[r*in+i] * w[u*in+i]
				} else {
					sum += x[r*in+i] * w[i*units+u]
				}
			}
			sum *= op.Scale
			if op.Bias != nil {
				b := op.Bias.Floats()
				sum += op.BiasScale * b[u%len(b)]
			}
			out = append(out, sum)
		}
	}
	return out
}

// planeOf returns channels, height and width.
func planeOf(n *Node) [3]int {
	if len(n.Shape) == 2 {
		return [3]int{n.Shape[0], 1, n.Shape[1]}
	}
	return [3]int(n.Shape)
}

func convolve(op Conv, in [3]int, x []float64) []float64 {
	w := op.Weight.Floats()
	per, filters := in[0]/op.Groups, op.Filters/op.Groups
	var out []float64
	for f := range op.Filters {
		for oy := range op.Out[0] {
			for ox := range op.Out[1] {
				var sum float64
				if op.Bias != nil {
					sum = op.Bias.Floats()[f]
				}
				for c := range per {
					for ky := range op.Kernel[0] {
						for kx := range op.Kernel[1] {
							y, xx := oy*op.Stride[0]-op.Pads[0]+ky*op.Dilation[0], ox*op.Stride[1]-op.Pads[1]+kx*op.Dilation[1]
							if y >= 0 && y < in[1] && xx >= 0 && xx < in[2] {
								sum += x[((f/filters*per+c)*in[1]+y)*in[2]+xx] * w[((f*per+c)*op.Kernel[0]+ky)*op.Kernel[1]+kx]
							}
						}
					}
				}
				out = append(out, sum)
			}
		}
	}
	return out
}

func spreadOut(op ConvTranspose, in [3]int, x []float64) []float64 {
	w := op.Weight.Floats()
	per, filters := in[0]/op.Groups, op.Filters/op.Groups
	size := op.Out[0] * op.Out[1]
	out := make([]float64, op.Filters*size)
	for c := range in[0] {
		for y := range in[1] {
			for xx := range in[2] {
				for f := range filters {
					for ky := range op.Kernel[0] {
						for kx := range op.Kernel[1] {
							oy, ox := y*op.Stride[0]-op.Pads[0]+ky*op.Dilation[0], xx*op.Stride[1]-op.Pads[1]+kx*op.Dilation[1]
							if oy >= 0 && oy < op.Out[0] && ox >= 0 && ox < op.Out[1] {
								out[(c/per*filters+f)*size+oy*op.Out[1]+ox] += x[(c*in[1]+y)*in[2]+xx] * w[((c*filters+f)*op.Kernel[0]+ky)*op.Kernel[1]+kx]
							}
						}
					}
				}
			}
		}
	}
	if op.Bias != nil {
		for i := range out {
			out[i] += op.Bias.Floats()[i/size]
		}
	}
	return out
}

// slideOver calls f with the values of every window that lie in the plane, and the number
// that lie in the padded plane.
func slideOver(w Window, in [3]int, x []float64, f func(window []float64, padded int) float64) []float64 {
	var out []float64
	for c := range in[0] {
		for oy := range w.Out[0] {
			for ox := range w.Out[1] {
				var window []float64
				padded := 0
				for ky := range w.Kernel[0] {
					for kx := range w.Kernel[1] {
						y, xx := oy*w.Stride[0]-w.Pads[0]+ky*w.Dilation[0], ox*w.Stride[1]-w.Pads[1]+kx*w.Dilation[1]
						if y < in[1]+w.Pads[2] && xx < in[2]+w.Pads[3] {
							padded++
						}
						if y >= 0 && y < in[1] && xx >= 0 && xx < in[2] {
							window = append(window, x[(c*in[1]+y)*in[2]+xx])
						}
					}
				}
				out = append(out, f(window, padded))
			}
		}
	}
	return out
}
