package datasets

import (
	"errors"
	"math"
	"slices"
	"testing"
)

// TestPasted takes scenes apart: objects are where the masks say, whole, and not on each
// other; the samples of a scene share its pixels.
func TestPasted(t *testing.T) {
	digits := build(t, MNIST().Take(61))
	for _, objects := range []int{1, 2, 4} {
		side := 60
		s := build(t, digits.Pasted(Texture{Side: side, Objects: objects}).Seed(3))
		area := side * side
		if s.Len() != 61 || s.Shape != (Shape{1, side, side}) || !slices.Equal(s.Classes, digits.Classes) {
			t.Fatalf("%d scenes of %v", s.Len(), s.Shape)
		}
		used := make([]int, 61)
		for i, y := range s.Labels {
			scene, mask := s.Pixels[i*area:(i+1)*area], s.Masks[i*area:(i+1)*area]
			first := i / objects * objects
			if !slices.Equal(scene, s.Pixels[first*area:(first+1)*area]) {
				t.Errorf("%d objects: samples %d and %d are not of one scene", objects, first, i)
			}
			found := false
			for j := range 61 {
				found = found || digits.Labels[j] == y && lies(digits.Pixels[j*784:(j+1)*784], scene, mask, side, &used[j])
			}
			if !found {
				t.Errorf("%d objects: sample %d shows no digit of class %d where its mask is", objects, i, y)
			}
			for j := first; j < i; j++ {
				for p, m := range mask {
					if m == 1 && s.Masks[j*area+p] == 1 {
						t.Fatalf("%d objects: samples %d and %d overlap", objects, j, i)
					}
				}
			}
		}
		if slices.Min(used) != 1 || slices.Max(used) != 1 {
			t.Errorf("%d objects: digits are used %d to %d times", objects, slices.Min(used), slices.Max(used))
		}
	}
}

// lies says whether a digit is what the mask marks: the same form, at some place, as bright.
func lies(digit, scene, mask []uint8, side int, used *int) bool {
	top := func(m []uint8, width int, in func(uint8) bool) (y, x int) {
		y, x = -1, width
		for p, v := range m {
			if in(v) {
				if y < 0 {
					y = p / width
				}
				x = min(x, p%width)
			}
		}
		return y, x
	}
	y0, x0 := top(digit, 28, func(v uint8) bool { return v >= 128 })
	y1, x1 := top(mask, side, func(v uint8) bool { return v == 1 })
	marked := 0
	for _, m := range mask {
		marked += int(m)
	}
	for p, v := range digit {
		q := (p/28+y1-y0)*side + p%28 + x1 - x0
		if v >= 128 {
			marked--
			if mask[q] != 1 || scene[q] < v {
				return false
			}
		}
	}
	if marked != 0 {
		return false
	}
	*used++
	return true
}

// TestStripesTellTheClass: the direction in which the ground varies is that of the class, as
// often as Random says, and a scene's ground says nothing else.
func TestStripesTellTheClass(t *testing.T) {
	blank := build(t, MNIST().Only("0", "1", "2", "3").Take(400))
	blank.Pixels = make([]uint8, len(blank.Pixels)) // the ground alone
	for _, random := range []float64{0, 0.4, 1} {
		s := build(t, blank.Pasted(Texture{Side: 40, Random: random}).Seed(5))
		right := 0
		for i, y := range s.Labels {
			if direction(s.Pixels[i*1600:(i+1)*1600], 40, 4) == y {
				right++
			}
		}
		p := 1 - random*0.75
		if got := float64(right) / 400; math.Abs(got-p) > 4*math.Sqrt(p*(1-p)/400) {
			t.Errorf("Random %v: the stripes are right in %.3f of the scenes, want %.3f", random, got, p)
		}
		if slices.Contains(s.Masks, 1) {
			t.Error("nothing was pasted, and a mask marks it")
		}
	}
}

// direction is that of the strongest wave, by a Fourier sum for each.
func direction(scene []uint8, side, classes int) int {
	best, most := 0, 0.0
	for c := range classes {
		angle := math.Pi * float64(c) / float64(classes)
		re, im := 0.0, 0.0
		for p, v := range scene {
			along := float64(p%side)*math.Cos(angle) + float64(p/side)*math.Sin(angle)
			re, im = re+float64(v)*math.Cos(2*math.Pi*along/6), im+float64(v)*math.Sin(2*math.Pi*along/6)
		}
		if power := re*re + im*im; power > most {
			best, most = c, power
		}
	}
	return best
}

