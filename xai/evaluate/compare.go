package evaluate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/store"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/saliency"
)

// Comparison describes a grid of numbers: methods x metrics x samples. It is immutable: each
// step returns a changed copy.
//
//	grid, err := evaluate.Compare(net, set.Take(50)).
//		Methods(saliency.Gradient{}, saliency.IntegratedGradients{}).
//		Metrics(evaluate.Deletion{}, evaluate.MPRT{}).
//		Run(ctx)
//
// The reference attributors Random, Constant and Sobel are always there, and Oracle where
// samples have masks: without them a number says nothing.
type Comparison struct {
	model     xai.Differentiable
	data      datasets.Source
	methods   []saliency.Method
	metrics   []Metric
	seed      uint64
	resamples int
	level     float64
	labels    bool // explain each sample's label
	err       error
}

// Compare starts a comparison on every sample of data, each explained for its predicted
// class.
func Compare(model xai.Differentiable, data datasets.Source) Comparison {
	c := Comparison{model: model, data: data, resamples: 2000, level: 0.95}
	switch {
	case isNil(model):
		c.model = nil
		c.err = xai.Stepf("evaluate.Compare", "need a model, have nil")
	case isNil(data):
		c.err = xai.Stepf("evaluate.Compare", "need data, have nil")
	}
	return c
}

// isNil also sees a nil pointer inside an interface, which a failed build leaves behind.
func isNil(x any) bool {
	v := reflect.ValueOf(x)
	return !v.IsValid() || v.Kind() == reflect.Pointer && v.IsNil()
}

// Methods adds methods to compare.
func (c Comparison) Methods(methods ...saliency.Method) Comparison {
	for i, m := range methods {
		if c.err == nil && isNil(m) {
			c.err = xai.Stepf("evaluate.Compare.Methods", "method %d is nil", i)
		}
	}
	c.methods = append(slices.Clip(c.methods), methods...)
	return c
}

// Metrics adds metrics. Their fields Of may stay empty: every map of the grid holds its
// method.
func (c Comparison) Metrics(metrics ...Metric) Comparison {
	for i, m := range metrics {
		if c.err == nil && isNil(m) {
			c.err = xai.Stepf("evaluate.Compare.Metrics", "metric %d is nil", i)
		}
	}
	c.metrics = append(slices.Clip(c.metrics), metrics...)
	return c
}

// Labels explains each sample for its label instead of its predicted class: for samples whose
// mask says where the label is, or to ask about classes that are not predicted.
func (c Comparison) Labels() Comparison {
	c.labels = true
	return c
}

// Seed sets the seed of the random attributor and of the bootstrap; the default is 0. The
// seeds of methods and metrics are their own.
func (c Comparison) Seed(seed uint64) Comparison {
	c.seed = seed
	return c
}

// Bootstrap sets how many times the samples are drawn anew for the confidence intervals, at
// least 100, default 2000, and their level, default 0.95.
func (c Comparison) Bootstrap(resamples int, level float64) Comparison {
	if c.err == nil && (resamples < 100 || !(level > 0 && level < 1)) {
		c.err = xai.Stepf(fmt.Sprintf("evaluate.Compare.Bootstrap(%d, %v)", resamples, level), "need at least 100 resamples and a level between 0 and 1")
	}
	c.resamples, c.level = resamples, level
	return c
}

// check returns the first mistake of the chain.
func (c Comparison) check() error {
	switch {
	case c.err != nil:
		return c.err
	case c.model == nil:
		return errors.New("evaluate: a comparison starts with evaluate.Compare(model, data)")
	case len(c.methods) == 0:
		return xai.Stepf("evaluate.Compare", "there is no method to compare; add .Methods(saliency.Gradient{})")
	case len(c.metrics) == 0:
		return xai.Stepf("evaluate.Compare", "there is no metric; add .Metrics(evaluate.Deletion{})")
	}
	return nil
}

// gridVersion is raised with every change that alters grids.
const gridVersion = "evaluate/1"

const gridFormat = "whybook.grid/1"

// Key names everything that determines the grid.
func (c Comparison) Key() string {
	if err := c.check(); err != nil {
		return "evaluate: " + err.Error()
	}
	var methods []string
	for _, m := range c.methods {
		_, code := saliency.Describe(m)
		methods = append(methods, code)
	}
	metrics, err := store.Encode(c.metrics)
	if err != nil {
		return "evaluate: " + err.Error() // Build says so, too
	}
	target := "predicted class"
	if c.labels {
		target = "label"
	}
	return fmt.Sprintf("%s | methods %s | metrics %s | of the %s | bootstrap %d %v seed %d | model %s | data %s",
		gridVersion, strings.Join(methods, ", "), metrics, target, c.resamples, c.level, c.seed, fingerprint(c.model), c.data.Key())
}

