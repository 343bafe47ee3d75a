package soxai

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/internal/store"
)

// format is raised with every change of what is written.
const format = "whybook.soxai/2"

// stored is an Atlas as it is written: the set as a text of its own.
type stored struct {
	Set   string // as datasets writes it, in base64
	Atlas Atlas  // without the set
}

// Save writes an atlas that the recipe made, for a cache, which finds it by the recipe's Key
// alone: it refuses a model without a fingerprint (xai.Named). See Atlas.Save for those.
func (r Recipe) Save(w io.Writer, a Atlas) error {
	if a.Provenance.Model == "" {
		return fmt.Errorf("soxai: save: a %T has no fingerprint to be found by in a cache; use Atlas.Save", r.model)
	}
	return a.Save(w)
}

// Load reads an atlas that the recipe made. Whatever Save did not write, or another recipe
// made, is an error that matches ErrFormat.
func (r Recipe) Load(rd io.Reader) (Atlas, error) {
	if err := r.check(); err != nil {
		return Atlas{}, err
	}
	a, err := Load(rd)
	if err != nil {
		return Atlas{}, err
	}
	if here := r.provenance(); a.Provenance != here {
		return Atlas{}, fmt.Errorf("soxai: load: the atlas is of another recipe: %+v, not %+v: %w", a.Provenance, here, ErrFormat)
	}
	return a, nil
}

// Save writes the atlas as JSON with a checksum: numbers bit by bit, with the images, names and
// judgements.
func (a Atlas) Save(w io.Writer) error {
	if err := a.check(); err != nil {
		return fmt.Errorf("soxai: save: %w", err)
	}
	var text strings.Builder
	to := base64.NewEncoder(base64.StdEncoding, &text)
	err := datasets.From(a.Set).Save(to, a.Set)
	if err == nil {
		err = to.Close()
	}
	if err == nil {
		s := stored{Set: text.String(), Atlas: a}
		s.Atlas.Set = datasets.Set{}
		err = store.Write(w, format, s)
	}
	if err != nil {
		return fmt.Errorf("soxai: save: %w", err)
	}
	return nil
}

// Load reads an atlas that Save wrote. Whatever Save did not write is an error that matches
// ErrFormat.
func Load(rd io.Reader) (Atlas, error) {
	var s stored
	if err := store.Read(rd, format, &s); err != nil {
		return Atlas{}, fmt.Errorf("soxai: load: %w", err)
	}
	data, err := base64.StdEncoding.DecodeString(s.Set)
	if err == nil {
		s.Atlas.Set, err = (datasets.Recipe{}).Load(bytes.NewReader(data))
	}
	if err == nil {
		err = s.Atlas.check()
	}
	if err != nil {
		return Atlas{}, fmt.Errorf("soxai: load: %w: %w", err, ErrFormat)
	}
	return s.Atlas, nil
}

// check says what makes an atlas unusable, whoever made it: sizes that do not agree, and
// indices that lead nowhere.
func (a Atlas) check() error {
	if _, err := a.Set.Build(context.Background()); err != nil {
		return err
	}
	n, k, images := len(a.Regions), len(a.Concepts), a.Set.Len()
	b := a.Basis
	switch {
	case a.Set.Pixels == nil:
		return fmt.Errorf("the set is a table")
	case n < 2:
		return fmt.Errorf("%d regions", n)
	case len(a.Predicted) != images || len(a.Certainty) != images:
		return fmt.Errorf("%d predictions and %d probabilities of %d images", len(a.Predicted), len(a.Certainty), images)
	case b.K < 1 || b.D < 1 || len(b.Mean) != b.D || len(b.Axes)%b.D != 0 || len(b.Axes)/b.D != b.K:
		return fmt.Errorf("%d axes of %d channels with %d and %d values", b.K, b.D, len(b.Axes), len(b.Mean))
	case len(a.Points)%n != 0 || len(a.Points)/n != b.K || len(a.Picture) != 2*n:
		return fmt.Errorf("%d coordinates and %d places of %d regions in %d components", len(a.Points), len(a.Picture), n, b.K)
	case len(a.Grouped.Labels) != n || a.Grouped.K != k || len(a.Grouped.Tried) != len(a.Grouped.Scores):
		return fmt.Errorf("%d labels of %d regions, %d groups for %d concepts", len(a.Grouped.Labels), n, a.Grouped.K, k)
	}
	for _, list := range [][]float64{b.Mean, b.Axes, a.Points, a.Picture} {
		for i, v := range list {
			if math.IsNaN(v) || math.IsInf(v, 0) {
				return fmt.Errorf("coordinate %d is %v", i, v)
			}
		}
	}
	for i, g := range a.Regions {
		if g.Image < 0 || g.Image >= images || i > 0 && g.Image < a.Regions[i-1].Image || !g.Area.valid(a.Set.Shape.Height*a.Set.Shape.Width) || g.Concept < -1 || g.Concept >= k {
			return fmt.Errorf("region %d, of image %d and concept %d, does not fit %d images and %d concepts", i, g.Image, g.Concept, images, k)
		}
	}
	names := map[string]bool{}
	for c, q := range a.Concepts {
		if names[q.Name] || q.Name == "" {
			return fmt.Errorf("concept %d has the name %q, which is empty or taken", c, q.Name)
		}
		names[q.Name] = true
		if q.Class < 0 || q.Class >= len(a.Set.Classes) || len(q.Counts) != len(a.Set.Classes) || len(q.Centroid) != b.K {
			return fmt.Errorf("concept %q has class %d of %d, %d counts and a centroid of %d values", q.Name, q.Class, len(a.Set.Classes), len(q.Counts), len(q.Centroid))
		}
		for _, i := range append(append([]int{q.Medoid}, q.Regions...), q.Nearest...) {
			if i < 0 || i >= n {
				return fmt.Errorf("concept %q has region %d of %d", q.Name, i, n)
			}
		}
	}
	return nil
}
