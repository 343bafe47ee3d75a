package saliency

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"unicode"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// Method attributes a score to the values of an input. Implementations are plain structs
// whose zero value is the method's usual setting.
type Method interface {
	// Attribute stores into row i of dst (n x d) the attribution of score Targets[i] of f at
	// row i of in.X, and says how it went. in.X is not changed. Rows are independent: a
	// batch gives what its rows give one by one, and a row that has no map (see
	// Report.Undefined) leaves the others theirs.
	Attribute(ctx context.Context, f xai.Differentiable, dst *mat.Dense, in Batch) (Report, error)

	// Signed says whether the sign of a value means for or against the target.
	Signed() bool
}

// Report is what a method says about its own work.
type Report struct {
	Passes int // rows sent through the model, forward or backward, per row of x

	// Completeness has, for methods that distribute f(x) - f(baseline) over the input,
	// the error of each row; nil for other methods.
	Completeness []Completeness

	// Undefined has, where some rows have no map, for each row why, as an error that matches
	// ErrUndefined, or nil; nil where all rows have one. The values of such a row are NaN.
	Undefined []error

	// Notes says what is worth knowing about maps that there are.
	Notes []Note
}

// Completeness compares the sum of a map with the change of the score that it should
// explain (Sundararajan et al. 2017, proposition 1).
type Completeness struct {
	Sum    float64 // sum of the attributions
	Change float64 // f(x) - f(baseline)
	Bound  float64 // what |Sum - Change| cannot exceed, from a method that guarantees one; else 0
}

// Error returns Sum - Change, in units of the score.
func (c Completeness) Error() float64 { return c.Sum - c.Change }

// Relative returns |Error| / |Change|; 0 when both are 0, infinite when only Change is.
func (c Completeness) Relative() float64 {
	if c.Error() == 0 {
		return 0
	}
	return math.Abs(c.Error()) / math.Abs(c.Change)
}

// Map is an explanation: one value for each value of the input, with where it came from.
type Map struct {
	Values []float64      // C*H*W, channel-major
	Shape  datasets.Shape // of the input, or of the layer that is explained
	Layer  string         // whose output the values belong to (see Recipe.At); "" for the input
	Signed bool           // whether signs mean for and against
	Method string         // name of the method: "Integrated gradients"
	By     Method         // the method itself, with its settings; nil where it is not known

	Target  int       // the score that is explained
	Scalar  Scalar    // what is explained instead of a score of the model; nil for a score
	Scores  []float64 // all scores of the input; of a map toward a Scalar, that one alone
	Classes []string  // names of the scores; nil when unknown
	Report  Report    // passes and completeness error

	Sample     datasets.Sample // the input
	Provenance Provenance
}

// Provenance is what is needed to make the same map again.
type Provenance struct {
	Version string // of this package's algorithms: "saliency/2"
	Method  string // with its settings: "saliency.IntegratedGradients{Steps: 50}"
	Target  string // what is explained: "score 3", "margin of 3 over 5"
	Layer   string // at which it is explained; "" for the input
	Model   string // fingerprint; empty when the model has none
	Sample  string // fingerprint

	// Verdict says whether the model's gradients were checked, and with what outcome; ""
	// if they never were (see nn.Net.Verify).
	Verdict string
}

// ClassName returns the name of a score, or its number when there are no names.
func (m Map) ClassName(k int) string {
	if k >= 0 && k < len(m.Classes) {
		return m.Classes[k]
	}
	return fmt.Sprint(k)
}

// Plane returns one value for each pixel, H x W: the sum over the channels.
func (m Map) Plane() []float64 {
	hw := m.Shape.Height * m.Shape.Width
	if hw < 1 {
		return nil
	}
	plane := make([]float64, hw)
	for i, v := range m.Values {
		plane[i%hw] += v
	}
	return plane
}

// Predicted returns the class with the highest score, the lowest where scores tie; -1 for
// a map without scores.
func (m Map) Predicted() int {
	if len(m.Scores) == 0 {
		return -1
	}
	return floats.MaxIdx(m.Scores)
}

// Recipe describes an explanation of one sample. It is immutable: each step returns a
// changed copy.
type Recipe struct {
	model  xai.Differentiable
	sample datasets.Sample
	method Method
	target int    // -1: the predicted class
	scalar Scalar // instead of a target; nil for none
	layer  string // to explain at; "" for the input
	err    error
}

// Of starts an explanation of sample x by model: the gradient map of the predicted class,
// unless With and Target say otherwise.
func Of(model xai.Differentiable, x datasets.Sample) Recipe {
	r := Recipe{model: model, sample: x, method: Gradient{}, target: -1}
	switch {
	case isNil(model):
		r.model = nil
		r.err = xai.Stepf("saliency.Of", "need a model, have nil")
	case x.Err() != nil:
		r.err = &xai.StepError{Step: "saliency.Of", Err: x.Err()}
	default:
		if d, _ := model.Dims(); d != len(x.X) {
			r.err = xai.Stepf("saliency.Of", "the sample has %d values (%v), the model takes %d: %w", len(x.X), x.Shape, d, xai.ErrShape)
		}
	}
	return r
}