func fingerprint(model xai.Differentiable) string {
	if named, ok := model.(xai.Named); ok {
		return named.Fingerprint()
	}
	return ""
}

// Build is Run for a cache: kernelext.Build(comparison). A cache finds values by Key alone,
// so that Build refuses a model without a fingerprint (xai.Named), and methods and metrics
// that cannot be written, such as those with functions.
func (c Comparison) Build(ctx context.Context) (Grid, error) {
	if err := c.cachable(); err != nil {
		return Grid{}, err
	}
	return c.Run(ctx)
}

// cachable says what keeps the comparison from being found again by its key.
func (c Comparison) cachable() error {
	if err := c.check(); err != nil {
		return err
	}
	if fingerprint(c.model) == "" {
		return fmt.Errorf("evaluate: a %T has no fingerprint to be found by in a cache; use Run or Curves", c.model)
	}
	if _, err := store.Encode([]any{c.methods, c.metrics}); err != nil {
		return fmt.Errorf("evaluate: the comparison cannot be kept in a cache; use Run or Curves: %w", err)
	}
	return nil
}

// Save writes a grid that the comparison made.
func (c Comparison) Save(w io.Writer, g Grid) error { return g.Save(w) }

// Load reads a grid that the comparison made.
func (c Comparison) Load(r io.Reader) (Grid, error) {
	if err := c.check(); err != nil {
		return Grid{}, err
	}
	g, err := LoadGrid(r)
	if err == nil && (g.Version != gridVersion || g.Model != fingerprint(c.model)) {
		err = fmt.Errorf("evaluate: load grid: it is of version %s and model %s, not of %s and %s: %w", g.Version, g.Model, gridVersion, fingerprint(c.model), ErrFormat)
	}
	if err != nil {
		return Grid{}, err
	}
	return g, nil
}

// attributor is a method of the grid; of is nil for the oracle, which differs by sample.
type attributor struct {
	Attributor
	of saliency.Method
}

// attributors returns the methods and the references under distinct names.
func (c Comparison) attributors(masks bool) []attributor {
	var list []attributor
	add := func(m saliency.Method, reference bool) {
		title, code := saliency.Describe(m)
		for i, other := range list {
			if other.Settings == code {
				list[i].Reference = list[i].Reference || reference
				return
			}
		}
		list = append(list, attributor{Attributor{Name: title, Settings: code, Reference: reference}, m})
	}
	for _, m := range c.methods {
		add(m, false)
	}
	for _, m := range []saliency.Method{Random{Seed: c.seed}, Constant{}, Sobel{}} {
		add(m, true)
	}
	if masks {
		list = append(list, attributor{Attributor: Attributor{Name: "Oracle", Settings: "evaluate.Oracle{Mask: of the sample}", Reference: true}})
	}
	titles := map[string]int{}
	for _, a := range list {
		titles[a.Name]++
	}
	for i, a := range list {
		if titles[a.Name] > 1 { // one method, two settings
			list[i].Name = a.Settings
		}
	}
	return list
}

// questions returns the metrics under distinct names.
func (c Comparison) questions() []Question {
	list := make([]Question, len(c.metrics))
	count := map[string]int{}
	for i, m := range c.metrics {
		list[i] = Question{Name: m.Card().Name, Card: m.Card(), Settings: typeName(m)}
		if text, err := store.Encode(m); err == nil {
			list[i].Settings += strings.ReplaceAll(string(text), `"`, "")
		}
		count[list[i].Name]++
	}
	taken := map[string]bool{}
	for i := range list {
		if count[list[i].Name] > 1 {
			settings := strings.TrimPrefix(list[i].Settings, typeName(c.metrics[i]))
			if settings = strings.Trim(settings, "{}"); settings != "" && len(settings) <= 40 {
				list[i].Name += " (" + strings.ReplaceAll(settings, ":", " ") + ")"
			}
		}
		for name, n := list[i].Name, 2; taken[list[i].Name]; n++ {
			list[i].Name = fmt.Sprintf("%s #%d", name, n)
		}
		taken[list[i].Name] = true
	}
	return list
}

// samplesAtOnce bounds the maps in memory.
const samplesAtOnce = 64

