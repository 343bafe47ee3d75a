package evaluate

import (
	"fmt"
	"math"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
)

// Similarity is how two maps of one input are compared.
type Similarity int

// The similarities of Adebayo et al., 2018, arXiv:1810.03292. All are 1 for equal maps.
// Spearman's correlations compare the d single values; ties share their mean rank. The other
// two compare images: the sum over the channels of the absolute values of each pixel, moved
// and scaled to [0, 1]. A map without variation has none of them: ErrConstant.
const (
	AbsoluteSpearman Similarity = iota // of the absolute values, -1 to 1
	SignedSpearman                     // of the values, -1 to 1

	// SSIM is the structural similarity index of Wang et al., 2004
	// (doi:10.1109/TIP.2003.819861, eq. 13), -1 to 1: the mean over windows of
	//
	//	(2 mu_a mu_b + C1)(2 cov_ab + C2) / ((mu_a^2 + mu_b^2 + C1)(var_a + var_b + C2))
	//
	// weighted by a Gaussian of standard deviation 1.5 in 11 x 11 pixels that lie in the
	// image; C1 = 0.01^2, C2 = 0.03^2. Smaller images have the largest odd window that fits,
	// at least 3 x 3.
	SSIM

	// HOG is Pearson's correlation of the histograms of oriented gradients (Dalal and
	// Triggs, 2005, doi:10.1109/CVPR.2005.177), -1 to 1: central differences, 9 unsigned
	// orientations without interpolation, blocks of 3 x 3 cells normalised by L2-Hys. The
	// side of a cell is our choice: 16 pixels for an image of 299, in proportion for others,
	// and at least 4; the image must have 3 x 3 cells.
	HOG
)

var similarities = [...]string{"AbsoluteSpearman", "SignedSpearman", "SSIM", "HOG"}

// String returns the name of the similarity: "SSIM".
func (s Similarity) String() string {
	if s < 0 || int(s) >= len(similarities) {
		return fmt.Sprintf("Similarity(%d)", int(s))
	}
	return similarities[s]
}

// GoString returns the similarity as Go code.
func (s Similarity) GoString() string { return "evaluate." + s.String() }

// Compare returns the similarity of two maps of one shape.
func (s Similarity) Compare(a, b saliency.Map) (float64, error) {
	if err := check(s.String(), a); err != nil {
		return 0, err
	}
	if err := check(s.String(), b); err != nil {
		return 0, err
	}
	if a.Shape != b.Shape {
		return 0, fmt.Errorf("evaluate: %v: maps of shape %v and %v: %w", s, a.Shape, b.Shape, xai.ErrShape)
	}
	return s.compare(s.String(), a, b.Values)
}

// compare returns the similarity of a and another map b of the same shape, on behalf of the
// named metric.
func (s Similarity) compare(metric string, a saliency.Map, b []float64) (float64, error) {
	switch s {
	case AbsoluteSpearman:
		return spearman(metric, absolute(a.Values), absolute(b))
	case SignedSpearman:
		return spearman(metric, a.Values, b)
	case SSIM, HOG:
	default:
		return 0, fmt.Errorf("evaluate: %s: field Similarity must be one of the package's similarities, not %d", metric, int(s))
	}
	h, w := a.Shape.Height, a.Shape.Width
	first, err := picture(metric, a.Values, h*w)
	if err != nil {
		return 0, err
	}
	second, err := picture(metric, b, h*w)
	if err != nil {
		return 0, err
	}
	if s == SSIM {
		if min(h, w) < 3 {
			return 0, fmt.Errorf("evaluate: %s: SSIM needs an image of at least 3 x 3 pixels, not %v: %w", metric, a.Shape, xai.ErrShape)
		}
		return ssim(first, second, h, w), nil
	}
	cell := max(4, int(math.Round(16*float64(min(h, w))/299)))
	if min(h, w) < 3*cell {
		return 0, fmt.Errorf("evaluate: %s: HOG needs 3 x 3 cells of %d pixels, the map is %v: %w", metric, cell, a.Shape, xai.ErrShape)
	}
	return pearson(metric, hog(first, h, w, cell), hog(second, h, w, cell))
}

