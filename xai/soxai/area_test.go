package soxai

import (
	"math"
	"slices"
	"testing"

	"github.com/whybook/whybook/datasets"
	"pgregory.net/rapid"
)

func TestCriticalIsTheSmallestSetOfItsMass(t *testing.T) {
	for _, c := range []struct {
		alpha      []float64
		mass, area float64
		want       []int
	}{
		{[]float64{1, 5, 2, 2}, 0.5, 0, []int{1}},
		{[]float64{1, 5, 2, 2}, 0.51, 0, []int{1, 2}}, // the first of two equal ones
		{[]float64{1, 5, 2, 2}, 1, 0, []int{0, 1, 2, 3}},
		{[]float64{0, 3, 0, 0}, 1, 0, []int{1}}, // never a pixel without alpha
		{[]float64{0, 3, 0, 0}, 1, 1, []int{1}},
		{[]float64{4, 3, 2, 1}, 0.5, 0.5, []int{0, 1}},
		{[]float64{4, 3, 2, 1}, 0.5, 0.01, []int{0}}, // at least one
		{[]float64{0, 0}, 0.5, 0, nil},
	} {
		if got := critical(c.alpha, c.mass, c.area); !slices.Equal(got, c.want) {
			t.Errorf("critical(%v, %v, %v) = %v, want %v", c.alpha, c.mass, c.area, got, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		alpha := rapid.SliceOfN(rapid.Float64Range(0, 1), 1, 30).Draw(t, "alpha")
		mass := rapid.Float64Range(0.05, 1).Draw(t, "mass")
		got := critical(alpha, mass, 0)
		total, in, least := 0.0, 0.0, math.Inf(1)
		for _, v := range alpha {
			total += v
		}
		for _, p := range got {
			in, least = in+alpha[p], min(least, alpha[p])
		}
		if in < mass*total*(1-1e-12) {
			t.Fatalf("%v of %v is less than %v", in, total, mass)
		}
		if len(got) > 0 && in-least >= mass*total*(1+1e-12)+1e-300 {
			t.Fatalf("without its least pixel the set still has %v of %v", in-least, total)
		}
		for p, v := range alpha {
			if !slices.Contains(got, p) && v > least {
				t.Fatalf("pixel %d with %v is left out, one with %v is in", p, v, least)
			}
		}
	})
}

// TestComponentsAgainstPaths compares with the transitive closure of touching.
func TestComponentsAgainstPaths(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, w := rapid.IntRange(1, 6).Draw(t, "h"), rapid.IntRange(1, 6).Draw(t, "w")
		mask := rapid.SliceOfN(rapid.Bool(), h*w, h*w).Draw(t, "mask")
		reach := make([][]bool, h*w)
		for p := range reach {
			reach[p] = make([]bool, h*w)
			for q := range reach {
				dy, dx := p/w-q/w, p%w-q%w
				reach[p][q] = mask[p] && mask[q] && dy*dy <= 1 && dx*dx <= 1
			}
		}
		for k := range reach {
			for p := range reach {
				for q := range reach {
					reach[p][q] = reach[p][q] || reach[p][k] && reach[k][q]
				}
			}
		}
		part := map[int]int{}
		for id, pixels := range components(areaOfMask(mask).Pixels(), h, w) {
			if !slices.IsSorted(pixels) {
				t.Fatalf("part %d is not in order: %v", id, pixels)
			}
			for _, p := range pixels {
				part[p] = id
			}
		}
		for p := range reach {
			if _, in := part[p]; in != mask[p] {
				t.Fatalf("pixel %d: in a part is %v, in the mask %v", p, in, mask[p])
			}
			for q := range reach {
				if mask[p] && mask[q] && (part[p] == part[q]) != reach[p][q] {
					t.Fatalf("pixels %d and %d: same part %v, connected %v", p, q, part[p] == part[q], reach[p][q])
				}
			}
		}
	})
}

func TestAreasAreSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, w := rapid.IntRange(1, 7).Draw(t, "h"), rapid.IntRange(1, 7).Draw(t, "w")
		mask := rapid.SliceOfN(rapid.Bool(), h*w, h*w).Draw(t, "mask")
		a := areaOfMask(mask)
		if !slices.Equal(a.Mask(h*w), mask) {
			t.Fatalf("%v is not %v", a, mask)
		}
		if a.Size() > 0 != a.valid(h*w) {
			t.Fatalf("%v: valid is %v", a, a.valid(h*w))
		}
		moved := a.shifted(rapid.IntRange(0, h-1).Draw(t, "dy"), rapid.IntRange(0, w-1).Draw(t, "dx"), h, w)
		if moved.Size() != a.Size() {
			t.Fatalf("%v moved to %v", a, moved)
		}
		r := rapid.IntRange(0, 2).Draw(t, "r")
		grown := a.grown(r, h, w).Mask(h * w)
		for p := range grown {
			near := false
			for q, in := range mask {
				dy, dx := p/w-q/w, p%w-q%w
				near = near || in && max(dy, -dy) <= r && max(dx, -dx) <= r
			}
			if near != grown[p] {
				t.Fatalf("grown by %d: pixel %d is %v", r, p, grown[p])
			}
		}
		other := rapid.SliceOfN(rapid.Bool(), h*w, h*w).Draw(t, "other")
		both, either := 0.0, 0.0
		for p := range mask {
			if mask[p] && other[p] {
				both++
			}
			if mask[p] || other[p] {
				either++
			}
		}
		if want := both / max(either, 1); a.iou(other) != want {
			t.Fatalf("overlap %v, want %v", a.iou(other), want)
		}
	})
	for _, bad := range []Area{nil, {1}, {3, 2}, {0, 2, 2, 4}, {-1, 2}, {0, 10}} {
		if bad.valid(9) {
			t.Errorf("%v is taken for an area of 9 pixels", bad)
		}
	}
}

func TestBoxBlurAgainstALoop(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h, w := rapid.IntRange(1, 8).Draw(t, "h"), rapid.IntRange(1, 8).Draw(t, "w")
		plane := rapid.SliceOfN(rapid.Float64Range(0, 1), h*w, h*w).Draw(t, "plane")
		side := rapid.SampledFrom([]int{1, 3, 5, 9}).Draw(t, "side")
		got := boxBlur(plane, h, w, side)
		for p := range plane {
			sum, n := 0.0, 0
			for q, v := range plane {
				if max(p/w-q/w, q/w-p/w) <= side/2 && max(p%w-q%w, q%w-p%w) <= side/2 {
					sum, n = sum+v, n+1
				}
			}
			if math.Abs(got[p]-sum/float64(n)) > 1e-9 {
				t.Fatalf("pixel %d: %v, want %v", p, got[p], sum/float64(n))
			}
		}
	})
	lone := make([]float64, 100)
	lone[0] = 0.3
	for p, v := range boxBlur(lone, 10, 10, 3) {
		if near := p/10 <= 1 && p%10 <= 1; (v > 0) != near {
			t.Errorf("pixel %d is %v: rounding must not make something of nothing", p, v)
		}
	}
}

func TestFills(t *testing.T) {
	shape := datasets.Shape{Channels: 2, Height: 5, Width: 5}
	set := datasets.Set{Name: "one", Shape: shape, Classes: []string{"a"}, Labels: []int{0}, Pixels: make([]uint8, 50)}
	for i := range set.Pixels {
		set.Pixels[i] = 51
		if i >= 25 {
			set.Pixels[i] = 102
		}
	}
	area := areaOf([]int{6, 7, 8, 11, 12, 13, 16, 17, 18}) // 3 x 3 in the middle
	everything := Area{0, 25}
	for _, c := range []struct {
		fill Fill
		area Area
		want [2]float64
	}{
		{Local, area, [2]float64{0.2, 0.4}}, {Mean, area, [2]float64{0.2, 0.4}}, {Grey, area, [2]float64{0.5, 0.5}},
		{Black, area, [2]float64{}}, {Local, everything, [2]float64{0.5, 0.5}}, {Mean, everything, [2]float64{0.2, 0.4}},
	} {
		x := set.Batch(nil, nil).RawRowView(0)
		if c.fill == Local && c.area.Size() < 25 {
			for _, p := range c.area.Pixels() {
				x[p], x[25+p] = 1, 1 // what is covered must not matter
			}
		}
		newCanvas(set, c.fill).paint(x, c.area)
		for ch := range 2 {
			for _, p := range c.area.Pixels() {
				if math.Abs(x[ch*25+p]-c.want[ch]) > 1e-12 {
					t.Fatalf("%v of %d pixels: channel %d, pixel %d is %v, want %v", c.fill, c.area.Size(), ch, p, x[ch*25+p], c.want[ch])
				}
			}
		}
	}
	// A ring by hand: in a row 0 _ _ _ 1, the ends come first, from 0 and 1, then the middle.
	row := canvas{fill: Local, shape: datasets.Shape{Channels: 1, Height: 1, Width: 5}}
	x := []float64{0, 9, 9, 9, 1}
	row.paint(x, Area{1, 4})
	if want := []float64{0, 0, 0.5, 1, 1}; !slices.Equal(x, want) {
		t.Errorf("filled row %v, want %v", x, want)
	}
}