// isNil also sees a nil pointer inside an interface, which a failed build leaves behind.
func isNil(x any) bool {
	v := reflect.ValueOf(x)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

// With sets the method; the default is Gradient{}.
func (r Recipe) With(m Method) Recipe {
	if r.err == nil && isNil(m) {
		r.err = xai.Stepf("saliency.Of.With(nil)", "need a method")
	}
	r.method = m
	return r
}

// Target sets the class whose score is explained; the default is the predicted class.
func (r Recipe) Target(class int) Recipe {
	if r.check() != nil {
		return r
	}
	if _, k := r.model.Dims(); class < 0 || class >= k {
		r.err = xai.Stepf(fmt.Sprintf("saliency.Of.Target(%d)", class), "the model has %d classes (0-%d): %w", k, k-1, xai.ErrTarget)
		return r
	}
	r.target, r.scalar = class, nil
	return r
}

// Toward sets another number than the score of a class to explain: a margin, a hidden unit, a
// function of the scores. The map then has that number as its only score, with its name, and
// Score(model, s) is the model that it explains, for metrics.
func (r Recipe) Toward(s Scalar) Recipe {
	if r.check() != nil {
		return r
	}
	if isNil(s) {
		r.err = xai.Stepf("saliency.Of.Toward(nil)", "need a scalar, such as saliency.Margin{Class: 3}")
		return r
	}
	for _, predicted := range []int{0, 1} { // whichever it will be
		if _, err := scalarOf(r.model, s.resolved(predicted)); err == nil {
			r.target, r.scalar = -1, s
			return r
		}
	}
	_, err := scalarOf(r.model, s.resolved(0))
	r.err = xai.Stepf(fmt.Sprintf("saliency.Of.Toward(%v)", s), "%w", err)
	return r
}

// At explains by what a layer puts out instead of by the input: the map has the layer's
// shape, and a value for each of its units. Everything must go through the layer: inside a
// residual block there is no such map. The model must be an xai.Layered.
func (r Recipe) At(layer string) Recipe {
	if r.check() != nil {
		return r
	}
	if _, _, err := after(r.model, layer); err != nil {
		r.err = xai.Stepf(fmt.Sprintf("saliency.Of.At(%q)", layer), "%w", err)
		return r
	}
	r.layer = layer
	return r
}

// after returns the rest of a model after a layer, and the layer.
func after(model xai.Differentiable, name string) (xai.Differentiable, xai.Layer, error) {
	l, err := layerOf(model, name)
	if err != nil {
		return nil, l, err
	}
	rest, err := model.(xai.Layered).After(name)
	return rest, l, err
}

// check returns the first mistake of the chain.
func (r Recipe) check() error {
	if r.err == nil && r.model == nil {
		return errors.New("saliency: a recipe starts with saliency.Of(model, sample)")
	}
	return r.err
}

// Key names everything that determines the map.
func (r Recipe) Key() string {
	if err := r.check(); err != nil {
		return "saliency: " + err.Error()
	}
	p := r.provenance()
	target := fmt.Sprint("target ", r.target)
	if r.scalar != nil {
		target = "toward " + r.scalar.String()
	}
	if r.layer != "" {
		target += " | at " + r.layer
	}
	return fmt.Sprintf("%s %s | %s | model %s | sample %s", p.Version, p.Method, target, p.Model, p.Sample)
}

// version is raised with every change that alters maps.
const version = "saliency/2"

func (r Recipe) provenance() Provenance {
	p := Provenance{Version: version, Method: name(r.method), Layer: r.layer, Sample: r.sample.Fingerprint()}
	if named, ok := r.model.(xai.Named); ok {
		p.Model = named.Fingerprint()
	}
	if checked, ok := r.model.(xai.Verifiable); ok {
		if v, done := checked.Verdict(); done {
			p.Verdict = v.String()
		}
	}
	return p
}

// classes returns the names of the k scores: the model's own, else those of the sample's
// set if there are as many.
func (r Recipe) classes(k int) []string {
	if m, ok := r.model.(xai.Classed); ok {
		if names := m.Classes(); len(names) == k {
			return names
		}
	}
	if len(r.sample.Classes) == k {
		return r.sample.Classes
	}
	return nil
}

// Explain computes the map. Scores, gradients or values of the map that are no numbers are an
// error that matches datasets.ErrNotFinite, an input without a map one that matches
// ErrUndefined.
func (r Recipe) Explain(ctx context.Context) (Map, error) {
	if err := r.check(); err != nil {
		return Map{}, err
	}
	model, in := r.model, Batch{X: mat.NewDense(1, len(r.sample.X), append([]float64(nil), r.sample.X...)), Shape: r.sample.Shape}
	if r.sample.Columns == nil { // an image
		in.High = 1
	}
	scores, err := model.Scores(ctx, in.X)
	if err != nil {
		return Map{}, fmt.Errorf("saliency: %w", err)
	}
	m := Map{
		Layer: r.layer, Signed: r.method.Signed(), Method: words(r.method), By: r.method,
		Scores: append([]float64(nil), scores.RawRowView(0)...), Sample: r.sample, Provenance: r.provenance(),
	}
	if m.Classes = r.classes(len(m.Scores)); !finite(m.Scores) {
		return Map{}, fmt.Errorf("saliency: the model's scores here are %v; explanations need finite ones: %w", m.Scores, datasets.ErrNotFinite)
	}
	if r.layer != "" {
		if model, in, err = at(ctx, model, r.layer, in); err != nil {
			return Map{}, fmt.Errorf("saliency: at %s: %w", r.layer, err)
		}
	}
	m.Target = r.target
	switch {
	case r.scalar != nil:
		if model, err = m.toward(ctx, model, r.scalar, in); err != nil {
			return Map{}, err
		}
	case m.Target < 0:
		m.Target = m.Predicted()
	}
	if r.scalar == nil {
		m.Provenance.Target = fmt.Sprint("score ", m.Target)
	}
	in.Targets = []int{m.Target}
	m.Shape, m.Values = in.Shape, make([]float64, in.Shape.Size())
	m.Report, err = r.method.Attribute(ctx, model, mat.NewDense(1, len(m.Values), m.Values), in)
	if err == nil {
		err = m.Report.Err(0)
	}
	if err != nil {
		return Map{}, fmt.Errorf("saliency: %s: %w", name(r.method), err)
	}
	if !finite(m.Values) {
		return Map{}, fmt.Errorf("saliency: %s: the map has values that are not finite; does the model return finite scores around here? %w", name(r.method), datasets.ErrNotFinite)
	}
	m.Report.Undefined = nil
	m.Report.Notes = append(m.Report.Notes, noteworthy(m)...)
	return m, nil
}

// at moves an explanation to a layer: the rest of the model, and what the layer puts out,
// which has no limits.
func at(ctx context.Context, model xai.Differentiable, layer string, in Batch) (xai.Differentiable, Batch, error) {
	rest, l, err := after(model, layer)
	if err != nil {
		return nil, in, err
	}
	x, err := model.(xai.Layered).Activations(ctx, layer, in.X)
	if err != nil {
		return nil, in, err
	}
	return rest, Batch{X: x, Shape: datasets.Shape{Channels: l.Channels, Height: l.Height, Width: l.Width}}, nil
}

// toward makes a map of model's scores one of a scalar, and returns the model of that.
func (m *Map) toward(ctx context.Context, model xai.Differentiable, s Scalar, in Batch) (xai.Differentiable, error) {
	s = s.resolved(m.Predicted())
	one, err := scalarOf(model, s)
	if err != nil {
		return nil, fmt.Errorf("saliency: toward the %v: %w", s, err)
	}
	value, err := one.Scores(ctx, in.X)
	if err != nil {
		return nil, fmt.Errorf("saliency: %w", err)
	}
	class := m.ClassName
	m.Provenance.Target, m.Scalar = s.String(), s
	m.Classes, m.Target, m.Scores = []string{s.title(class)}, 0, []float64{value.At(0, 0)}
	if !finite(m.Scores) {
		return nil, fmt.Errorf("saliency: the %v is %v here; explanations need a finite number: %w", s, m.Scores[0], datasets.ErrNotFinite)
	}
	return one, nil
}

func finite(values []float64) bool {
	for _, v := range values {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return false
		}
	}
	return true
}

