package datasets

import (
	"fmt"
	"math"
	"math/rand/v2"

	"github.com/whybook/whybook/xai/seed"
)

// Texture is a striped ground that objects are pasted on, to see whether an explanation
// points at the object or at what it lies on, like a ship and the water. The zero value is a
// scene of twice the images' size with one object, on stripes that always tell the class.
type Texture struct {
	Side    int // of the square scene in pixels; default twice the larger side of the images
	Objects int // in a scene; default 1

	// Random is the share of objects, 0 to 1, whose stripes are drawn at random from those of
	// all classes. At 0 the stripes always tell the class, at 1 they tell nothing; in between
	// they are right with probability 1 - Random*(1 - 1/C).
	Random float64

	Contrast float64 // of the stripes, in brightness from 0 to 1; default 0.5

	// Rim is how many pixels the masks are wider than the objects, for maps that are coarser
	// than a stroke; default 0. Rims of two objects can overlap.
	Rim int
}

// Pasted pastes the images into larger scenes with textured ground and records the pixels of
// the object in the set's Masks, replacing masks it had. A pixel's brightness is its opacity:
// what is black lets the ground through, and pixels of at least half of the brightness are
// the object, which the mask marks with its Rim. The stripes of class c of C have the direction 180 c/C degrees, with noise and a
// phase of their own; every pixel of the ground has those of the nearest object.
//
// Each image is pasted once, at a random place. A scene with several objects, which do not
// overlap and are drawn from the set at random, stands in the set once for each of them, one
// after the other, with its label and its mask: a sample is an instance. The last scene may
// have fewer. A table, or a scene that is too small, is an error.
func (r Recipe) Pasted(t Texture) Recipe {
	call := pasted(t).String()
	switch {
	case t.Side < 0 || t.Objects < 0 || t.Rim < 0:
		return r.fail(call, "Side, Objects and Rim must not be negative")
	case !(t.Random >= 0 && t.Random <= 1):
		return r.fail(call, "Random must lie in 0 to 1")
	case !(t.Contrast >= 0 && t.Contrast <= 1):
		return r.fail(call, "Contrast must lie in 0 to 1")
	}
	if t.Objects == 0 {
		t.Objects = 1
	}
	if t.Contrast == 0 {
		t.Contrast = 0.5
	}
	return r.then(pasted(t))
}

// Pasted returns a recipe that pastes the set's images into textured scenes. See
// Recipe.Pasted.
func (s Set) Pasted(t Texture) Recipe { return From(s).Pasted(t) }

type pasted Texture

func (t pasted) String() string {
	return fmt.Sprintf("Pasted({Side:%d Objects:%d Random:%v Contrast:%v Rim:%d})", t.Side, t.Objects, t.Random, t.Contrast, t.Rim)
}

