package nn

import (
	"bytes"
	"slices"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/internal/graph"
	"github.com/whybook/whybook/xai/seed"
)

// TestCropFlip: every result is the window of the padded image at one of the offsets,
// mirrored or not, as a slow definition cuts it; and all of them occur, about equally often.
func TestCropFlip(t *testing.T) {
	shape := datasets.Shape{Channels: 2, Height: 3, Width: 4}
	c := CropFlip{Pad: 2, Flip: true}
	src := make([]uint8, shape.Size())
	for i := range src {
		src[i] = uint8(i + 1)
	}
	// pixel of the padded image, cut out at (dy, dx)
	slow := func(dy, dx int, flip bool) string {
		out := make([]uint8, len(src))
		for ch := range shape.Channels {
			for y := range shape.Height {
				for x := range shape.Width {
					from := x
					if flip {
						from = shape.Width - 1 - x
					}
					py, px := y+dy-c.Pad, from+dx-c.Pad
					if py >= 0 && py < shape.Height && px >= 0 && px < shape.Width {
						out[(ch*shape.Height+y)*shape.Width+x] = src[(ch*shape.Height+py)*shape.Width+px]
					}
				}
			}
		}
		return string(out)
	}
	count := map[string]int{}
	for dy := range 2*c.Pad + 1 {
		for dx := range 2*c.Pad + 1 {
			count[slow(dy, dx, false)], count[slow(dy, dx, true)] = 0, 0
		}
	}
	if len(count) != 50 {
		t.Fatalf("%d different windows of 5 x 5, mirrored or not", len(count))
	}
	const draws = 10000
	dst, before := make([]uint8, len(src)), slices.Clone(src)
	for i := range draws {
		c.apply(dst, src, shape, seed.Stream(1, "crop", i))
		if _, ok := count[string(dst)]; !ok {
			t.Fatalf("draw %d is no window of the padded image: %v", i, dst)
		}
		count[string(dst)]++
	}
	for window, n := range count { // 200 each, with a standard deviation of 14
		if n < 130 || n > 270 {
			t.Errorf("window %v: %d of %d draws", []uint8(window), n, draws)
		}
	}
	if !bytes.Equal(src, before) {
		t.Error("the image was changed")
	}
}

// TestFill: a batch holds what Set.Batch gives; with augmentation, an image's pixels
// depend on seed, epoch and the image, not on its place or its company.
func TestFill(t *testing.T) {
	set := toys(40)
	table := datasets.Set{Name: "table", Shape: datasets.Shape{Channels: 1, Height: 1, Width: 16}, Classes: set.Classes, Labels: set.Labels}
	table.Values = slices.Clone(random(40, 16, "table").RawMatrix().Data)
	input := func(f feed[float32], index ...int) []float32 {
		b, n := graph.New[float32](), len(index)
		tr := &trainer[float32]{x: b.Input("x", n, 16, nil, false), target: b.Input("target", n, 3, nil, false), share: b.Input("share", n, 1, nil, false)}
		if weight := f.fill(tr, index); weight != float64(n) {
			t.Errorf("%d rows of weight %v", n, weight)
		}
		for i, at := range index {
			if tr.target.Data()[3*i+set.Labels[at]] != 1 {
				t.Errorf("target of row %d: %v", i, tr.target.Data()[3*i:3*i+3])
			}
		}
		return tr.x.Data()
	}
	index := []int{39, 3, 14, 0, 22, 7, 8, 9, 10, 11, 12}
	for _, s := range []datasets.Set{set, table} {
		for i, v := range s.Batch(nil, index).RawMatrix().Data {
			if got := input(feed[float32]{set: s}, index...)[i]; got != float32(v) {
				t.Fatalf("%s: value %d is %v, Set.Batch has %v", s.Name, i, got, v)
			}
		}
	}
	f := feed[float32]{set: set, augment: CropFlip{Pad: 2, Flip: true}, epoch: 3, seed: 5}
	all := input(f, index...)
	for i, at := range index {
		if alone := input(f, at); !slices.Equal(alone, all[16*i:16*i+16]) {
			t.Errorf("sample %d is another image alone than in a batch", at)
		}
	}
	for name, other := range map[string]feed[float32]{
		"epoch":        {set: set, augment: f.augment, epoch: 4, seed: 5},
		"seed":         {set: set, augment: f.augment, epoch: 3, seed: 6},
		"augmentation": {set: set, epoch: 3, seed: 5},
	} {
		if slices.Equal(input(other, index...), all) {
			t.Errorf("the images do not depend on the %s", name)
		}
	}
}
