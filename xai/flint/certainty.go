package flint

import (
	"fmt"
	"math"

	"github.com/whybook/whybook/xai"
	"gonum.org/v1/gonum/floats"
)

// Thresholds of the entropy of the softmax, in nats, below which the authors' code calls f and g
// certain.
const (
	CertainF = 0.1
	CertainG = 0.07
)

// Cell is a kind of sample, and which there are.
type Cell struct {
	CertainF, CertainG bool  // the entropy of the softmax is below the threshold
	Agree              bool  // f and g say the same class
	Right              bool  // f says the label's
	Samples            []int // indices, rising
}

// Certainty sorts samples by whether f and g are certain, agree, and f is right: 16 cells, those
// where f and g disagree first. What g says of a sample on which they disagree is no
// interpretation of f, and where both are certain it deserves a look. certainF and certainG are
// thresholds of the entropy in nats, above 0; see CertainF and CertainG.
func (e Evaluation) Certainty(certainF, certainG float64) ([]Cell, error) {
	if !(certainF > 0) || !(certainG > 0) {
		return nil, fmt.Errorf("flint.Evaluation.Certainty(%v, %v): thresholds must be above 0: %w", certainF, certainG, xai.ErrShape)
	}
	cells := make([]Cell, 16)
	for i := range cells {
		cells[i] = Cell{Agree: i&8 != 0, CertainF: i&4 == 0, CertainG: i&2 == 0, Right: i&1 == 0}
	}
	for i, label := range e.Set.Labels {
		at := 0
		for bit, no := range []bool{
			e.Predicted[i] != label, !(entropy(e.G.RawRowView(i)) < certainG), !(entropy(e.F.RawRowView(i)) < certainF), e.Predicted[i] == e.Interpreted[i],
		} {
			if no {
				at |= 1 << bit
			}
		}
		cells[at].Samples = append(cells[at].Samples, i)
	}
	return cells, nil
}

// softmax returns the probabilities of a row of scores.
func softmax(scores []float64) []float64 {
	p := make([]float64, len(scores))
	lse := floats.LogSumExp(scores)
	for c, v := range scores {
		p[c] = math.Exp(v - lse)
	}
	return p
}

// entropy of the softmax of a row of scores, in nats.
func entropy(scores []float64) (e float64) {
	lse := floats.LogSumExp(scores)
	for _, v := range scores {
		e -= math.Exp(v-lse) * (v - lse)
	}
	return e
}
