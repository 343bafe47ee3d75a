package cnninte

import (
	"context"
	"fmt"
	"math"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/tree"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Reading says what the hidden values are.
type Reading struct {
	Asked   string    // the layer that was asked for
	Layer   xai.Layer // the layer that is read: Asked, or the rectifier next to it
	Pooled  bool      // each map of the layer is one neuron: its mean over the positions
	Neurons int       // D
}

// String says it in words.
func (r Reading) String() string {
	text := fmt.Sprintf("layer %q", r.Layer.Name)
	if r.Layer.Name != r.Asked {
		text = fmt.Sprintf("layer %q after its rectifier %q", r.Asked, r.Layer.Name)
	}
	switch {
	case r.Pooled:
		return fmt.Sprintf("%s, the means of its %d maps", text, r.Neurons)
	case r.Layer.Height*r.Layer.Width > 1:
		return fmt.Sprintf("%s, all %d values of its %d maps", text, r.Neurons, r.Layer.Channels)
	}
	return fmt.Sprintf("%s, %d neurons", text, r.Neurons)
}

// find returns the place of a layer.
func find(net xai.Layered, name string) (int, error) {
	layers := net.Layers()
	names := make([]string, len(layers))
	for i, l := range layers {
		if l.Name == name {
			return i, nil
		}
		names[i] = l.Name
	}
	return 0, fmt.Errorf("the layers are %v: %w", names, xai.ErrLayer)
}

// choose returns the place of the layer to interpret.
func choose(net xai.Layered, name string) (int, error) {
	if name != "" {
		return find(net, name)
	}
	layers := net.Layers()
	if len(layers) < 2 {
		return 0, fmt.Errorf("the network has no layer before its scores: %w", xai.ErrLayer)
	}
	for i, l := range layers[:len(layers)-1] {
		if l.Kind == "fc" || l.Kind == "dense" {
			return i, nil
		}
	}
	return len(layers) - 2, nil
}

// reading decides what to read. x are some inputs, by which it is seen whether the next layer
// rectifies the chosen one.
func reading(ctx context.Context, net xai.Layered, s Settings, x *mat.Dense) (Reading, error) {
	at, err := choose(net, s.Layer)
	if err != nil {
		return Reading{}, err
	}
	layers := net.Layers()
	r := Reading{Asked: layers[at].Name, Layer: layers[at]}
	if at+1 < len(layers) && layers[at+1].Kind == "relu" && layers[at+1].Size() == r.Layer.Size() {
		before, err := net.Activations(ctx, layers[at].Name, x)
		if err != nil {
			return r, err
		}
		after, err := net.Activations(ctx, layers[at+1].Name, x)
		if err != nil {
			return r, err
		}
		if rectifies(before, after) {
			r.Layer = layers[at+1]
		}
	}
	r.Neurons = r.Layer.Size()
	if r.Layer.Height*r.Layer.Width > 1 && !s.Flatten {
		r.Pooled, r.Neurons = true, r.Layer.Channels
	}
	return r, nil
}

func rectifies(before, after *mat.Dense) bool {
	n, d := before.Dims()
	if m, e := after.Dims(); m != n || e != d {
		return false
	}
	for i := range n {
		b := before.RawRowView(i)
		for j, v := range after.RawRowView(i) {
			if v != max(b[j], 0) {
				return false
			}
		}
	}
	return true
}

// hidden is what a network says about some instances.
type hidden struct {
	values  *mat.Dense // n x D
	scores  *mat.Dense // n x classes
	classes []int      // n: the places of the largest scores, the lowest where several are
}

// inputs returns the instances as forests take them: images stay bytes.
func inputs(set datasets.Set) mat.Matrix {
	if set.Pixels != nil {
		return tree.Bytes{Rows: set.Len(), Cols: set.Shape.Size(), Data: set.Pixels}
	}
	return set.Batch(nil, nil)
}

// indices returns lo, lo+1, ... hi-1.
func indices(lo, hi int) []int {
	list := make([]int, hi-lo)
	for i := range list {
		list[i] = lo + i
	}
	return list
}

// fits returns an error unless the network takes such instances and has such classes.
func fits(net xai.Layered, set datasets.Set) error {
	if err := set.Check(); err != nil {
		return fmt.Errorf("cnninte: %w", err)
	}
	if set.Len() == 0 {
		return fmt.Errorf("cnninte: the set %q is empty: %w", set.Name, xai.ErrShape)
	}
	if d, k := net.Dims(); d != set.Shape.Size() || k != len(set.Classes) {
		return fmt.Errorf("cnninte: the set %q has instances of %v and %d classes, the network takes %d values and has %d scores: %w",
			set.Name, set.Shape, len(set.Classes), d, k, xai.ErrShape)
	}
	return nil
}

// read sends n instances through the network, one batch at a time. batchOf stores instances lo
// to hi-1 into a matrix, which it may make anew.
func read(ctx context.Context, net xai.Layered, r Reading, n, batch int, batchOf func(x *mat.Dense, lo, hi int) *mat.Dense) (*hidden, error) {
	_, classes := net.Dims()
	h := &hidden{values: mat.NewDense(n, r.Neurons, nil), scores: mat.NewDense(n, classes, nil), classes: make([]int, n)}
	// Scores come from the hidden values where nothing passes the layer by: one pass, not two.
	var rest xai.Scorer
	if after, err := net.After(r.Layer.Name); err == nil {
		rest = after
	}
	var x *mat.Dense
	for lo := 0; lo < n; lo += batch {
		hi := min(lo+batch, n)
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("cnninte: hidden layer: after %d of %d instances: %w", lo, n, err)
		}
		x = batchOf(x, lo, hi)
		if err := h.fill(ctx, net, rest, r, lo, x); err != nil {
			return nil, fmt.Errorf("cnninte: hidden layer: instances %d to %d: %w", lo, hi-1, err)
		}
		progress.Report(ctx, "hidden layer", hi, n)
	}
	return h, nil
}

