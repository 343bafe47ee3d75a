package soxai

import (
	"fmt"

	"github.com/whybook/whybook/datasets"
)

// Relative is what a way to look for concepts made of a set whose masks are known: which of its
// concepts lies on the masks, and how much it says that this concept matters.
type Relative struct {
	Way      string // "SOXAI"
	Unit     string // what is grouped: "regions", "heat maps", "crops"
	Concepts int

	// Concept is the one whose typical members, up to ten, overlap the masks most: its
	// number, from 0, Overlap the mean intersection over union of the members that have a mask, On
	// how many of all Typical ones cover at least half of their mask. Concept is -1 where no
	// member has a mask.
	Concept     int
	Overlap     float64
	On, Typical int

	// Importance of the concept, and its Rank by that, from 1: dP, or for CRAFT, whose concepts
	// are those of a single class, the total Sobol index. Numbers of different kinds do not
	// compare; ranks do.
	Importance float64
	Measure    string // "dP", "total Sobol index"
	Rank       int
}

// typical is a member of a concept.
type typical struct {
	image int
	area  Area
}

// Relative sums the atlas up under a name, such as "SOXAI" or "SpRAy". An error says that
// the set has no masks, or that the atlas is not whole.
func (a Atlas) Relative(way string) (Relative, error) {
	if err := a.check(); err != nil {
		return Relative{}, fmt.Errorf("soxai.Atlas.Relative: not a whole atlas: %w", err)
	}
	r := Relative{Way: way, Unit: "regions", Measure: "dP"}
	if a.Layer == "" {
		r.Unit = "heat maps"
	}
	var members [][]typical
	var importance []float64
	for _, q := range a.Concepts {
		var list []typical
		for _, i := range q.Nearest {
			list = append(list, typical{a.Regions[i].Image, a.Regions[i].Area})
		}
		members, importance = append(members, list), append(importance, q.Effect.Value)
	}
	return r.of(a.Set, members, importance)
}

// Relative sums up what CRAFT found. An error says that the set has no masks.
func (c Crafted) Relative() (Relative, error) {
	r := Relative{Way: "CRAFT, class " + c.Class, Unit: "crops", Measure: "total Sobol index"}
	var members [][]typical
	var importance []float64
	for k, one := range c.Concepts {
		var list []typical
		for _, crop := range one.Crops {
			if crop.Image < 0 || crop.Image >= c.Set.Len() || !crop.Area.valid(c.Set.Shape.Height*c.Set.Shape.Width) {
				return r, fmt.Errorf("soxai.Crafted.Relative: a crop of concept %d, of image %d, does not fit the set: %w", k, crop.Image, ErrOtherSet)
			}
			list = append(list, typical{crop.Image, crop.Area})
		}
		members, importance = append(members, list), append(importance, one.Importance)
	}
	return r.of(c.Set, members, importance)
}

// of looks for the concept on the masks.
func (r Relative) of(set datasets.Set, members [][]typical, importance []float64) (Relative, error) {
	if set.Masks == nil {
		return r, fmt.Errorf("soxai: the set %q has no masks to compare concepts with: %w", set.Name, ErrOtherSet)
	}
	hw := set.Shape.Height * set.Shape.Width
	r.Concepts, r.Concept, r.Overlap, r.Importance = len(members), -1, nan, nan
	for c, list := range members {
		sum, n, on := 0.0, 0, 0
		for _, m := range list {
			mask, marked, hit := make([]bool, hw), 0, 0
			for p, v := range set.Masks[m.image*hw : (m.image+1)*hw] {
				if v != 0 {
					mask[p] = true
					marked++
				}
			}
			if marked == 0 {
				continue
			}
			for _, p := range m.area.Pixels() {
				if mask[p] {
					hit++
				}
			}
			sum, n = sum+m.area.iou(mask), n+1
			if 2*hit >= marked {
				on++
			}
		}
		if n == 0 || r.Concept >= 0 && sum/float64(n) <= r.Overlap {
			continue
		}
		r.Concept, r.Overlap, r.On, r.Typical, r.Importance, r.Rank = c, sum/float64(n), on, len(list), importance[c], 1
		for _, v := range importance {
			if v > importance[c] {
				r.Rank++
			}
		}
	}
	return r, nil
}

// Relatives are several ways to look for concepts in the same images.
type Relatives []Relative
