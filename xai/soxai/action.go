package soxai

import (
	"fmt"
	"math"
	"slices"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/seed"
)

// Action is what is done to a training set about a concept: Mask, Drop, Downweight or Swap.
type Action interface {
	// apply changes the set, of which it owns the slices.
	apply(set datasets.Set, s Sightings, sd uint64) datasets.Set
	// moves says whether the action is about pixels, so that its control takes other pixels of
	// the same images; else it is about images, and the control takes others.
	moves() bool
	check() error
	String() string
}

// Mask fills the regions of the concept (action A). Its control fills regions of the same forms
// elsewhere in the same images.
type Mask struct {
	Fill Fill
	Grow int // pixels by which regions are widened first; default 1, -1 for none
}

// String names the action.
func (m Mask) String() string { return "mask" }

func (m Mask) moves() bool { return true }

func (m Mask) check() error {
	if m.Grow < -1 {
		return fmt.Errorf("field Grow is %d; need pixels, 0 for the default or -1 for none", m.Grow)
	}
	return m.Fill.check()
}

func (m Mask) apply(set datasets.Set, s Sightings, _ uint64) datasets.Set {
	grow := m.Grow
	if grow == 0 {
		grow = 1
	}
	c := newCanvas(set, m.Fill)
	d, hw := set.Shape.Size(), set.Shape.Height*set.Shape.Width
	for i, areas := range s.byImage() {
		// The regions of an image are filled together: one must not be continued into another.
		mask := make([]bool, hw)
		for _, a := range areas {
			for _, p := range a.grown(grow, set.Shape.Height, set.Shape.Width).Pixels() {
				mask[p] = true
			}
		}
		x := set.Batch(nil, []int{i}).RawRowView(0)
		c.paint(x, areaOfMask(mask))
		for j, v := range x {
			set.Pixels[i*d+j] = uint8(math.Round(255 * v))
		}
	}
	return set
}

// byImage returns the areas of each image.
func (s Sightings) byImage() map[int][]Area {
	m := map[int][]Area{}
	for _, one := range s.List {
		m[one.Image] = append(m[one.Image], one.Area)
	}
	return m
}

// Drop leaves the images out that show the concept (action B). Its control leaves out as many
// others of the same classes, as far as there are.
type Drop struct{}

// String names the action.
func (Drop) String() string { return "drop" }

func (Drop) moves() bool  { return false }
func (Drop) check() error { return nil }

func (Drop) apply(set datasets.Set, s Sightings, _ uint64) datasets.Set {
	out := map[int]bool{}
	for _, i := range s.Images() {
		out[i] = true
	}
	return keep(set, func(i int) bool { return !out[i] })
}

// Downweight gives the images that show the concept a smaller weight (action C). Since a data
// set has no weights, each stays with the probability Weight, which has the same mean. The
// control does so to as many other images of the same classes, as far as there are.
type Downweight struct {
	Weight float64 // in (0,1); default 0.1
}

// String names the action.
func (Downweight) String() string { return "down-weight" }

func (Downweight) moves() bool { return false }

func (w Downweight) check() error {
	if !(w.Weight >= 0 && w.Weight < 1) {
		return fmt.Errorf("field Weight is %v; need a number in (0,1), or 0 for the default", w.Weight)
	}
	return nil
}

func (w Downweight) apply(set datasets.Set, s Sightings, sd uint64) datasets.Set {
	weight := w.Weight
	if weight == 0 {
		weight = 0.1
	}
	rng, out := seed.Stream(sd, "down-weight"), map[int]bool{}
	for _, i := range s.Images() {
		out[i] = rng.Float64() >= weight
	}
	return keep(set, func(i int) bool { return !out[i] })
}

// Swap adds images in which the concept's region changes places with the same pixels of an
// image of another class (action D): two for each region, one of either class, so that the
// concept no longer tells the class. Its control swaps regions of the same forms elsewhere.
type Swap struct {
	Copies int // pairs for each region; default 1
}

// String names the action.
func (Swap) String() string { return "swap" }

func (Swap) moves() bool { return true }

func (w Swap) check() error {
	if w.Copies < 0 {
		return fmt.Errorf("field Copies is %d; need at least 1, or 0 for the default", w.Copies)
	}
	return nil
}

