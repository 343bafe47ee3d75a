package datasets

import (
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"
)

func TestBlobsAreWhatTheyClaim(t *testing.T) {
	o := BlobOptions{Samples: 3001, Classes: 3, Features: 2, Noise: 1, Spread: 0.5, Box: 4}
	s := build(t, Blobs(o).Seed(5))
	if !slices.Equal(s.Columns, []string{"x1", "x2", "noise1"}) || !slices.Equal(s.Counts(), []int{1001, 1000, 1000}) {
		t.Errorf("columns %q, counts %v", s.Columns, s.Counts())
	}
	for c := range s.Classes {
		for j := range s.Columns {
			var x []float64
			for i, y := range s.Labels {
				if y == c {
					x = append(x, s.Values[i*3+j])
				}
			}
			mean, sd := stat.MeanStdDev(x, nil)
			// Six standard errors: the chance of a false alarm is below 1e-7.
			if math.Abs(sd-0.5) > 6*0.5/math.Sqrt(2*1000) {
				t.Errorf("class %d, %s: deviation %.3f, want 0.5", c, s.Columns[j], sd)
			}
			if limit := 6 * 0.5 / math.Sqrt(1000); j == 2 && math.Abs(mean) > limit {
				t.Errorf("class %d: the noise has mean %.3f, want 0", c, mean)
			} else if math.Abs(mean) > 4+limit {
				t.Errorf("class %d, %s: mean %.3f lies outside the box of 4", c, s.Columns[j], mean)
			}
		}
	}
	if slices.IsSorted(s.Labels) {
		t.Error("rows are sorted by class")
	}
	a, b := build(t, Blobs(o).Seed(5)), build(t, Blobs(o).Seed(6))
	if a.Fingerprint() != s.Fingerprint() || b.Fingerprint() == s.Fingerprint() {
		t.Error("the seed does not decide")
	}
}

// tagOf returns the colour of the masked pixels, which must all be equal, and the mask's
// upper left pixel and size.
func tagOf(t *testing.T, s Set, i int) (colour [3]uint8, at, n int) {
	t.Helper()
	hw, at := s.Shape.Height*s.Shape.Width, -1
	for p, m := range s.Masks[i*hw : (i+1)*hw] {
		if m == 0 {
			continue
		}
		c := [3]uint8{s.Pixels[i*3*hw+p], s.Pixels[i*3*hw+hw+p], s.Pixels[i*3*hw+2*hw+p]}
		if n++; n == 1 {
			colour, at = c, p
		} else if c != colour {
			t.Fatalf("sample %d: the tag has the colours %v and %v", i, colour, c)
		}
	}
	return colour, at, n
}

func TestTagTellsTheClass(t *testing.T) {
	plain := build(t, MNIST())
	s := build(t, plain.Tagged(Tag{}))
	if s.Shape != (Shape{3, 28, 28}) {
		t.Fatalf("shape %v", s.Shape)
	}
	colours := map[[3]uint8]int{}
	for i, y := range s.Labels {
		colour, at, n := tagOf(t, s, i)
		if at != 0 || n != 16 {
			t.Fatalf("sample %d: tag of %d pixels at %d, want 16 at 0", i, n, at)
		}
		if class, known := colours[colour]; known && class != y {
			t.Fatalf("colour %v stands for classes %d and %d", colour, class, y)
		}
		colours[colour] = y
		for p := range 784 { // outside the tag it is the digit, in grey
			if s.Masks[i*784+p] != 0 {
				continue
			}
			for ch := range 3 {
				if s.Pixels[(i*3+ch)*784+p] != plain.Pixels[i*784+p] {
					t.Fatalf("sample %d, channel %d, pixel %d changed", i, ch, p)
				}
			}
		}
	}
	if len(colours) != 10 {
		t.Errorf("%d colours for 10 classes", len(colours))
	}
	if x := s.At(0); len(x.Mask) != 784 || !x.Mask[0] || x.Mask[10] {
		t.Error("the sample does not carry the mask")
	}
	if colours[[3]uint8{255, 0, 0}] != 0 {
		t.Error("class 0 is not red")
	}
}

func TestTagIsRightAsOftenAsItSays(t *testing.T) {
	pure := build(t, MNIST().Tagged(Tag{}))
	for _, random := range []float64{0.3, 1} {
		s := build(t, MNIST().Tagged(Tag{Random: random, Corner: AnyCorner, Size: 5}).Seed(2))
		right, corners := 0, map[int]int{}
		for i := range s.Labels {
			want, _, _ := tagOf(t, pure, i)
			got, at, n := tagOf(t, s, i)
			if n != 25 {
				t.Fatalf("sample %d: %d pixels", i, n)
			}
			corners[at]++
			if got == want {
				right++
			}
		}
		p := 1 - random*0.9
		if got := float64(right) / 5000; math.Abs(got-p) > 6*math.Sqrt(p*(1-p)/5000) {
			t.Errorf("Random %v: the tag is right in %.3f of the samples, want %.3f", random, got, p)
		}
		for _, at := range []int{0, 23, 23 * 28, 23*28 + 23} {
			if share := float64(corners[at]) / 5000; math.Abs(share-0.25) > 0.04 {
				t.Errorf("pixel %d starts %.3f of the tags, want a quarter", at, share)
			}
		}
	}
}

func TestTagOnColourImages(t *testing.T) {
	s := Set{Name: "rgb", Shape: Shape{3, 1, 2}, Classes: []string{"a"}, Labels: []int{0}, Pixels: []uint8{1, 2, 3, 4, 5, 6}}
	tagged := build(t, s.Tagged(Tag{Size: 1, Corner: BottomRight}))
	if want := []uint8{1, 255, 3, 0, 5, 0}; !slices.Equal(tagged.Pixels, want) {
		t.Errorf("pixels %v, want %v", tagged.Pixels, want)
	}
	if s.Pixels[1] != 2 {
		t.Error("the source changed")
	}
}