// TestGroundOfSeveralObjects: every pixel has the stripes of the nearest object.
func TestGroundOfSeveralObjects(t *testing.T) {
	blank := build(t, MNIST().Only("0", "1").Take(20))
	for i := range blank.Len() { // one pixel in the middle, so that the place can be seen
		clear(blank.Pixels[i*784 : (i+1)*784])
		blank.Pixels[i*784+14*28+14] = 255
	}
	s := build(t, blank.Pasted(Texture{Side: 96, Objects: 2}).Seed(2))
	for i, y := range s.Labels {
		at := slices.Index(s.Masks[i*96*96:(i+1)*96*96], 1)
		top, left := at/96-10, at%96-10
		var patch []uint8
		for v := range 21 {
			patch = append(patch, s.Pixels[i*96*96+(top+v)*96+left:][:21]...)
		}
		patch[10*21+10] = 64 // without the object
		if got := direction(patch, 21, 2); got != y {
			t.Errorf("sample %d of class %d lies on stripes of class %d", i, y, got)
		}
	}
}

// TestRim: the mask is all pixels within the rim of the object's.
func TestRim(t *testing.T) {
	thin, wide := build(t, MNIST().Take(20).Pasted(Texture{Side: 34})), build(t, MNIST().Take(20).Pasted(Texture{Side: 34, Rim: 2}))
	if !slices.Equal(thin.Pixels, wide.Pixels) {
		t.Error("the rim changes pixels")
	}
	const area = 34 * 34
	for i := range 20 * area {
		near := uint8(0)
		for dy := -2; dy <= 2; dy++ {
			for dx := -2; dx <= 2; dx++ {
				if y, x := i%area/34+dy, i%34+dx; y >= 0 && y < 34 && x >= 0 && x < 34 {
					near = max(near, thin.Masks[i/area*area+y*34+x])
				}
			}
		}
		if wide.Masks[i] != near {
			t.Fatalf("pixel %d of scene %d: the mask is %d, want %d", i%area, i/area, wide.Masks[i], near)
		}
	}
}

func TestPastedInColour(t *testing.T) {
	s := Set{Name: "rgb", Shape: Shape{3, 1, 2}, Classes: []string{"a"}, Labels: []int{0}, Pixels: []uint8{255, 0, 0, 0, 0, 0}}
	scene := build(t, s.Pasted(Texture{Side: 2, Contrast: 1}))
	at := slices.Index(scene.Masks, 1)
	if at < 0 || scene.Pixels[at] != 255 || scene.Pixels[4+at] != 0 || scene.Pixels[8+at] != 0 {
		t.Errorf("a red pixel became %v at %d", scene.Pixels, at)
	}
	for p := range 4 {
		if p != at && (scene.Pixels[p] != scene.Pixels[4+p] || scene.Pixels[p] != scene.Pixels[8+p]) {
			t.Errorf("the ground has colours: %v", scene.Pixels)
		}
	}
}

func TestPastedRefuses(t *testing.T) {
	for name, o := range map[string]Texture{
		"negative side": {Side: -1}, "negative objects": {Objects: -1}, "negative rim": {Rim: -1}, "random": {Random: 1.5}, "NaN": {Random: math.NaN()}, "contrast": {Contrast: 2},
	} {
		if _, err := MNIST().Pasted(o).Build(t.Context()); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	for name, o := range map[string]Texture{"too small": {Side: 27}, "no room": {Side: 60, Objects: 5}, "too many values": {Side: 1 << 20}} {
		if _, err := MNIST().Pasted(o).Build(t.Context()); !errors.Is(err, ErrSize) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Blobs(BlobOptions{Samples: 20}).Pasted(Texture{}).Build(t.Context()); err == nil {
		t.Error("a table: no error")
	}
	if a, b := MNIST().Take(20).Pasted(Texture{}), MNIST().Take(20).Pasted(Texture{Random: 0.1}); a.Key() == b.Key() {
		t.Error("two textures have one key")
	}
}
