package saliency

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Scalar is a number that a model computes on the way or from its scores, to be explained
// instead of the score of a class (see Recipe.Toward): Margin, Contrast, Probability,
// LogProbability, Unit, Channel or Function.
type Scalar interface {
	// String names the scalar, with numbers for classes: "margin of 3".
	String() string

	title(class func(int) string) string // the same with names for classes
	source() string                      // the layer whose outputs it is a function of; "" for the scores
	check(size int, l xai.Layer) error   // whether it is one of such outputs
	resolved(predicted int) Scalar       // with Predicted replaced
	value(row []float64) float64         // for one row of outputs
	gradient(dst, row []float64)         // with respect to the outputs; dst is zero
}

// Predicted, as the class of a scalar, is the class with the highest score at the sample
// that is explained. Only Recipe.Toward knows it.
const Predicted = -1

// Margin is the score of a class less the greatest other score: above 0 where the class is
// predicted. Its gradient is 0 nowhere that both scores move; where others tie, the first
// one counts.
type Margin struct{ Class int }

// Contrast is the score of a class less that of another: why this one rather than that one.
type Contrast struct{ Class, Over int }

// Probability is the softmax of the scores at a class. It saturates: where the model is
// certain its gradient vanishes, and maps of it are zero; prefer a Margin.
type Probability struct{ Class int }

// LogProbability is the logarithm of Probability. For a class that is not predicted its
// gradient does not vanish.
type LogProbability struct{ Class int }

// Unit is one value that a layer puts out, by its position there (channel-major). Its model
// must be an xai.Layered.
type Unit struct {
	Layer string
	Index int
}

// Channel is the mean of one channel that a layer puts out; for a layer without space it is
// a Unit. Its model must be an xai.Layered.
type Channel struct {
	Layer string
	Index int
}

// Function is any function of what a layer puts out.
type Function struct {
	Name  string // what it is, needed: titles and cache keys show it
	Layer string // default: the scores

	// Value is called with the outputs for one row, which it must not change or keep.
	Value func(row []float64) float64

	// Gradient stores the derivative of Value with respect to each output in dst, which is
	// zero before. Default: central differences of Value, good to about nine digits where it
	// is smooth; the chain to the input is exact in any case.
	Gradient func(dst, row []float64)
}

func numbered(k int) string {
	if k == Predicted {
		return "the prediction"
	}
	return fmt.Sprint(k)
}

func (s Margin) String() string         { return s.title(numbered) }
func (s Contrast) String() string       { return s.title(numbered) }
func (s Probability) String() string    { return s.title(numbered) }
func (s LogProbability) String() string { return s.title(numbered) }
func (s Unit) String() string           { return s.title(numbered) }
func (s Channel) String() string        { return s.title(numbered) }
func (s Function) String() string       { return s.title(numbered) }

func (s Margin) title(class func(int) string) string { return "margin of " + class(s.Class) }
func (s Contrast) title(class func(int) string) string {
	return "margin of " + class(s.Class) + " over " + class(s.Over)
}
func (s Probability) title(class func(int) string) string {
	return "probability of " + class(s.Class)
}
func (s LogProbability) title(class func(int) string) string {
	return "log-probability of " + class(s.Class)
}
func (s Unit) title(func(int) string) string { return fmt.Sprintf("unit %d of %s", s.Index, s.Layer) }
func (s Channel) title(func(int) string) string {
	return fmt.Sprintf("channel %d of %s", s.Index, s.Layer)
}
func (s Function) title(func(int) string) string {
	if s.Layer != "" {
		return s.Name + " of " + s.Layer
	}
	return s.Name
}

func (Margin) source() string         { return "" }
func (Contrast) source() string       { return "" }
func (Probability) source() string    { return "" }
func (LogProbability) source() string { return "" }
func (s Unit) source() string         { return s.Layer }
func (s Channel) source() string      { return s.Layer }
func (s Function) source() string     { return s.Layer }

// checkClass says whether there is such a class.
func checkClass(class, k int) error {
	switch {
	case class == Predicted:
		return fmt.Errorf("the predicted class is known to a recipe only; give its number: %w", xai.ErrTarget)
	case class < 0 || class >= k:
		return fmt.Errorf("class %d: the model has %d classes (0-%d): %w", class, k, k-1, xai.ErrTarget)
	}
	return nil
}

