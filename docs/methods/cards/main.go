// Cards writes docs/methods/saliency.md: a card for every method of xai/saliency, after
// Boggust, Suresh, Strobelt, Guttag and Satyanarayan, Saliency cards (FAccT 2023,
// arXiv:2206.02958). What a card says of a method comes from its source and its Traits, and
// the numbers are measured while it runs, on the reference models:
//
//	go run ./docs/methods/cards > docs/methods/saliency.md
//
// It takes some minutes. Nothing of the page is written by hand.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/evaluate"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, "xai/saliency"); err != nil {
		fmt.Fprintln(os.Stderr, "cards:", err)
		os.Exit(1)
	}
}

// samples is how many test digits the numbers are means over.
const samples = 30

// cards are the methods, each with a setting that suits the reference model, and the name
// of its type in the source.
func cards() []saliency.Described {
	return []saliency.Described{
		saliency.Gradient{}, saliency.InputGradient{}, saliency.Smooth{},
		saliency.IntegratedGradients{}, saliency.AdaptiveIntegratedGradients{Tolerance: 1e-4}, saliency.ExpectedGradients{},
		saliency.GuidedBackprop{}, saliency.Deconvnet{}, saliency.GradCAM{Layer: "relu2"}, saliency.GuidedGradCAM{Layer: "relu2"}, saliency.LRP{},
		saliency.Occlusion{}, saliency.RISE{}, saliency.Shapley{}, saliency.LIME{},
		saliency.GradientFlow{}, saliency.Boundary{}, saliency.FiniteDifference{},
	}
}

// reference is a model with the samples to measure on.
type reference struct {
	net *nn.Net
	set datasets.Set
}

// train fits the LeNet of the notebooks to a training set and keeps some of a test set.
func train(ctx context.Context, from, test datasets.Source, epochs int) (r reference, err error) {
	set, err := from.Build(ctx)
	if err != nil {
		return r, err
	}
	if r.set, err = test.Build(ctx); err != nil {
		return r, err
	}
	r.net, err = nn.LeNet(set.Shape, 10).Fit(set, nn.Training{Epochs: epochs, Seed: 7}).Build(ctx)
	return r, err
}

func run(ctx context.Context, w io.Writer, folder string) error {
	docs, err := read(folder)
	if err != nil {
		return err
	}
	digits, err := train(ctx, datasets.MNIST().Train(), datasets.MNIST().Test().Take(samples).Seed(3), 5)
	if err != nil {
		return err
	}
	tagged, err := train(ctx, datasets.MNIST().Train().ShuffleLabels().Tagged(datasets.Tag{}), datasets.MNIST().Test().Take(samples).ShuffleLabels().Tagged(datasets.Tag{}), 3)
	if err != nil {
		return err
	}
	var baselines [][]float64
	for i := range 20 {
		baselines = append(baselines, digits.set.At(i).X)
	}
	var methods []saliency.Method
	for _, m := range cards() {
		if _, expected := m.(saliency.ExpectedGradients); expected {
			m = saliency.ExpectedGradients{Baselines: baselines}
		}
		methods = append(methods, m)
	}
	fmt.Fprintln(os.Stderr, "measuring on digits")
	grid, err := evaluate.Compare(digits.net, digits.set).Methods(methods...).
		Metrics(evaluate.Deletion{}, evaluate.Insertion{}, evaluate.MPRT{Similarity: evaluate.SSIM}, evaluate.MaxSensitivity{}).Run(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stderr, "measuring on tagged digits")
	var without []saliency.Method // that of grey baselines does not fit coloured images
	for _, m := range methods {
		if _, expected := m.(saliency.ExpectedGradients); !expected {
			without = append(without, m)
		}
	}
	planted, err := evaluate.Compare(tagged.net, tagged.set).Methods(without...).Metrics(evaluate.PointingGame{Exact: true}).Run(ctx)
	if err != nil {
		return err
	}
	numbers := append(grid.Summaries(), planted.Summaries()...)

	var b strings.Builder
	b.WriteString(head)
	summary(&b, numbers)
	for i, m := range cards() {
		own, err := measure(ctx, digits, methods[i])
		if err != nil {
			return fmt.Errorf("%T: %w", m, err)
		}
		card(&b, m, docs[typeName(m)], own)
	}
	_, err = io.WriteString(w, b.String())
	return err
}

const head = `# Methods of saliency

A card for every method of xai/saliency, after Boggust et al., Saliency cards (FAccT 2023). What a method does and what its
settings are comes from its source, what it promises is held to by xai/xaitest, and the numbers are measured. Nothing here is
written by hand:

    go run ./docs/methods/cards > docs/methods/saliency.md

The numbers are means over 30 test digits [with 95 % bootstrap intervals] for the LeNet of the notebooks (5 epochs on the 5,000
embedded digits), and for the pointing game a LeNet that reads a coloured tag and nothing else (labels dealt out at random).
Scores are logits. What the metrics mean and when they mislead: [metrics.md](metrics.md). Random, Constant and Sobel (the edges of
the image) know nothing of the model: what does not differ from them has shown nothing.

`

