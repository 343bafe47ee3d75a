package ir

import (
	"math"
	"slices"
)

// resize handles nearest-neighbour interpolation, which only repeats or drops values.
func (c *call) resize() (value, error) {
	x, err := c.rows(0)
	if err != nil {
		return value{}, err
	}
	mode, err := c.text("mode", "nearest")
	if err != nil {
		return value{}, err
	}
	if mode != "nearest" {
		return value{}, c.unsupported("interpolation %q; nearest is read", mode)
	}
	where, err := c.text("coordinate_transformation_mode", "half_pixel")
	if err != nil {
		return value{}, err
	}
	round, err := c.text("nearest_mode", "round_prefer_floor")
	if err != nil {
		return value{}, err
	}
	policy, err := c.text("keep_aspect_ratio_policy", "stretch")
	if err != nil {
		return value{}, err
	}
	if policy != "stretch" {
		return value{}, c.unsupported("keep_aspect_ratio_policy %q", policy)
	}
	c.ignore("cubic_coeff_a", "exclude_outside", "extrapolation_value", "antialias") // of other modes
	dims := value{node: x}.dims()
	listed, err := c.ints("axes")
	if err != nil {
		return value{}, err
	}
	if listed == nil {
		for i := range dims {
			listed = append(listed, int64(i))
		}
	}
	if _, err := c.axes(listed, len(dims)); err != nil {
		return value{}, err
	}
	var scales []float64
	var sizes []Int
	if c.has(2) {
		t, err := c.weight(2)
		if err != nil {
			return value{}, err
		}
		if t.Len() > 0 {
			scales = t.Floats()
		}
	}
	if c.has(3) {
		if sizes, err = c.indexes(3); err != nil {
			return value{}, err
		}
	}
	if len(scales)+len(sizes) != len(listed) {
		return value{}, c.errorf("%d scales and %d sizes for %d axes", len(scales), len(sizes), len(listed))
	}
	r, out := same(dims), slices.Clone(dims)
	for i, a := range listed {
		axis, _ := c.axis(a, len(dims))
		n, scale := dims[axis], 1.0
		if n == open {
			if scales != nil && scales[i] != 1 || sizes != nil && sizes[i] != (Int{Batch: 1}) && !(c.fixed > 0 && sizes[i] == Int{Const: c.fixed}) {
				return value{}, c.mixes()
			}
			continue
		}
		if scales != nil {
			scale = scales[i]
			if !(scale > 0) || float64(n)*scale > maxSize {
				return value{}, c.shapeErrorf("scale %v along axis %d of length %d", scale, axis, n)
			}
			out[axis] = int(float64(n) * scale)
		} else {
			if sizes[i].Batch != 0 || sizes[i].Const < 1 || sizes[i].Const > maxSize {
				return value{}, c.shapeErrorf("size %d along axis %d", sizes[i].Const, axis)
			}
			out[axis] = int(sizes[i].Const)
			scale = float64(out[axis]) / float64(n)
		}
		if out[axis] == n && scale == 1 {
			continue
		}
		if err := c.charge(out[axis]); err != nil {
			return value{}, err
		}
		r.Pick[axis] = make([]int, out[axis])
		for j := range r.Pick[axis] {
			at, ok := source(where, float32(j), float32(scale), n, out[axis])
			if !ok {
				return value{}, c.unsupported("coordinate_transformation_mode %q", where)
			}
			near, ok := nearest(round, float64(at))
			if !ok {
				return value{}, c.unsupported("nearest_mode %q", round)
			}
			r.Pick[axis][j] = int(min(max(near, 0), float64(n-1)))
		}
	}
	return c.move(value{node: x}, r, out)
}

// source maps a coordinate of the output to one of the input, in single precision, as
// other implementations do: halves must fall on the same side.
func source(where string, j, scale float32, in, out int) (float32, bool) {
	switch where {
	case "half_pixel":
		return (j+0.5)/scale - 0.5, true
	case "half_pixel_symmetric":
		centre := float32(in) / 2
		adjust := float32(out) / (scale * float32(in))
		return centre*(1-adjust) + (j+0.5)/scale - 0.5, true
	case "pytorch_half_pixel":
		if out == 1 {
			return 0, true
		}
		return (j+0.5)/scale - 0.5, true
	case "asymmetric":
		return j / scale, true
	case "tf_half_pixel_for_nn":
		return (j + 0.5) / scale, true
	case "align_corners":
		if out == 1 {
			return 0, true
		}
		return j * float32(in-1) / float32(out-1), true
	}
	return 0, false
}

func nearest(round string, at float64) (float64, bool) {
	switch round {
	case "round_prefer_floor":
		return math.Ceil(at - 0.5), true
	case "round_prefer_ceil":
		return math.Floor(at + 0.5), true
	case "floor":
		return math.Floor(at), true
	case "ceil":
		return math.Ceil(at), true
	}
	return 0, false
}