func (t pasted) apply(s Set, sd uint64, place int) (Set, error) {
	h, w, ch, n := s.Shape.Height, s.Shape.Width, s.Shape.Channels, s.Len()
	side := t.Side
	if side == 0 {
		side = 2 * max(h, w)
	}
	switch {
	case s.Pixels == nil:
		return Set{}, fmt.Errorf("the set %q is a table, a scene needs images", s.Name)
	case ch != 1 && ch != 3:
		return Set{}, fmt.Errorf("the images of %q have %d channels, a scene needs 1 or 3: %w", s.Name, ch, ErrSize)
	case min(side/h, side/w) == 0 || t.Objects > (side/h)*(side/w):
		return Set{}, fmt.Errorf("a scene of %d x %d pixels has no room for %d images of %d x %d: %w", side, side, t.Objects, w, h, ErrSize)
	case n > maxValues/(side*side*ch):
		return Set{}, fmt.Errorf("%d scenes of %d x %d pixels are more than %d values: %w", n, side, side, maxValues, ErrSize)
	}
	area := side * side
	out := s
	out.Name += ", on textures"
	out.Shape.Height, out.Shape.Width = side, side
	out.Pixels, out.Masks, out.Labels = make([]uint8, n*ch*area), make([]uint8, n*area), make([]int, n)
	rng := seed.Stream(sd, "texture", place)
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	if t.Objects > 1 { // an object's neighbours must not be those of its row
		order = rng.Perm(n)
	}
	for first := 0; first < n; first += t.Objects {
		objects := order[first:min(first+t.Objects, n)]
		corners := scatter(rng, len(objects), side, h, w)
		grounds := make([]stripes, len(objects))
		for j, i := range objects {
			random, kind := rng.Float64() < t.Random, rng.IntN(len(s.Classes))
			if !random {
				kind = s.Labels[i]
			}
			grounds[j] = stripes{angle: math.Pi * float64(kind) / float64(len(s.Classes)), phase: 2 * math.Pi * rng.Float64(), contrast: t.Contrast}
		}
		scene := out.Pixels[first*ch*area:][:ch*area]
		for q := range area {
			y, x := q/side, q%side
			nearest, least := 0, math.Inf(1)
			for j, c := range corners {
				dy, dx := float64(y-c[0])-float64(h-1)/2, float64(x-c[1])-float64(w-1)/2
				if d := float64(dy*dy) + float64(dx*dx); d < least {
					nearest, least = j, d
				}
			}
			v := grounds[nearest].at(float64(y), float64(x), rng.NormFloat64())
			for c := range ch {
				scene[c*area+q] = v
			}
		}
		for j, i := range objects {
			mask := out.Masks[(first+j)*area:][:area]
			out.Labels[first+j] = s.Labels[i]
			for p := range h * w {
				q := (corners[j][0]+p/w)*side + corners[j][1] + p%w
				opaque := uint8(0)
				for c := range ch {
					opaque = max(opaque, s.Pixels[(i*ch+c)*h*w+p])
				}
				if opaque >= 128 {
					widen(mask, side, q, t.Rim)
				}
				for c := range ch {
					ground := int(scene[c*area+q]) * (255 - int(opaque)) / 255
					scene[c*area+q] = uint8(ground + int(s.Pixels[(i*ch+c)*h*w+p]))
				}
			}
		}
		for j := 1; j < len(objects); j++ {
			copy(out.Pixels[(first+j)*ch*area:], scene)
		}
	}
	return out, nil
}

// widen marks the pixels of a square mask that are within the rim around q.
func widen(mask []uint8, side, q, rim int) {
	for y := max(0, q/side-rim); y <= min(side-1, q/side+rim); y++ {
		for x := max(0, q%side-rim); x <= min(side-1, q%side+rim); x++ {
			mask[y*side+x] = 1
		}
	}
}

// wave is the length of the stripes in pixels.
const wave = 6

// stripes are a ground.
type stripes struct {
	angle, phase, contrast float64
}

// at returns the brightness at a pixel, given a standard normal number.
func (s stripes) at(y, x, noise float64) uint8 {
	// The conversions keep the compiler from fusing, see Blobs.
	along := float64(x*math.Cos(s.angle)) + float64(y*math.Sin(s.angle))
	v := float64(s.contrast*(0.5+0.5*math.Sin(2*math.Pi*along/wave+s.phase))) + float64(0.03*noise)
	return uint8(math.Round(255 * min(max(v, 0), 1)))
}

// scatter draws the upper left corners, y and x, of n rectangles that do not overlap.
func scatter(rng *rand.Rand, n, side, h, w int) [][2]int {
	const tries = 200
	var corners [][2]int
	for t := 0; len(corners) < n && t < tries; t++ {
		y, x := rng.IntN(side-h+1), rng.IntN(side-w+1)
		free := true
		for _, c := range corners {
			free = free && (y >= c[0]+h || c[0] >= y+h || x >= c[1]+w || c[1] >= x+w)
		}
		if free {
			corners = append(corners, [2]int{y, x})
		}
	}
	if len(corners) == n {
		return corners
	}
	corners = corners[:0] // crowded: cells of a grid
	for _, cell := range rng.Perm((side / h) * (side / w))[:n] {
		corners = append(corners, [2]int{cell / (side / w) * h, cell % (side / w) * w})
	}
	return corners
}