// fill stores what the network says about the rows of x, instances lo and following.
func (h *hidden) fill(ctx context.Context, net xai.Layered, rest xai.Scorer, r Reading, lo int, x *mat.Dense) error {
	out, err := net.Activations(ctx, r.Layer.Name, x)
	if err != nil {
		return err
	}
	n, _ := x.Dims()
	if m, d := out.Dims(); m != n || d != r.Layer.Size() {
		return fmt.Errorf("layer %q put out %d x %d values, need %d x %d: %w", r.Layer.Name, m, d, n, r.Layer.Size(), xai.ErrShape)
	}
	var scores *mat.Dense
	if rest != nil {
		scores, err = rest.Scores(ctx, out)
	} else {
		scores, err = net.Scores(ctx, x)
	}
	if err != nil {
		return err
	}
	area := r.Layer.Height * r.Layer.Width
	for i := range n {
		row, from := h.values.RawRowView(lo+i), out.RawRowView(i)
		if !r.Pooled {
			copy(row, from)
		} else {
			for c := range row {
				row[c] = floats.Sum(from[c*area:][:area]) / float64(area)
			}
		}
		if j := notFinite(row); j >= 0 {
			return fmt.Errorf("hidden value %d of row %d is %v: %w", j, i, row[j], ErrNotFinite)
		}
		s := scores.RawRowView(i)
		if j := notFinite(s); j >= 0 {
			return fmt.Errorf("score %d of row %d is %v: %w", j, i, s[j], ErrNotFinite)
		}
		copy(h.scores.RawRowView(lo+i), s)
		h.classes[lo+i] = floats.MaxIdx(s)
	}
	return nil
}

// notFinite returns the place of the first value that is NaN or infinite, or -1.
func notFinite(row []float64) int {
	for j, v := range row {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return j
		}
	}
	return -1
}