// picture returns the sum over the channels of absolute values, scaled to [0, 1].
func picture(metric string, values []float64, pixels int) ([]float64, error) {
	plane := make([]float64, pixels)
	top := floats.Norm(values, math.Inf(1))
	if top > 0 {
		for i, v := range values {
			plane[i%pixels] += math.Abs(v) / top
		}
	}
	low, high := floats.Min(plane), floats.Max(plane)
	if high-low <= 1e-14*high || high == 0 {
		return nil, fmt.Errorf("evaluate: %s: all pixels of a map have the same absolute value: %w", metric, ErrConstant)
	}
	floats.AddConst(-low, plane)
	floats.Scale(1/(high-low), plane)
	return plane, nil
}

// ssim returns the mean structural similarity of two images in [0, 1].
func ssim(a, b []float64, h, w int) float64 {
	const c1, c2 = 0.01 * 0.01, 0.03 * 0.03
	size := min(11, h-1+h%2, w-1+w%2)
	kernel := make([]float64, size)
	for k := range kernel {
		d := float64(k - size/2)
		kernel[k] = math.Exp(-d * d / (2 * 1.5 * 1.5))
	}
	floats.Scale(1/floats.Sum(kernel), kernel)
	mean := func(of func(p int) float64) []float64 { return windows(of, h, w, kernel) }
	ma, mb := mean(func(p int) float64 { return a[p] }), mean(func(p int) float64 { return b[p] })
	aa := mean(func(p int) float64 { return a[p] * a[p] })
	bb := mean(func(p int) float64 { return b[p] * b[p] })
	ab := mean(func(p int) float64 { return a[p] * b[p] })
	sum := 0.0
	for i := range ma {
		va, vb, cov := aa[i]-ma[i]*ma[i], bb[i]-mb[i]*mb[i], ab[i]-ma[i]*mb[i]
		sum += (2*ma[i]*mb[i] + c1) * (2*cov + c2) / ((ma[i]*ma[i] + mb[i]*mb[i] + c1) * (va + vb + c2))
	}
	return sum / float64(len(ma))
}

// windows returns the weighted mean of each window that lies in the image.
func windows(of func(p int) float64, h, w int, kernel []float64) []float64 {
	k := len(kernel)
	rows := make([]float64, h*(w-k+1))
	for i := range rows {
		y, x := i/(w-k+1), i%(w-k+1)
		for j, g := range kernel {
			rows[i] += g * of(y*w+x+j)
		}
	}
	out := make([]float64, (h-k+1)*(w-k+1))
	for i := range out {
		for j, g := range kernel {
			out[i] += g * rows[i+j*(w-k+1)]
		}
	}
	return out
}

// hog returns the histograms of oriented gradients of an image, block by block.
func hog(a []float64, h, w, cell int) []float64 {
	const bins, block, eps = 9, 3, 1e-5
	down, across := h/cell, w/cell
	cells := make([]float64, down*across*bins)
	for y := range down * cell {
		for x := range across * cell {
			dy, dx := 0.0, 0.0
			if y > 0 && y < h-1 {
				dy = a[(y+1)*w+x] - a[(y-1)*w+x]
			}
			if x > 0 && x < w-1 {
				dx = a[y*w+x+1] - a[y*w+x-1]
			}
			angle := math.Atan2(dy, dx) * 180 / math.Pi // of -0, too, a multiple of 180
			bin := int(math.Mod(angle+180, 180) / (180 / bins))
			cells[(y/cell*across+x/cell)*bins+min(bin, bins-1)] += math.Hypot(dy, dx) / float64(cell*cell)
		}
	}
	var out []float64
	for y := range down - block + 1 {
		for x := range across - block + 1 {
			var v []float64
			for i := range block {
				v = append(v, cells[((y+i)*across+x)*bins:((y+i)*across+x+block)*bins]...)
			}
			normalise := func() { floats.Scale(1/math.Sqrt(floats.Dot(v, v)+eps*eps), v) }
			normalise()
			for i := range v {
				v[i] = min(v[i], 0.2)
			}
			normalise()
			out = append(out, v...)
		}
	}
	return out
}

// histogramEntropy is the entropy, in nats, of the shares of values in equal bins between
// the least and the greatest.
func histogramEntropy(values []float64, bins int) float64 {
	low, high := floats.Min(values), floats.Max(values)
	if low == high {
		return 0
	}
	counts := make([]float64, bins)
	for _, v := range values {
		// Halves first: the span of huge values is not finite.
		at := (v/2 - low/2) / (high/2 - low/2) * float64(bins)
		counts[min(max(int(at), 0), bins-1)]++
	}
	floats.Scale(1/float64(len(values)), counts)
	return stat.Entropy(counts)
}
