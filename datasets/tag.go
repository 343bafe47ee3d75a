package datasets

import (
	"fmt"
	"math"

	"github.com/whybook/whybook/xai/seed"
)

// Tag is a coloured square painted into images to see whether an explanation finds it,
// like a hospital's mark in a corner of its x-rays. The zero value is a 4 px square in
// the upper left corner whose colour always tells the class.
type Tag struct {
	Size   int    // edge length in pixels; default 4
	Corner Corner // where; default TopLeft

	// Random is the share of samples, 0 to 1, whose colour is drawn at random from the
	// colours of all classes. At 0 the colour always tells the class, at 1 it tells
	// nothing; in between it is right with probability 1 - Random*(1 - 1/C).
	Random float64
}

// Corner is a place for a Tag.
type Corner int

// The corners of an image. With AnyCorner each sample's corner is drawn at random.
const (
	TopLeft Corner = iota
	TopRight
	BottomLeft
	BottomRight
	AnyCorner
)

// String returns the name of the corner: "TopLeft".
func (c Corner) String() string {
	if c < TopLeft || c > AnyCorner {
		return fmt.Sprintf("Corner(%d)", int(c))
	}
	return [...]string{"TopLeft", "TopRight", "BottomLeft", "BottomRight", "AnyCorner"}[c]
}

// Tagged paints a coloured square into a corner of every image and records it in the
// set's Masks, replacing masks it had, so that the truth is known: a model trained on the
// set can read the class off the tag. Class c of C has the hue c/C of the colour circle,
// at full saturation. Grey images become RGB. A table, or images that are smaller than
// the tag, are an error.
func (r Recipe) Tagged(t Tag) Recipe {
	call := tagged(t).String()
	if t.Size == 0 {
		t.Size = 4
	}
	switch {
	case t.Size < 0:
		return r.fail(call, "Size must not be negative")
	case t.Corner < TopLeft || t.Corner > AnyCorner:
		return r.fail(call, "Corner must be one of TopLeft to AnyCorner")
	case !(t.Random >= 0 && t.Random <= 1):
		return r.fail(call, "Random must lie in 0 to 1")
	}
	return r.then(tagged(t))
}

type tagged Tag

func (t tagged) String() string {
	return fmt.Sprintf("Tagged({Size:%d Corner:%v Random:%v})", t.Size, t.Corner, t.Random)
}

func (t tagged) apply(s Set, sd uint64, place int) (Set, error) {
	h, w, n := s.Shape.Height, s.Shape.Width, s.Len()
	switch {
	case s.Pixels == nil:
		return Set{}, fmt.Errorf("the set %q is a table, a tag needs images", s.Name)
	case s.Shape.Channels != 1 && s.Shape.Channels != 3:
		return Set{}, fmt.Errorf("the images of %q have %d channels, a tag needs 1 or 3: %w", s.Name, s.Shape.Channels, ErrSize)
	case t.Size > h || t.Size > w:
		return Set{}, fmt.Errorf("the images of %q have %d x %d pixels, less than the tag: %w", s.Name, w, h, ErrSize)
	}
	hw := h * w
	pixels, masks := make([]uint8, n*3*hw), make([]uint8, n*hw)
	rng := seed.Stream(sd, "tag", place)
	for i, y := range s.Labels {
		image := pixels[i*3*hw : (i+1)*3*hw]
		for ch := range 3 {
			from := i * hw * s.Shape.Channels
			if s.Shape.Channels == 3 {
				from += ch * hw
			}
			copy(image[ch*hw:(ch+1)*hw], s.Pixels[from:])
		}

		// Every sample uses the same random numbers whatever the options are, so that
		// two shares of random colours differ in as few samples as possible.
		random, hue, corner := rng.Float64() < t.Random, rng.IntN(len(s.Classes)), Corner(rng.IntN(4))
		if !random {
			hue = y
		}
		if t.Corner != AnyCorner {
			corner = t.Corner
		}
		top, left := 0, 0
		if corner == BottomLeft || corner == BottomRight {
			top = h - t.Size
		}
		if corner == TopRight || corner == BottomRight {
			left = w - t.Size
		}
		colour := hueColour(float64(hue) / float64(len(s.Classes)))
		for v := top; v < top+t.Size; v++ {
			for u := left; u < left+t.Size; u++ {
				masks[i*hw+v*w+u] = 1
				for ch, level := range colour {
					image[ch*hw+v*w+u] = level
				}
			}
		}
	}
	s.Shape.Channels, s.Pixels, s.Masks = 3, pixels, masks
	s.Name += ", tagged"
	return s, nil
}

// hueColour returns the fully saturated RGB colour of a hue in [0,1).
func hueColour(hue float64) [3]uint8 {
	var rgb [3]uint8
	for ch := range rgb {
		// Each channel is 1 within a sixth of the circle around its own hue, and falls
		// to 0 over another sixth on either side.
		away := math.Abs(math.Mod(hue-float64(ch)/3+1.5, 1) - 0.5)
		rgb[ch] = uint8(math.Round(255 * min(max(2-6*away, 0), 1)))
	}
	return rgb
}
