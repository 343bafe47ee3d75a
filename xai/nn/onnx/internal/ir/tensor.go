package ir

import (
	"fmt"

	"github.com/whybook/whybook/xai/nn/onnx/internal/pb"
)

// Int is an integer known at import, up to the size of the batch: Const + Batch*n.
type Int struct{ Const, Batch int64 }

// Tensor is a constant: floating-point numbers or integers.
type Tensor struct {
	Name string
	Dims []int

	file   *pb.Tensor // the floats still lie in the file
	floats []float64
	ints   []Int
	whole  bool // integers
}

// Len returns the number of elements.
func (t *Tensor) Len() int { return product(t.Dims) }

// Floats returns the elements of a floating-point tensor, row-major.
func (t *Tensor) Floats() []float64 {
	if t.file == nil {
		return t.floats
	}
	v, err := t.file.Floats()
	if err != nil {
		panic(fmt.Sprintf("onnx: tensor %q changed after it was checked: %v", t.Name, err))
	}
	return v
}

// Broadcast returns the elements repeated to fill a shape, which the tensor's must fit.
func (t *Tensor) Broadcast(shape []int) []float64 {
	flat, v := expand(t.Dims, shape).Columns(), t.Floats()
	out := make([]float64, len(flat))
	for i, at := range flat {
		out[i] = v[at]
	}
	return out
}

// pick makes a tensor of the chosen elements; -1 takes fill.
func (t *Tensor) pick(dims []int, columns []int32, fill float64) *Tensor {
	out := &Tensor{Name: t.Name, Dims: dims, whole: t.whole}
	if t.whole {
		out.ints = make([]Int, len(columns))
		for i, at := range columns {
			out.ints[i] = Int{Const: int64(fill)}
			if at >= 0 {
				out.ints[i] = t.ints[at]
			}
		}
		return out
	}
	v := t.Floats()
	out.floats = make([]float64, len(columns))
	for i, at := range columns {
		out.floats[i] = fill
		if at >= 0 {
			out.floats[i] = v[at]
		}
	}
	return out
}

// reshaped returns the same elements under another shape.
func (t *Tensor) reshaped(dims []int) *Tensor {
	out := *t
	out.Dims = dims
	return &out
}

// expand describes how a shape broadcasts to another, which it must fit.
func expand(from, to []int) Rearrange {
	lead := len(to) - len(from)
	r := Rearrange{From: make([]int, len(to)), Perm: make([]int, len(to)), Pick: make([][]int, len(to))}
	for i := range to {
		r.From[i], r.Perm[i] = 1, i
		if i >= lead {
			r.From[i] = from[i-lead]
		}
		if r.From[i] != to[i] {
			r.Pick[i] = make([]int, to[i]) // the only coordinate, again and again
		}
	}
	return r
}

// join returns the shape to which two shapes broadcast.
func join(a, b []int) ([]int, bool) {
	out := make([]int, max(len(a), len(b)))
	at := func(dims []int, i int) int {
		if i += len(dims) - len(out); i >= 0 {
			return dims[i]
		}
		return 1
	}
	for i := range out {
		x, y := at(a, i), at(b, i)
		if x != y && x != 1 && y != 1 {
			return nil, false
		}
		out[i] = x
		if x == 1 {
			out[i] = y
		}
	}
	return out, true
}