func (s Margin) check(k int, _ xai.Layer) error {
	if k < 2 {
		return fmt.Errorf("a margin needs another score, the model has %d: %w", k, xai.ErrTarget)
	}
	return checkClass(s.Class, k)
}

func (s Contrast) check(k int, _ xai.Layer) error {
	if err := checkClass(s.Class, k); err != nil {
		return err
	}
	if s.Over == s.Class {
		return fmt.Errorf("class %d over itself is always 0: %w", s.Class, xai.ErrTarget)
	}
	return checkClass(s.Over, k)
}

func (s Probability) check(k int, _ xai.Layer) error    { return checkClass(s.Class, k) }
func (s LogProbability) check(k int, _ xai.Layer) error { return checkClass(s.Class, k) }

func (s Unit) check(size int, _ xai.Layer) error {
	if s.Layer == "" {
		return fmt.Errorf("field Layer is empty; name the layer of unit %d: %w", s.Index, xai.ErrLayer)
	}
	if s.Index < 0 || s.Index >= size {
		return fmt.Errorf("unit %d: the layer has %d values (0-%d): %w", s.Index, size, size-1, xai.ErrTarget)
	}
	return nil
}

func (s Channel) check(_ int, l xai.Layer) error {
	if s.Layer == "" {
		return fmt.Errorf("field Layer is empty; name the layer of channel %d: %w", s.Index, xai.ErrLayer)
	}
	if s.Index < 0 || s.Index >= l.Channels {
		return fmt.Errorf("channel %d: the layer has %d (0-%d): %w", s.Index, l.Channels, l.Channels-1, xai.ErrTarget)
	}
	return nil
}

func (s Function) check(int, xai.Layer) error {
	if s.Name == "" || s.Value == nil {
		return fmt.Errorf("a function needs the fields Name and Value")
	}
	return nil
}

func resolve(class, predicted int) int {
	if class == Predicted {
		return predicted
	}
	return class
}

func (s Margin) resolved(p int) Scalar { return Margin{resolve(s.Class, p)} }
func (s Contrast) resolved(p int) Scalar {
	return Contrast{resolve(s.Class, p), resolve(s.Over, p)}
}
func (s Probability) resolved(p int) Scalar    { return Probability{resolve(s.Class, p)} }
func (s LogProbability) resolved(p int) Scalar { return LogProbability{resolve(s.Class, p)} }
func (s Unit) resolved(int) Scalar             { return s }
func (s Channel) resolved(int) Scalar          { return s }
func (s Function) resolved(int) Scalar         { return s }

func (s Margin) value(row []float64) float64      { return row[s.Class] - row[rival(row, s.Class)] }
func (s Contrast) value(row []float64) float64    { return row[s.Class] - row[s.Over] }
func (s Probability) value(row []float64) float64 { return probability(row, s.Class) }
func (s LogProbability) value(row []float64) float64 {
	return row[s.Class] - floats.LogSumExp(row)
}
func (s Unit) value(row []float64) float64     { return row[s.Index] }
func (s Function) value(row []float64) float64 { return s.Value(row) }

func (s Margin) gradient(dst, row []float64) { dst[s.Class], dst[rival(row, s.Class)] = 1, -1 }
func (s Contrast) gradient(dst, _ []float64) { dst[s.Class], dst[s.Over] = 1, -1 }
func (s Unit) gradient(dst, _ []float64)     { dst[s.Index] = 1 }
func (s Probability) gradient(dst, r []float64) {
	LogProbability(s).gradient(dst, r)
	floats.Scale(probability(r, s.Class), dst)
}

func (s LogProbability) gradient(dst, row []float64) {
	others := 0.0
	for k := range row {
		if k != s.Class {
			p := probability(row, k)
			dst[k] = -p
			others += p
		}
	}
	dst[s.Class] = others // 1 - p, exact where p is nearly 1
}

func (s Function) gradient(dst, row []float64) {
	if s.Gradient != nil {
		s.Gradient(dst, row)
		return
	}
	at := append([]float64(nil), row...)
	for j, v := range row {
		h := 6e-6 * max(1, math.Abs(v)) // the cube root of the resolution
		at[j] = v + h
		up, high := s.Value(at), at[j]
		at[j] = v - h
		dst[j] = (up - s.Value(at)) / (high - at[j])
		at[j] = v
	}
}

