package datasets

import (
	"fmt"

	"github.com/whybook/whybook/xai/seed"
)

// Mosaics joins n pairs of images of different classes, side by side, so that it is known
// where in an image each class is. Every mosaic stands in the set twice, one after the
// other: with the label of its left image and with that of its right one. Masks mark the
// half that the label is about. A network that is trained on them gives both classes about
// half of the probability. The pairs are drawn at random, an image at most once as long as
// there are enough. A table, or a set with one class, is an error.
func (r Recipe) Mosaics(n int) Recipe {
	if n < 1 {
		return r.fail(mosaics(n).String(), "n must be at least 1")
	}
	return r.then(mosaics(n))
}

// Mosaics returns a recipe that joins pairs of images. See Recipe.Mosaics.
func (s Set) Mosaics(n int) Recipe { return From(s).Mosaics(n) }

type mosaics int

func (n mosaics) String() string { return fmt.Sprintf("Mosaics(%d)", int(n)) }

func (n mosaics) apply(s Set, sd uint64, place int) (Set, error) {
	present := 0
	for _, count := range s.Counts() {
		if count > 0 {
			present++
		}
	}
	switch {
	case s.Pixels == nil:
		return Set{}, fmt.Errorf("the set %q is a table, a mosaic needs images", s.Name)
	case present < 2:
		return Set{}, fmt.Errorf("the set %q has %d classes with samples, a mosaic needs 2: %w", s.Name, present, ErrEmptyClass)
	}
	c, h, w := s.Shape.Channels, s.Shape.Height, s.Shape.Width
	out := s
	out.Name += ", mosaics"
	out.Shape.Width = 2 * w
	out.Labels = make([]int, 2*int(n))
	out.Pixels = make([]uint8, 2*int(n)*c*h*2*w)
	out.Masks = make([]uint8, 2*int(n)*h*2*w)
	rng := seed.Stream(sd, "mosaics", place)
	var deck []int // samples that wait for a partner, the next one last
	draw := func(not int) int {
		for {
			for at := len(deck) - 1; at >= 0; at-- {
				if i := deck[at]; s.Labels[i] != not {
					deck = append(deck[:at], deck[at+1:]...)
					return i
				}
			}
			deck = append(rng.Perm(s.Len()), deck...) // what is left stays on top
		}
	}
	for m := range int(n) {
		left := draw(-1)
		right := draw(s.Labels[left])
		for half, i := range []int{left, right} {
			for twin := range 2 {
				image := out.Pixels[(2*m+twin)*c*h*2*w:]
				for line := range c * h {
					copy(image[line*2*w+half*w:], s.Pixels[(i*c*h+line)*w:(i*c*h+line+1)*w])
				}
			}
			out.Labels[2*m+half] = s.Labels[i]
			mask := out.Masks[(2*m+half)*h*2*w:]
			for y := range h {
				for x := range w {
					mask[y*2*w+half*w+x] = 1
				}
			}
		}
	}
	return out, nil
}
