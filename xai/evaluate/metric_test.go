package evaluate

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/saliency"
)

// all returns every metric, for a map of an image of d pixels made by the gradient.
func all(truth []float64) []Metric {
	of := saliency.Gradient{}
	return []Metric{
		Sparseness{}, Entropy{}, EffectiveComplexity{}, Completeness{}, Deletion{}, Insertion{}, PixelFlipping{}, BetweenCurves{},
		ROAD{}, Infidelity{}, Infidelity{Normalised: true}, FaithfulnessCorrelation{}, SensitivityN{},
		PointingGame{}, RelevanceMass{}, RelevanceRank{}, LocalisationAUC{}, Specificity{}, EnergyShare{}, CausalSpecificity{},
		LabelRandomisation{Of: of, Control: linear(random(9, 24)...), Similarity: SSIM},
		MaxSensitivity{Of: of}, AvgSensitivity{Of: of}, LocalLipschitz{Of: of}, RelativeInputStability{Of: of}, RelativeOutputStability{Of: of},
		FeatureAgreement{Truth: truth}, RankAgreement{Truth: truth}, SignAgreement{Truth: truth}, SignedRankAgreement{Truth: truth},
		RankCorrelation{Truth: truth}, PairwiseRankAgreement{Truth: truth},
	}
}

// TestEveryMetric: the value lies in the card's range, a second call gives the same bytes,
// the map is not changed, and the names are distinct.
func TestEveryMetric(t *testing.T) {
	x := random(1, 24)
	f := bowl(24, 2)
	m := mapOf(shape(2, 3, 4), x, f.grad(x, 0))
	m.Sample.Mask = make([]bool, 12)
	m.Sample.Mask[3], m.Sample.Mask[8] = true, true
	values := slices.Clone(m.Values)
	names := map[string]bool{}
	for _, metric := range all(random(2, 24)) {
		card := metric.Card()
		if card.Name == "" || names[card.Name] || card.Low >= card.High {
			t.Errorf("%T: card %+v", metric, card)
		}
		names[card.Name] = true
		a, err := metric.Measure(ctx, f, m)
		b, err2 := metric.Measure(ctx, f, m)
		if err != nil || err2 != nil || a != b || !(card.Low <= a && a <= card.High) {
			t.Errorf("%s: %v, again %v, range %v to %v (%v, %v)", card.Name, a, b, card.Low, card.High, err, err2)
		}
		if !slices.Equal(m.Values, values) || !slices.Equal(m.Sample.X, x) {
			t.Fatalf("%s changed the map or its sample", card.Name)
		}
	}
}

// TestScaleInvariance: what ranks or normalises does not see the scale of a map.
func TestScaleInvariance(t *testing.T) {
	f, x := wavy(24), random(3, 24)
	m := mapOf(shape(2, 3, 4), x, random(4, 24))
	m.Sample.Mask = make([]bool, 12)
	m.Sample.Mask[3], m.Sample.Mask[8] = true, true
	scales := map[reflect.Type]bool{} // these have the unit of the map, or re-explain
	for _, metric := range []Metric{EffectiveComplexity{}, Completeness{}, Infidelity{}, MaxSensitivity{}, AvgSensitivity{}, LocalLipschitz{}, RelativeInputStability{}, RelativeOutputStability{}} {
		scales[reflect.TypeOf(metric)] = true
	}
	for _, metric := range all(random(2, 24)) {
		if scales[reflect.TypeOf(metric)] {
			continue
		}
		want, err := metric.Measure(ctx, f, m)
		if err != nil {
			t.Errorf("%T: %v", metric, err)
		}
		measures(t, metric, f, scaled(m, 0.125), want, 1e-12)
	}
}

func TestProgressIsReported(t *testing.T) {
	f, m := oracle()
	last := progress.Event{}
	watched := progress.WithReporter(ctx, func(e progress.Event) { last = e })
	if _, err := (Deletion{}).Measure(watched, f, m); err != nil || last.Task != "Deletion AUC" || last.Done != 5 || last.Total != 5 {
		t.Errorf("last event %+v, %v", last, err)
	}
}

// A linear model with the weights 4, 3, 2, 1: the map of its contributions loses the score
// as fast as any map can.
func ExampleDeletion() {
	model, m := oracle()
	deletion, err := Deletion{}.Measure(context.Background(), model, m)
	if err != nil {
		fmt.Println(err)
		return
	}
	card := Deletion{}.Card()
	fmt.Printf("%s: %.2f (%s is better)\n", card.Name, deletion, card.Better)
	// Output: Deletion AUC: 3.75 (lower is better)
}