// channelMean is a Channel of a layer whose channels have area values.
type channelMean struct {
	Channel
	area int
}

func (s channelMean) value(row []float64) float64 {
	return floats.Sum(row[s.Index*s.area:][:s.area]) / float64(s.area)
}

func (s channelMean) gradient(dst, _ []float64) {
	for j := range s.area {
		dst[s.Index*s.area+j] = 1 / float64(s.area)
	}
}

// Without knowing the layer a channel has no place; Score makes it a channelMean.
func (s Channel) value([]float64) float64 { panic("saliency: a channel without its layer") }
func (s Channel) gradient(_, _ []float64) { panic("saliency: a channel without its layer") }

// Score returns a model whose only score is a scalar of the given one, for methods and
// metrics that know classes only: target 0 of it is the scalar. It computes gradients through
// the model's Pull, where it is an xai.Layered, and else by one gradient for each class
// whose score matters. It can forget weights, for randomisation tests, where the model is an
// xai.Randomizable.
func Score(model xai.Differentiable, s Scalar) (xai.Differentiable, error) {
	if isNil(model) || isNil(s) {
		return nil, fmt.Errorf("saliency.Score: need a model and a scalar")
	}
	m, err := scalarOf(model, s)
	if err != nil {
		return nil, fmt.Errorf("saliency.Score(%v): %w", s, err)
	}
	if model, ok := model.(xai.Randomizable); ok {
		return forgetfulScalar{m, model}, nil
	}
	return m, nil
}

func scalarOf(model xai.Differentiable, s Scalar) (scalarModel, error) {
	d, k := model.Dims()
	m := scalarModel{model: model, scalar: s, d: d, size: k}
	m.layered, _ = model.(xai.Layered)
	l := xai.Layer{Channels: k, Height: 1, Width: 1}
	if name := s.source(); name != "" {
		var err error
		if l, err = layerOf(model, name); err != nil {
			return m, err
		}
		m.size = l.Size()
	}
	if err := s.check(m.size, l); err != nil {
		return m, err
	}
	if c, ok := s.(Channel); ok {
		m.scalar = channelMean{c, l.Height * l.Width}
	}
	return m, nil
}

// layerOf finds a layer of a model.
func layerOf(model xai.Differentiable, name string) (xai.Layer, error) {
	layered, ok := model.(xai.Layered)
	if !ok {
		return xai.Layer{}, fmt.Errorf("%T is no xai.Layered, so there is no layer %q to see: %w", model, name, xai.ErrAbility)
	}
	var names []string
	for _, l := range layered.Layers() {
		if l.Name == name {
			return l, nil
		}
		names = append(names, l.Name)
	}
	return xai.Layer{}, fmt.Errorf("the layers are %s: %w", list(names), xai.ErrLayer)
}

// scalarModel has a scalar of a model as its only score.
type scalarModel struct {
	model   xai.Differentiable
	layered xai.Layered // the model; nil if it is none
	scalar  Scalar
	d, size int // of the input, and of what the scalar is a function of
}

// Dims implements xai.Scorer.
func (m scalarModel) Dims() (d, k int) { return m.d, 1 }

// Classes implements xai.Classed.
func (m scalarModel) Classes() []string {
	class := numbered
	if c, ok := m.model.(xai.Classed); ok {
		if names := c.Classes(); len(names) == m.size {
			class = func(k int) string { return names[k] }
		}
	}
	return []string{m.scalar.title(class)}
}

// outputs returns what the scalar is a function of.
func (m scalarModel) outputs(ctx context.Context, x *mat.Dense) (*mat.Dense, error) {
	if name := m.scalar.source(); name != "" {
		return m.layered.Activations(ctx, name, x)
	}
	return m.model.Scores(ctx, x)
}

// read returns the scalar for each row of outputs, and its gradient if that is wanted.
func (m scalarModel) read(outputs *mat.Dense, gradient bool) (values, seed *mat.Dense) {
	n, k := outputs.Dims()
	values = mat.NewDense(n, 1, nil)
	if gradient {
		seed = mat.NewDense(n, k, nil)
	}
	for i := range n {
		row := outputs.RawRowView(i)
		values.Set(i, 0, m.scalar.value(row))
		if gradient {
			m.scalar.gradient(seed.RawRowView(i), row)
		}
	}
	return values, seed
}