func TestIntervals(t *testing.T) {
	// Wilson's interval of 8 in 10, as in Newcombe (1998) and R's prop.test without continuity
	// correction.
	got := share(8, 10)
	if got.Value != 0.8 || math.Abs(got.Low-0.4901625) > 1e-6 || math.Abs(got.High-0.9433178) > 1e-6 {
		t.Errorf("share(8, 10) = %+v", got)
	}
	if none := share(0, 0); !math.IsNaN(none.Value) {
		t.Errorf("share(0, 0) = %+v", none)
	}
	if p := percentile([]float64{3, 1, 2}, 0.25); p != 1.5 {
		t.Errorf("percentile = %v, want 1.5", p)
	}
	// Many copies of one image say no more than the image: the interval must not shrink.
	values, images := []float64{}, []int{}
	for i := range 10 {
		values, images = append(values, float64(i%2)), append(images, i)
	}
	once := bootstrap(values, images, 1, "x")
	var many []float64
	var of []int
	for i, v := range values {
		for range 50 {
			many, of = append(many, v), append(of, i)
		}
	}
	often := bootstrap(many, of, 1, "x")
	if once != often {
		t.Errorf("once %+v, fifty times %+v", once, often)
	}
	if once.Value != 0.5 || once.Low > 0.3 || once.High < 0.7 {
		t.Errorf("interval %+v of a fair coin in 10 throws", once)
	}
	if one := bootstrap([]float64{1, 2}, []int{3, 3}, 1); one.Value != 1.5 || !math.IsNaN(one.Low) {
		t.Errorf("one image has no interval, got %+v", one)
	}
}

// TestTwoLevel: what differs by the same in every image and seed is certain; a difference that
// turns with the seed is not.
func TestTwoLevel(t *testing.T) {
	base, better, turning := [][]float64{{0, 1, 0, 1}, {1, 0, 1, 0}}, [][]float64{{0.5, 1.5, 0.5, 1.5}, {1.5, 0.5, 1.5, 0.5}}, [][]float64{{1, 2, 1, 2}, {0, -1, 0, -1}}
	if i := twoLevel(better, base, 1, "x"); i != (Interval{0.5, 0.5, 0.5}) {
		t.Errorf("a change of 0.5 everywhere: %+v", i)
	}
	if i := twoLevel(turning, base, 1, "x"); math.Abs(i.Value) > 1e-12 || i.Low > -0.9 || i.High < 0.9 {
		t.Errorf("a change that turns with the seed: %+v", i)
	}
	gaps := [][]float64{{nan, 1}, {3, nan}}
	if i := twoLevel(gaps, nil, 1, "x"); i.Value != 2 {
		t.Errorf("missing values count: %+v", i)
	}
}

func TestStabilityCounts(t *testing.T) {
	before := []int{0, 0, 0, 1, 1, -1}
	after := []int{1, 1, 0, 0, 0, -1}
	if got := likest(before, after, 0, 2); got != 2.0/3 {
		t.Errorf("cluster 0: %v", got)
	}
	if got := likest(before, after, 1, 2); got != 2.0/3 {
		t.Errorf("cluster 1: %v", got)
	}
	g := Grouped{Labels: []int{1, 0, 2, 2, -1, 0, 2}, K: 3}
	g.bySize()
	if want := []int{2, 1, 0, 0, -1, 1, 0}; !slices.Equal(g.Labels, want) {
		t.Errorf("by size %v, want %v", g.Labels, want)
	}
}

