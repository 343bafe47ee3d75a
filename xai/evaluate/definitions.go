package evaluate

import (
	"fmt"
	"io"
	"math"
	"reflect"
	"strconv"
	"strings"
)

//go:generate go test . -run Definitions -regen

// Metrics returns the zero value of every metric of this package, in the order of their
// subjects. Some need a field to be set before they measure.
func Metrics() []Metric {
	return []Metric{
		Completeness{}, Infidelity{}, FaithfulnessCorrelation{}, SensitivityN{},
		Deletion{}, Insertion{}, PixelFlipping{}, BetweenCurves{}, ROAD{},
		MPRT{}, EfficientMPRT{}, LabelRandomisation{}, RandomLogit{},
		MaxSensitivity{}, AvgSensitivity{}, LocalLipschitz{},
		RelativeInputStability{}, RelativeOutputStability{}, RelativeRepresentationStability{},
		PointingGame{}, RelevanceMass{}, RelevanceRank{}, LocalisationAUC{},
		Specificity{}, EnergyShare{}, CausalSpecificity{},
		Sparseness{}, Entropy{}, EffectiveComplexity{},
		FeatureAgreement{}, RankAgreement{}, SignAgreement{}, SignedRankAgreement{},
		RankCorrelation{}, PairwiseRankAgreement{},
	}
}

// WriteDefinitions writes the definition cards of metrics as Markdown. The page
// docs/methods/metrics.md is that of Metrics(); a test compares the two, and
//
//	go test ./xai/evaluate -run Definitions -regen
//
// writes it anew.
func WriteDefinitions(w io.Writer, metrics ...Metric) error {
	var b strings.Builder
	b.WriteString(`# Metrics

What the metrics of xai/evaluate mean. This page is made from their definition cards: edit
those, then run ` + "`go test ./xai/evaluate -run Definitions -regen`" + `.

Notation: f is the score that the map explains, x the input of d values, x' a baseline, phi
the map, phi~ the map of a changed model, M a mask of the truth. Pixels are ranked by the
sum of phi over their channels.

Better says which values speak for a map. No number does so alone: compare with the
reference attributors (random, constant, edges of the input), which Compare always adds.

| metric | type | range | better |
|---|---|---|---|
`)
	for _, m := range metrics {
		c := m.Card()
		fmt.Fprintf(&b, "| [%s](#%s) | `%s` | %s to %s | %s |\n", c.Name, anchor(c.Name), typeName(m), bound(c.Low), bound(c.High), c.Better)
	}
	for _, m := range metrics {
		c := m.Card()
		fmt.Fprintf(&b, "\n## %s\n\n", c.Name)
		fmt.Fprintf(&b, "`%s`, %s to %s, %s is better. %s.\n\n", typeName(m), bound(c.Low), bound(c.High), c.Better, c.Source)
		fmt.Fprintf(&b, "    %s\n\n", c.Formula)
		fmt.Fprintf(&b, "- Misleads: %s\n- Known values: %s\n", c.Fails, c.Oracle)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func typeName(m Metric) string {
	t := reflect.TypeOf(m)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.String()
}

func bound(v float64) string {
	switch {
	case math.IsInf(v, 1):
		return "∞"
	case math.IsInf(v, -1):
		return "−∞"
	}
	return strings.Replace(strconv.FormatFloat(v, 'g', -1, 64), "-", "−", 1)
}

// anchor returns the name of a heading in a link, as GitHub makes it.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-':
			return r
		}
		return -1
	}, strings.ToLower(heading))
}