// Scores implements xai.Scorer.
func (m scalarModel) Scores(ctx context.Context, x *mat.Dense) (*mat.Dense, error) {
	outputs, err := m.outputs(ctx, x)
	if err != nil {
		return nil, err
	}
	values, _ := m.read(outputs, false)
	return values, nil
}

// Gradients implements xai.Differentiable.
func (m scalarModel) Gradients(ctx context.Context, dst, x *mat.Dense, targets []int) (*mat.Dense, error) {
	for i, k := range targets {
		if k != 0 {
			return nil, fmt.Errorf("saliency: target %d of row %d: the only score is the %v, with the number 0: %w", k, i, m.scalar, xai.ErrTarget)
		}
	}
	outputs, err := m.outputs(ctx, x)
	if err != nil {
		return nil, err
	}
	if n, _ := outputs.Dims(); len(targets) != n {
		return nil, fmt.Errorf("saliency: %d targets for %d rows: %w", len(targets), n, xai.ErrShape)
	}
	values, seed := m.read(outputs, true)
	if m.layered != nil {
		return values, m.layered.Pull(ctx, m.scalar.source(), "", dst, x, seed)
	}
	return values, pullScores(ctx, m.model, dst, x, seed)
}

// pullScores stores the gradient of the sum of seed times the scores, by one call of
// Gradients for each score that counts in some row.
func pullScores(ctx context.Context, f xai.Differentiable, dst, x, seed *mat.Dense) error {
	n, k := seed.Dims()
	_, d := x.Dims()
	dst.Zero()
	for c := range k {
		var rows, targets []int
		for i := range n {
			if seed.At(i, c) != 0 {
				rows, targets = append(rows, i), append(targets, c)
			}
		}
		if len(rows) == 0 {
			continue
		}
		part, grads := mat.NewDense(len(rows), d, nil), mat.NewDense(len(rows), d, nil)
		for p, i := range rows {
			part.SetRow(p, x.RawRowView(i))
		}
		if _, err := f.Gradients(ctx, grads, part, targets); err != nil {
			return err
		}
		for p, i := range rows {
			floats.AddScaled(dst.RawRowView(i), seed.At(i, c), grads.RawRowView(p))
		}
	}
	return nil
}

// Fingerprint implements xai.Named; it is empty where the model has none.
func (m scalarModel) Fingerprint() string {
	if named, ok := m.model.(xai.Named); ok && named.Fingerprint() != "" {
		sum := sha256.Sum256([]byte(named.Fingerprint() + " " + m.scalar.String()))
		return hex.EncodeToString(sum[:12])
	}
	return ""
}

// Verdict implements xai.Verifiable: the model's own verdict.
func (m scalarModel) Verdict() (xai.Verdict, bool) {
	if checked, ok := m.model.(xai.Verifiable); ok {
		return checked.Verdict()
	}
	return xai.Verdict{}, false
}

// forgetfulScalar is a scalarModel whose model can forget its weights.
type forgetfulScalar struct {
	scalarModel
	randomizable xai.Randomizable
}

// Layers returns the layers that the scalar may depend on.
func (m forgetfulScalar) Layers() []xai.Layer {
	layers, end := m.randomizable.Layers(), m.scalar.source()
	for i, l := range layers {
		if l.Name == end {
			return layers[:i+1]
		}
	}
	return layers
}

// Randomized returns the same scalar of a model that has forgotten the named layers.
func (m forgetfulScalar) Randomized(seed uint64, layers ...string) (xai.Differentiable, error) {
	random, err := m.randomizable.Randomized(seed, layers...)
	if err != nil {
		return nil, err
	}
	s := m.scalar
	if c, ok := s.(channelMean); ok {
		s = c.Channel
	}
	return Score(random, s)
}

// asScalar returns the scalarModel that f is, if it is one.
func asScalar(f xai.Differentiable) (scalarModel, bool) {
	if m, ok := f.(forgetfulScalar); ok {
		return m.scalarModel, true
	}
	m, ok := f.(scalarModel)
	return m, ok
}

var (
	_ xai.Differentiable = scalarModel{}
	_ xai.Named          = scalarModel{}
	_ xai.Classed        = scalarModel{}
	_ xai.Verifiable     = scalarModel{}
)