func TestSuggestions(t *testing.T) {
	certain := func(v float64) Interval { return Interval{v, v - 0.01, v + 0.01} }
	base := Concept{Share: certain(0.3), Purity: certain(0.5), Silhouette: 0.6, Stability: 0.9, Effect: certain(0.3), Pointing: nan, Sameness: 1.5, Transfer: certain(0.9)}
	with := func(change func(*Concept)) Concept { c := base; change(&c); return c }
	for name, c := range map[string]struct {
		criteria Criteria
		concept  Concept
		classes  int
		want     Verdict
	}{
		"plain":              {Criteria{}, base, 2, Relevant},
		"off the objects":    {Criteria{Masks: Object}, with(func(c *Concept) { c.Pointing = 0.4 }), 2, Irrelevant},
		"on the objects":     {Criteria{Masks: Object}, with(func(c *Concept) { c.Pointing = 0.6 }), 2, Relevant},
		"on artifacts":       {Criteria{Masks: Artifact}, with(func(c *Concept) { c.Pointing = 0.6 }), 2, Irrelevant},
		"masks unknown":      {Criteria{}, with(func(c *Concept) { c.Pointing = 0.01 }), 2, Relevant},
		"small and pure":     {Criteria{}, with(func(c *Concept) { c.Share, c.Purity = certain(0.03), certain(0.9) }), 2, Irrelevant},
		"of the only class":  {Criteria{}, with(func(c *Concept) { c.Share, c.Purity = certain(0.03), certain(1) }), 1, Relevant},
		"stamp":              {Criteria{}, with(func(c *Concept) { c.Sameness = 0.1 }), 2, Irrelevant},
		"alike, no transfer": {Criteria{}, with(func(c *Concept) { c.Sameness, c.Transfer = 0.1, certain(0.1) }), 2, Unsure},
		"stamp, no effect":   {Criteria{}, with(func(c *Concept) { c.Sameness, c.Effect = 0.1, Interval{0.1, -0.1, 0.3} }), 2, Unsure},
		"stamp, tiny effect": {Criteria{}, with(func(c *Concept) { c.Sameness, c.Effect = 0.1, Interval{0.002, 0.001, 0.003} }), 2, Unsure},
		"unstable":           {Criteria{}, with(func(c *Concept) { c.Stability = 0.5 }), 2, Unsure},
		"no effect":          {Criteria{}, with(func(c *Concept) { c.Effect = Interval{0, -0.1, 0.1} }), 2, Unsure},
		"one image":          {Criteria{}, with(func(c *Concept) { c.Effect = Interval{0.3, nan, nan} }), 2, Unsure},
	} {
		got := c.criteria.suggest(c.concept, c.classes)
		if got.Verdict != c.want || len(got.Reasons) == 0 {
			t.Errorf("%s: %v %q, want %v", name, got.Verdict, got.Reasons, c.want)
		}
	}
}

func TestNames(t *testing.T) {
	if Unsure.String() != "unsure" || Irrelevant.String() != "irrelevant" || Verdict(9).String() != "Verdict(9)" || Fill(9).String() != "Fill(9)" {
		t.Error("names of verdicts and fills")
	}
}

// TestDisplaced: where there is room, the control does not touch the region.
func TestDisplaced(t *testing.T) {
	shape := datasets.Shape{Channels: 1, Height: 12, Width: 12}
	a := areaOf([]int{0, 1, 2, 12, 13, 14, 24, 25, 26})
	mask := a.Mask(144)
	for seed := range uint64(50) {
		if b := displaced(a, shape, seed); b.Size() != 9 || b.iou(mask) != 0 {
			t.Errorf("seed %d: %v of %d pixels overlaps by %v", seed, b, b.Size(), b.iou(mask))
		}
	}
}

// TestImpactCounts: a decision counts that changes, or whose probability is halved.
func TestImpactCounts(t *testing.T) {
	var c tally
	c.add(trialRow{p: 0.8}, 0.5, false, 0.8, false)  // neither
	c.add(trialRow{p: 0.8}, 0.4, false, 0.41, false) // halved
	c.add(trialRow{p: 0.8}, 0.7, true, 0.4, false)   // changed; elsewhere halved
	c.add(trialRow{p: 0.8}, 0.8, false, 0.8, true)   // elsewhere changed
	if i := c.impact("m", "m{}", 0); i.Images != 4 || i.Score.Value != 0.5 || i.Elsewhere.Value != 0.5 || !math.IsNaN(i.Coverage.Value) {
		t.Errorf("impact %+v", i)
	}
}