func (w Swap) apply(set datasets.Set, s Sightings, sd uint64) datasets.Set {
	rng, d, hw := seed.Stream(sd, "swap"), set.Shape.Size(), set.Shape.Height*set.Shape.Width
	n := set.Len()
	for _, one := range s.List {
		var others []int
		for i, y := range set.Labels[:n] {
			if y != set.Labels[one.Image] {
				others = append(others, i)
			}
		}
		if len(others) == 0 { // a single class: nothing to swap with
			continue
		}
		for range max(1, w.Copies) {
			pair := [2]int{one.Image, others[rng.IntN(len(others))]}
			for side, i := range pair {
				other := pair[1-side]
				at := len(set.Pixels)
				set.Pixels = append(set.Pixels, set.Pixels[i*d:(i+1)*d]...)
				for _, p := range one.Area.Pixels() {
					for ch := range set.Shape.Channels {
						set.Pixels[at+ch*hw+p] = set.Pixels[other*d+ch*hw+p]
					}
				}
				if set.Masks != nil {
					at := len(set.Masks)
					set.Masks = append(set.Masks, set.Masks[i*hw:(i+1)*hw]...)
					for _, p := range one.Area.Pixels() {
						set.Masks[at+p] = set.Masks[other*hw+p]
					}
				}
				set.Labels = append(set.Labels, set.Labels[i])
			}
		}
	}
	return set
}

// keep leaves images out.
func keep(set datasets.Set, in func(i int) bool) datasets.Set {
	d, hw := set.Shape.Size(), set.Shape.Height*set.Shape.Width
	out := set
	out.Labels, out.Pixels = nil, nil
	if set.Masks != nil {
		out.Masks = nil
	}
	for i, y := range set.Labels {
		if !in(i) {
			continue
		}
		out.Labels, out.Pixels = append(out.Labels, y), append(out.Pixels, set.Pixels[i*d:(i+1)*d]...)
		if set.Masks != nil {
			out.Masks = append(out.Masks, set.Masks[i*hw:(i+1)*hw]...)
		}
	}
	return out
}

// Apply returns the set of the sightings after an action. Sightings of another set are an error
// that matches [ErrOtherSet]; an action that would leave a class without images is one that
// matches [datasets.ErrEmptyClass]. seed is for what the action draws.
func (s Sightings) Apply(set datasets.Set, action Action, seed uint64) (datasets.Set, error) {
	if isNil(action) {
		return datasets.Set{}, fmt.Errorf("soxai.Sightings.Apply(nil): need Mask, Drop, Downweight or Swap")
	}
	step := fmt.Sprintf("soxai.Sightings.Apply(%#v)", action)
	if err := action.check(); err != nil {
		return datasets.Set{}, fmt.Errorf("%s: %w", step, err)
	}
	if err := s.check(set); err != nil {
		return datasets.Set{}, fmt.Errorf("%s: %w", step, err)
	}
	if set.Pixels == nil {
		return datasets.Set{}, fmt.Errorf("%s: the set %q is a table; need images", step, set.Name)
	}
	own := set
	own.Labels, own.Pixels, own.Masks = slices.Clone(set.Labels), slices.Clone(set.Pixels), slices.Clone(set.Masks)
	out := action.apply(own, s, seed)
	out.Name = set.Name + ", " + action.String()
	before, after := set.Counts(), out.Counts()
	for c := range before {
		if before[c] > 0 && after[c] == 0 {
			return datasets.Set{}, fmt.Errorf("%s: class %q would have no images left of %d; mask or swap instead: %w", step, set.Classes[c], before[c], datasets.ErrEmptyClass)
		}
	}
	return out, nil
}

// Control returns sightings of the same number and sizes that are not the concept: for an
// action on pixels the same forms at other places of the same images, drawn so that they cover
// little of the concept; for an action on images others, of the same classes as far as there are.
func (s Sightings) Control(set datasets.Set, action Action, sd uint64) (Sightings, error) {
	if err := s.check(set); err != nil {
		return Sightings{}, fmt.Errorf("soxai.Sightings.Control: %w", err)
	}
	if isNil(action) {
		return Sightings{}, fmt.Errorf("soxai.Sightings.Control: need Mask, Drop, Downweight or Swap, have nil")
	}
	out := Sightings{Set: s.Set}
	if action.moves() {
		for i, one := range s.List {
			one.Area = displaced(one.Area, set.Shape, seed.Sub(sd, "soxai", "control", i))
			out.List = append(out.List, one)
		}
		return out, nil
	}
	taken := map[int]bool{}
	for _, i := range s.Images() {
		taken[i] = true
	}
	free := seed.Stream(sd, "soxai", "control").Perm(set.Len())
	free = slices.DeleteFunc(free, func(i int) bool { return taken[i] })
	for _, i := range s.Images() {
		if len(free) == 0 {
			break
		}
		at := max(0, slices.IndexFunc(free, func(j int) bool { return set.Labels[j] == set.Labels[i] }))
		out.List = append(out.List, Sighting{Image: free[at], Area: Area{0, 1}})
		free = slices.Delete(free, at, at+1)
	}
	slices.SortFunc(out.List, func(a, b Sighting) int { return a.Image - b.Image })
	return out, nil
}