// name prints a method with its settings as Go code, and long lists by their digest.
func name(m Method) string {
	v := reflect.ValueOf(m)
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if v.Kind() != reflect.Struct {
		return fmt.Sprintf("%#v", m)
	}
	var fields []string
	for i := range v.NumField() {
		f := v.Field(i)
		if f.IsZero() {
			continue
		}
		text := fmt.Sprintf("%#v", f)
		if f.CanInterface() {
			if inner, ok := f.Interface().(Method); ok { // not the address of a pointer
				text = name(inner)
			}
		}
		if f.Kind() == reflect.Slice && (f.Len() > 8 || len(text) > 200) {
			text = fmt.Sprintf("%d values %x", f.Len(), sha256.Sum256([]byte(text)))
		}
		fields = append(fields, v.Type().Field(i).Name+": "+text)
	}
	return v.Type().String() + "{" + strings.Join(fields, ", ") + "}"
}

// Titled is a method that has a name of its own for titles; others are named after their
// type.
type Titled interface{ Title() string }

// words returns the title of a method, or turns the name of its type into words:
// IntegratedGradients, "Integrated gradients".
func words(m Method) string {
	if titled, ok := m.(Titled); ok {
		return titled.Title()
	}
	t := reflect.TypeOf(m)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	var out []rune
	name := []rune(t.Name())
	for i, c := range name {
		if i > 0 && unicode.IsUpper(c) && unicode.IsLower(name[i-1]) { // not inside an abbreviation
			out = append(out, ' ')
			if i+1 == len(name) || unicode.IsLower(name[i+1]) { // one begins here: GradCAM
				c = unicode.ToLower(c)
			}
		}
		out = append(out, c)
	}
	return string(out)
}
