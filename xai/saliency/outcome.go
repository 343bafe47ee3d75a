package saliency

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// ErrUndefined is matched by errors that say that a method gives no map at an input: a
// gradient that vanishes, a boundary that is not reached.
var ErrUndefined = errors.New("the map is undefined here")

// Err returns why row i of the batch has no map, or nil if it has one.
func (r Report) Err(i int) error {
	if i < 0 || i >= len(r.Undefined) {
		return nil
	}
	return r.Undefined[i]
}

// undefined records that row i of dst has no map.
func (r *Report) undefined(dst *mat.Dense, i int, format string, args ...any) {
	if r.Undefined == nil {
		n, _ := dst.Dims()
		r.Undefined = make([]error, n)
	}
	err := fmt.Errorf(format, args...)
	if !errors.Is(err, ErrUndefined) {
		err = fmt.Errorf("%w: %w", err, ErrUndefined)
	}
	r.Undefined[i] = err
	row := dst.RawRowView(i)
	for j := range row {
		row[j] = math.NaN()
	}
}

// Note is something worth knowing about the map of a row: it is defined, but may not say
// what it seems to.
type Note struct {
	Row  int    // in the batch; 0 for a Map
	Kind Remark // what it is about
	Text string // in words, with numbers
}

// Remark is the kind of a note.
type Remark string

// The kinds of notes that Explain adds; methods may have their own.
const (
	Blank     Remark = "zero everywhere"   // every value of the map is 0: nothing that the method looks at moves the score
	Saturated Remark = "saturated"         // the score is a probability within 1e-6 of 0 or 1, where gradients vanish
	Uniform   Remark = "input is constant" // all values of each channel are equal: there is no structure to point at
)

// Has reports whether there is a note of the kind about row i.
func (r Report) Has(i int, kind Remark) bool {
	return slices.ContainsFunc(r.Notes, func(n Note) bool { return n.Row == i && n.Kind == kind })
}

// noteworthy returns what any method's map gives reason to say.
func noteworthy(m Map) []Note {
	var notes []Note
	if floats.Norm(m.Values, math.Inf(1)) == 0 {
		notes = append(notes, Note{Kind: Blank, Text: fmt.Sprintf("The map is zero everywhere: nothing that %s looks at moves “%s” at this input.", m.Method, m.ClassName(m.Target))})
	}
	p, ok := saturated(m.Scores, m.Target)
	if _, probability := m.Scalar.(Probability); probability {
		p, ok = saturated([]float64{m.Scores[0], 1 - m.Scores[0]}, 0)
	}
	if ok {
		notes = append(notes, Note{Kind: Saturated, Text: fmt.Sprintf("“%s” is a probability and %.9g here: gradients vanish there, and the map may be rounding. Explain a score before the softmax, or a margin.", m.ClassName(m.Target), p)})
	}
	input := m.Sample.Shape // the map may be one of a layer
	plane := input.Height * input.Width
	uniform := plane > 1
	for c := 0; uniform && c < input.Channels; c++ {
		x := m.Sample.X[c*plane : (c+1)*plane]
		uniform = floats.Min(x) == floats.Max(x)
	}
	if uniform {
		notes = append(notes, Note{Kind: Uniform, Text: "All values of the input are equal: the map shows where the model looks, and nothing of this input."})
	}
	return notes
}

// saturated reports whether scores are probabilities, and that of the target near an end.
func saturated(scores []float64, target int) (p float64, ok bool) {
	const end = 1e-6
	if len(scores) < 2 || floats.Min(scores) < 0 || math.Abs(floats.Sum(scores)-1) > end {
		return 0, false
	}
	p = scores[target]
	return p, p < end || p > 1-end
}