// summary writes one row for each method and reference.
func summary(b *strings.Builder, numbers []evaluate.Summary) {
	questions := []string{"Deletion AUC", "Insertion AUC", "MPRT", "Max-sensitivity", "Pointing game"}
	arrows := map[evaluate.Direction]string{evaluate.Lower: " ↓", evaluate.Higher: " ↑"}
	cells, order := map[string]map[string]string{}, []string(nil)
	heads := map[string]string{}
	for _, s := range numbers {
		name, metric := s.Attributor.Name, s.Question.Card.Name
		if name == "Oracle" {
			continue
		}
		if s.Attributor.Reference {
			name = "*" + name + "*"
		}
		if cells[name] == nil {
			cells[name] = map[string]string{}
			order = append(order, name)
		}
		heads[metric] = metric + arrows[s.Question.Card.Better]
		text := "–"
		if s.N > 0 {
			text = fmt.Sprintf("%.2f [%.2f, %.2f]", s.Mean, s.Low, s.High)
		}
		if s.Missing > 0 && s.N > 0 {
			text += fmt.Sprintf(" (%d of %d)", s.N, s.N+s.Missing)
		}
		cells[name][metric] = text
	}
	b.WriteString("| method |")
	for _, q := range questions {
		fmt.Fprintf(b, " %s |", heads[q])
	}
	b.WriteString("\n|---|" + strings.Repeat("---|", len(questions)) + "\n")
	for _, name := range order {
		fmt.Fprintf(b, "| %s |", name)
		for _, q := range questions {
			text := cells[name][q]
			if text == "" {
				text = "not asked"
			}
			fmt.Fprintf(b, " %s |", text)
		}
		b.WriteString("\n")
	}
	b.WriteString("\nMPRT compares by SSIM, cascading from the top. An insertion or deletion AUC is in units of the score.\n")
}

// own is what is measured of a method by itself.
type own struct {
	passes     int
	took       time.Duration // of one digit
	complete   float64       // median relative completeness error; -1 where it is not defined
	repeatable float64       // Spearman's correlation of two seeds; -2 for a method without
}

func measure(ctx context.Context, r reference, m saliency.Method) (own, error) {
	o := own{complete: -1, repeatable: -2}
	x := r.set.Batch(nil, nil)
	targets, err := r.net.Predict(ctx, x)
	if err != nil {
		return o, err
	}
	in := saliency.Batch{X: x, Shape: r.set.Shape, Targets: targets, High: 1}
	maps := func(m saliency.Method) (*mat.Dense, saliency.Report, error) {
		n, d := x.Dims()
		dst := mat.NewDense(n, d, nil)
		report, err := m.Attribute(ctx, r.net, dst, in)
		return dst, report, err
	}
	first, report, err := maps(m)
	if err != nil {
		return o, err
	}
	one := in
	one.X, one.Targets = x.Slice(0, 1, 0, r.set.Shape.Size()).(*mat.Dense), targets[:1]
	dst := mat.NewDense(1, r.set.Shape.Size(), nil)
	best := time.Duration(1<<63 - 1)
	for range 3 {
		start := time.Now()
		if _, err := m.Attribute(ctx, r.net, dst, one); err != nil {
			return o, err
		}
		best = min(best, time.Since(start))
	}
	o.passes, o.took = report.Passes, best
	if len(report.Completeness) > 0 {
		var errs []float64
		for _, c := range report.Completeness {
			errs = append(errs, c.Relative())
		}
		o.complete = median(errs)
	}
	if other, ok := reseeded(m); ok {
		second, _, err := maps(other)
		if err != nil {
			return o, err
		}
		var list []float64
		for i := range samples {
			list = append(list, stat.Correlation(ranks(first.RawRowView(i)), ranks(second.RawRowView(i)), nil))
		}
		o.repeatable = stat.Mean(list, nil)
	}
	return o, nil
}

// card writes the section of one method.
func card(b *strings.Builder, m saliency.Described, d doc, o own) {
	title, code := saliency.Describe(m)
	t := m.Traits()
	fmt.Fprintf(b, "\n## %s\n\n%s\n", title, d.text)
	if len(d.fields) > 0 {
		b.WriteString("\n| setting | type | meaning |\n|---|---|---|\n")
		for _, f := range d.fields {
			fmt.Fprintf(b, "| `%s` | `%s` | %s |\n", f.name, strings.ReplaceAll(f.kind, "|", "\\|"), f.text)
		}
	}
	sign := "no"
	if m.Signed() {
		sign = "yes, for and against the target"
	}
	fmt.Fprintf(b, "\n- **A value means**: %v. Signed: %s.\n", t.Meaning, sign)
	fmt.Fprintf(b, "- **Needs of the model**: %v.\n", t.Needs)
	fmt.Fprintf(b, "- **Deterministic**: the same call gives the same bytes; %s.\n", map[bool]string{
		true: "it draws random numbers from a seed of its own", false: "nothing is drawn"}[t.Stochastic])
	fmt.Fprintf(b, "- **Axioms**: %s.\n", axioms(t))
	fmt.Fprintf(b, "- **Cost** (`%s`): %d passes for a 28x28 digit, %s.\n", code, o.passes, duration(o.took))
	if o.complete >= 0 {
		fmt.Fprintf(b, "- **Completeness**: median relative error %.1e over %d digits, in float32.\n", o.complete, samples)
	}
	if o.repeatable > -2 {
		fmt.Fprintf(b, "- **Repeatability**: Spearman's correlation of the maps of two seeds %.3f, mean of %d digits.\n", o.repeatable, samples)
	}
}

func axioms(t saliency.Traits) string {
	var yes, no []string
	for _, a := range []struct {
		name string
		has  bool
	}{{"complete", t.Complete}, {"independent of how the network computes its function", t.Invariant}, {"nothing for unused pixels", t.Dummy},
		{"symmetric", t.Symmetric}, {"additive in the model", t.Additive}} {
		if a.has {
			yes = append(yes, a.name)
		} else {
			no = append(no, a.name)
		}
	}
	text := "none of those asked"
	if len(yes) > 0 {
		text = strings.Join(yes, ", ")
	}
	if len(no) > 0 {
		text += "; not: " + strings.Join(no, ", ")
	}
	return text
}

func duration(d time.Duration) string {
	return fmt.Sprintf("%.2g ms on two processors", float64(d.Microseconds())/1000)
}