// Run computes the grid. Where a method has no map or a metric no value (ErrZero,
// ErrConstant, ErrMask, ErrMoved, saliency.ErrUndefined) the cell has a note instead; every
// other error ends the run.
func (c Comparison) Run(ctx context.Context) (Grid, error) {
	set, err := c.set(ctx)
	if err != nil {
		return Grid{}, err
	}
	attributors := c.attributors(set.Masks != nil)
	g := Grid{
		Questions: c.questions(), Cases: make([]Case, set.Len()), Seed: c.seed, Resamples: c.resamples, Level: c.level,
		Version: gridVersion, Model: fingerprint(c.model), Data: set.Fingerprint(), DataName: set.Name,
	}
	for _, a := range attributors {
		g.Attributors = append(g.Attributors, a.Attributor)
	}
	g.Cells = make([]Cell, len(attributors)*len(c.metrics)*set.Len())
	done, total := 0, len(g.Cells)
	err = c.each(ctx, set, attributors, func(ctx, quiet context.Context, a int, name string, at []int, maps []saliency.Map, notes []error) error {
		for q, metric := range c.metrics {
			values, errs, err := measure(quiet, metric, c.model, maps)
			if err != nil {
				return fmt.Errorf("evaluate: %s of %s: %w", g.Questions[q].Name, name, err)
			}
			k := 0
			for i, s := range at {
				cell := &g.Cells[g.index(a, q, s)]
				cell.Value = math.NaN()
				switch {
				case notes[i] != nil:
					cell.Note = notes[i].Error()
				case errs[k] != nil:
					cell.Note = errs[k].Error()
					k++
				default:
					cell.Value = values[k]
					k++
				}
			}
			done += len(at)
			progress.ReportDetail(ctx, "compare", done, total, name+", "+g.Questions[q].Name)
		}
		k := 0
		for i, s := range at {
			if notes[i] == nil {
				g.Cases[s] = caseOf(maps[k])
				k++
			} else if a == 0 {
				g.Cases[s] = Case{Index: set.At(s).Index, Label: set.Labels[s], Class: set.Classes[set.Labels[s]], Target: -1}
			}
		}
		return nil
	})
	if err != nil {
		return Grid{}, err
	}
	return g, nil
}

func caseOf(m saliency.Map) Case {
	return Case{Index: m.Sample.Index, Label: m.Sample.Label, Class: m.Sample.Class, Target: m.Target, TargetClass: m.ClassName(m.Target)}
}

func (c Comparison) set(ctx context.Context) (datasets.Set, error) {
	if err := c.check(); err != nil {
		return datasets.Set{}, err
	}
	set, err := c.data.Build(ctx)
	if err == nil {
		err = set.Check()
	}
	if err != nil {
		return datasets.Set{}, fmt.Errorf("evaluate: %w", err)
	}
	d, _ := c.model.Dims()
	if set.Len() == 0 || set.Shape.Size() != d {
		return datasets.Set{}, fmt.Errorf("evaluate: the set %q has %d samples of %v, the model takes %d values: %w", set.Name, set.Len(), set.Shape, d, xai.ErrShape)
	}
	return set, nil
}

// each calls use for every attributor and block of samples with the maps that there are, and
// for each sample why it has none, or nil. quiet is the context without its watcher.
func (c Comparison) each(ctx context.Context, set datasets.Set, attributors []attributor, use func(ctx, quiet context.Context, a int, name string, at []int, maps []saliency.Map, notes []error) error) error {
	quiet := progress.WithReporter(ctx, func(progress.Event) {})
	for a, attributor := range attributors {
		for from := 0; from < set.Len(); from += samplesAtOnce {
			var (
				at    []int
				maps  []saliency.Map
				notes []error
			)
			for s := from; s < min(from+samplesAtOnce, set.Len()); s++ {
				if err := ctx.Err(); err != nil {
					return fmt.Errorf("evaluate: at sample %d of %d of %s: %w", s, set.Len(), attributor.Name, err)
				}
				x, of := set.At(s), attributor.of
				if of == nil {
					of = Oracle{Mask: x.Mask}
				}
				recipe := saliency.Of(c.model, x).With(of)
				if c.labels {
					recipe = recipe.Target(x.Label)
				}
				m, err := recipe.Explain(quiet)
				if err != nil && failure(err) != nil {
					return fmt.Errorf("evaluate: sample %d of %s: %w", s, attributor.Name, err)
				}
				if at, notes = append(at, s), append(notes, err); err == nil {
					maps = append(maps, m)
				}
			}
			if err := use(ctx, quiet, a, attributor.Name, at, maps, notes); err != nil {
				return err
			}
		}
	}
	return nil
}

// measure returns the values of a metric, or why there are none.
func measure(ctx context.Context, metric Metric, f xai.Differentiable, maps []saliency.Map) ([]float64, []error, error) {
	if len(maps) == 0 {
		return nil, nil, nil
	}
	if all, ok := metric.(interface {
		measureAll(ctx context.Context, f xai.Differentiable, maps []saliency.Map) ([]float64, []error, error)
	}); ok {
		return all.measureAll(ctx, f, maps)
	}
	values, errs := make([]float64, len(maps)), make([]error, len(maps))
	for i, m := range maps {
		if values[i], errs[i] = metric.Measure(ctx, f, m); errs[i] != nil {
			if err := failure(errs[i]); err != nil {
				return nil, nil, err
			}
		} else if math.IsNaN(values[i]) || math.IsInf(values[i], 0) {
			errs[i] = fmt.Errorf("the value is %v: %w", values[i], ErrConstant)
		}
	}
	return values, errs, nil
}
