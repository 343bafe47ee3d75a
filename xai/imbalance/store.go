package imbalance

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/internal/store"
	"gonum.org/v1/gonum/mat"
)

// ErrFormat is matched by errors about a file that is not a whole analysis.
var ErrFormat = store.ErrFormat

// format is raised with every change of what is written.
const format = "whybook.imbalance/1"

// storedMembers are Members with their matrix and set as texts.
type storedMembers struct {
	Name              string
	Classes           []string
	Labels, Predicted []int
	Rows, Width       int
	Features          []float64
	Set               string // as datasets writes it, in base64
}

// stored is an Analysis as it is written.
type stored struct {
	Train, HeldOut                storedMembers
	K                             int
	Typing                        Typing
	Layer                         string
	Index, HeldOutIndex           []int
	Archetypes, HeldOutArchetypes []Archetype
	Recall                        []float64
	Colours                       *Bands
	Provenance                    Provenance
}

func storeMembers(m Members) (storedMembers, error) {
	s := storedMembers{Name: m.Name, Classes: m.Classes, Labels: m.Labels, Predicted: m.Predicted}
	if m.Features != nil {
		s.Rows, s.Width = m.Features.Dims()
		s.Features = make([]float64, 0, s.Rows*s.Width)
		for i := range s.Rows {
			s.Features = append(s.Features, m.Features.RawRowView(i)...)
		}
	}
	if m.Set.Len() > 0 {
		var text strings.Builder
		w := base64.NewEncoder(base64.StdEncoding, &text)
		if err := datasets.From(m.Set).Save(w, m.Set); err != nil {
			return s, err
		}
		if err := w.Close(); err != nil {
			return s, err
		}
		s.Set = text.String()
	}
	return s, nil
}

func (s storedMembers) members() (Members, error) {
	m := Members{Name: s.Name, Classes: s.Classes, Labels: s.Labels, Predicted: s.Predicted}
	if len(s.Features) > 0 {
		if s.Rows < 1 || s.Width < 1 || len(s.Features)%s.Rows != 0 || len(s.Features)/s.Rows != s.Width {
			return m, fmt.Errorf("%d features of %d x %d: %w", len(s.Features), s.Rows, s.Width, ErrFormat)
		}
		m.Features = mat.NewDense(s.Rows, s.Width, s.Features)
	}
	if s.Set != "" {
		data, err := base64.StdEncoding.DecodeString(s.Set)
		if err != nil {
			return m, fmt.Errorf("set: %w: %w", err, ErrFormat)
		}
		if m.Set, err = (datasets.Recipe{}).Load(bytes.NewReader(data)); err != nil {
			return m, fmt.Errorf("set: %w: %w", err, ErrFormat)
		}
	}
	return m, nil
}

// Save writes an analysis, made by the recipe, as JSON with a checksum.
func (r Recipe) Save(w io.Writer, a Analysis) error { return a.Save(w) }

// Load reads an analysis that Save wrote. Whatever Save did not write is an error that
// matches ErrFormat.
func (r Recipe) Load(rd io.Reader) (Analysis, error) { return Load(rd) }

// Save writes the analysis as JSON with a checksum: numbers bit by bit, with the samples.
func (a Analysis) Save(w io.Writer) error {
	s := stored{
		K: a.K, Typing: a.Typing, Layer: a.Layer, Index: a.Near.Index, HeldOutIndex: a.HeldOutNear.Index, Archetypes: a.Archetypes,
		HeldOutArchetypes: a.HeldOutArchetypes, Recall: a.Recall, Colours: a.Colours, Provenance: a.Provenance,
	}
	var err error
	if s.Train, err = storeMembers(a.Train); err == nil {
		s.HeldOut, err = storeMembers(a.HeldOut)
	}
	if err != nil {
		return fmt.Errorf("imbalance.Analysis.Save: %w", err)
	}
	return store.Write(w, format, s)
}

// Load reads an analysis that Save wrote. Whatever Save did not write is an error that
// matches ErrFormat.
func Load(rd io.Reader) (Analysis, error) {
	var s stored
	if err := store.Read(rd, format, &s); err != nil {
		return Analysis{}, fmt.Errorf("imbalance.Load: %w", err)
	}
	a, err := s.analysis()
	if err != nil {
		return Analysis{}, fmt.Errorf("imbalance.Load: %w: %w", err, ErrFormat)
	}
	return a, nil
}

// analysis checks what was read and looks the labels of the neighbours up.
func (s stored) analysis() (Analysis, error) {
	a := Analysis{
		K: s.K, Typing: s.Typing, Layer: s.Layer, Archetypes: s.Archetypes, HeldOutArchetypes: s.HeldOutArchetypes,
		Recall: s.Recall, Colours: s.Colours, Provenance: s.Provenance,
	}
	var err error
	if a.Train, err = s.Train.members(); err != nil {
		return a, err
	}
	if a.HeldOut, err = s.HeldOut.members(); err != nil {
		return a, err
	}
	if a.Train, err = a.Train.checked("training members"); err != nil {
		return a, err
	}
	if a.Near, err = FromLists(a.Train.Classes, a.Train.Labels, s.K, s.Index); err != nil {
		return a, err
	}
	if err := checkArchetypes("training members", a.Archetypes, a.Train.Len()); err != nil {
		return a, err
	}
	if err := a.Colours.check(); err != nil {
		return a, err
	}
	if a.Recall != nil && len(a.Recall) != len(a.Train.Classes) {
		return a, errSizes("recall", len(a.Recall), len(a.Train.Classes))
	}
	if a.HeldOut.Len() == 0 {
		return a, nil
	}
	if a.HeldOut, err = a.HeldOut.checked("held-out members"); err != nil {
		return a, err
	}
	for at, j := range s.HeldOutIndex {
		if j < 0 || j >= a.Train.Len() {
			return a, fmt.Errorf("neighbour %d of the held-out members is %d of %d", at, j, a.Train.Len())
		}
	}
	a.HeldOutNear = neighborhood(a.Train.Classes, a.HeldOut.Labels, a.Train.Labels, s.K, s.HeldOutIndex)
	a.HeldOutNear.Train = &a.Near
	if err := a.HeldOutNear.check("held-out members"); err != nil {
		return a, err
	}
	return a, checkArchetypes("held-out members", a.HeldOutArchetypes, a.HeldOut.Len())
}

// check reports histograms that are not those of the bins.
func (b *Bands) check() error {
	if b == nil {
		return nil
	}
	if b.Bins != Hue && b.Bins != Published {
		return fmt.Errorf("colours in bins of %v", b.Bins)
	}
	n := len(b.Bins.bins())
	for _, g := range b.Groups {
		for _, h := range []Histogram{g.Salient, g.All} {
			if len(h.Count) != n || len(h.Sum) != n {
				return fmt.Errorf("colours of %s: %d counts for %d bins", g.Name(), len(h.Count), n)
			}
		}
	}
	return nil
}
