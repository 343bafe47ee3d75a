package saliency

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/internal/store"
)

// ErrFormat is matched by errors about a file that is not a whole map or atlas.
var ErrFormat = errors.New("not a whole file of this kind")

// mapFormat names the form of a stored map; its number rises when older readers would
// misread it.
const mapFormat = "whybook.map/1"

// methods lists the methods of this package, which files name by type.
func methods() []Method {
	return []Method{
		Gradient{}, InputGradient{}, IntegratedGradients{}, AdaptiveIntegratedGradients{}, ExpectedGradients{},
		Smooth{}, Occlusion{}, RISE{}, LIME{}, Shapley{},
		FiniteDifference{}, GradientFlow{}, Boundary{},
		GuidedBackprop{}, Deconvnet{}, GradCAM{}, GuidedGradCAM{}, LRP{},
	}
}

// known lists every type that a stored value of this package may have behind an interface.
func known(foreign []Method) []any {
	list := []any{
		xai.Gradient{}, xai.Guided{}, xai.Deconv{}, xai.Pass{}, xai.Epsilon{}, xai.Gamma{}, xai.AlphaBeta{}, xai.ZPlus{}, xai.Flat{}, xai.Squares{}, xai.Box{},
		Margin{}, Contrast{}, Probability{}, LogProbability{}, Unit{}, Channel{},
	}
	for _, m := range append(methods(), foreign...) {
		list = append(list, m)
	}
	return list
}

// Save writes the map as JSON, with everything that Replay needs: numbers bit by bit, the
// method with its settings, the sample, and a checksum. A method with a setting that is a
// function cannot be written.
func (m Map) Save(w io.Writer) error {
	if err := m.check(); err != nil {
		return fmt.Errorf("saliency: save map: %w", err)
	}
	if err := store.Write(w, mapFormat, m); err != nil {
		return fmt.Errorf("saliency: save map of %s: %w", m.Provenance.Method, err)
	}
	return nil
}

// SaveFile is Save to a file, which appears whole or not at all.
func (m Map) SaveFile(path string) error {
	if err := store.File(path, m.Save); err != nil {
		return fmt.Errorf("saliency: %s: %w", path, err)
	}
	return nil
}

// Load reads a map that Save wrote. A method that is not of this package must be among
// foreign, of which only the types count: Load(r, evaluate.Random{}). Whatever Save did not
// write is an error that matches ErrFormat.
func Load(r io.Reader, foreign ...Method) (Map, error) {
	var m Map
	err := store.Read(r, mapFormat, &m, known(foreign)...)
	if err == nil {
		if err = m.check(); err != nil {
			err = fmt.Errorf("%w: %w", err, ErrFormat)
		}
	}
	if err != nil {
		return Map{}, fmt.Errorf("saliency: load map: %w", format(err))
	}
	return m, nil
}

// LoadFile is Load from a file.
func LoadFile(path string, foreign ...Method) (Map, error) {
	f, err := os.Open(path)
	if err != nil {
		return Map{}, fmt.Errorf("saliency: load map: %w", err)
	}
	defer f.Close() // only read
	m, err := Load(f, foreign...)
	if err != nil {
		return Map{}, fmt.Errorf("%s: %w", path, err)
	}
	return m, nil
}

// format makes the errors of the store match the package's own sentinel.
func format(err error) error {
	if errors.Is(err, store.ErrType) {
		err = fmt.Errorf("%w; a method of another package must be given when loading", err)
	}
	if errors.Is(err, store.ErrFormat) {
		return fmt.Errorf("%w: %w", ErrFormat, err)
	}
	return err
}

// check says what makes a map unusable, whoever made it.
func (m Map) check() error {
	s := m.Shape
	if err := fits(s, len(m.Values)); err != nil {
		return err
	}
	if j := indexNotFinite(m.Values); j >= 0 {
		return fmt.Errorf("value %d is %v: %w", j, m.Values[j], datasets.ErrNotFinite)
	}
	if j := indexNotFinite(m.Scores); j >= 0 {
		return fmt.Errorf("score %d is %v: %w", j, m.Scores[j], datasets.ErrNotFinite)
	}
	if err := m.Sample.Err(); err != nil {
		return err
	}
	input := m.Sample.Shape
	if m.Layer == "" && input != s {
		return fmt.Errorf("a map of shape %v for a sample of %v: %w", s, input, xai.ErrShape)
	}
	if mask := len(m.Sample.Mask); mask != 0 && mask != input.Height*input.Width {
		return fmt.Errorf("a mask of %d pixels for a sample of %v: %w", mask, input, xai.ErrShape)
	}
	if columns := len(m.Sample.Columns); columns != 0 && columns != input.Size() {
		return fmt.Errorf("%d column names for a sample of %v: %w", columns, input, xai.ErrShape)
	}
	if k := len(m.Scores); k > 0 && (m.Target < 0 || m.Target >= k) {
		return fmt.Errorf("target %d of %d scores: %w", m.Target, k, xai.ErrTarget)
	}
	return nil
}

// Build computes the map, like Explain, for a cache: kernelext.Build(recipe). A cache finds
// values by Key alone, so that Build refuses a model without a fingerprint (xai.Named), and a
// method or a scalar that cannot be written.
func (r Recipe) Build(ctx context.Context) (Map, error) {
	if err := r.check(); err != nil {
		return Map{}, err
	}
	if r.provenance().Model == "" {
		return Map{}, fmt.Errorf("saliency: a %T has no fingerprint to be found by in a cache; use Explain", r.model)
	}
	if _, err := store.Encode([]any{r.method, r.scalar}); err != nil {
		return Map{}, fmt.Errorf("saliency: the method %s or what it explains cannot be kept in a cache; use Explain: %w", name(r.method), err)
	}
	return r.Explain(ctx)
}

// Save writes a map that the recipe made.
func (r Recipe) Save(w io.Writer, m Map) error { return m.Save(w) }

// Load reads a map that the recipe made; one of another recipe is an error that matches
// ErrReplay. The verdict on the model's gradients is that of now.
func (r Recipe) Load(rd io.Reader) (Map, error) {
	if err := r.check(); err != nil {
		return Map{}, err
	}
	m, err := Load(rd, r.method)
	if err != nil {
		return Map{}, err
	}
	here := r.provenance()
	m.Provenance.Verdict = here.Verdict
	if err := differ(m.Provenance, here); err != nil {
		return Map{}, fmt.Errorf("saliency: load map: %w", err)
	}
	return m, nil
}
