package evaluate

import (
	"errors"
	"math"
	"testing"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
)

// pattern is a reproducible image in [0, 1] that any program can make.
func pattern(h, w, k int) []float64 {
	v := make([]float64, h*w)
	for i := range v {
		v[i] = float64((i*i*k+7*i+k)%101) / 100
	}
	low, high := floats.Min(v), floats.Max(v)
	for i := range v {
		v[i] = (v[i] - low) / (high - low)
	}
	return v
}

// TestSimilarityAgainstSkimage: values of scikit-image 0.26.0, structural_similarity(a, b,
// gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1) and Pearson's
// correlation of hog(a, 9, (4, 4), (3, 3), "L2-Hys").
func TestSimilarityAgainstSkimage(t *testing.T) {
	for _, c := range []struct {
		h, w                   int
		ssim, mixed, hog, hog2 float64
	}{
		{28, 28, -0.1593088086202189, 0.6317057747659406, 0.0012083563599153632, 0.048720301393609756},
		{13, 20, -0.2588581367384333, 0.5986033599376307, 0.09337027923669942, -0.032205261720991356},
	} {
		a, b := pattern(c.h, c.w, 3), pattern(c.h, c.w, 5)
		mixed := make([]float64, len(a))
		for i := range mixed {
			mixed[i] = a[i]/2 + b[i]/2
		}
		first := mapOf(shape(1, c.h, c.w), a, a)
		for _, v := range []struct {
			s     Similarity
			other []float64
			want  float64
		}{{SSIM, b, c.ssim}, {SSIM, mixed, c.mixed}, {HOG, b, c.hog}, {HOG, mixed, c.hog2}} {
			got, err := v.s.Compare(first, with(first, v.other...))
			if err != nil || math.Abs(got-v.want) > 1e-7 {
				t.Errorf("%v of %d x %d: %.12f, want %.12f (%v)", v.s, c.h, c.w, got, v.want, err)
			}
		}
	}
}

// slowSSIM takes each window by itself, with centred moments.
func slowSSIM(a, b []float64, h, w, size int) float64 {
	sum, n := 0.0, 0
	for y := 0; y+size <= h; y++ {
		for x := 0; x+size <= w; x++ {
			var g, u, v []float64
			for i := range size {
				for j := range size {
					dy, dx := float64(i-size/2), float64(j-size/2)
					g = append(g, math.Exp(-(dy*dy+dx*dx)/4.5))
					u, v = append(u, a[(y+i)*w+x+j]), append(v, b[(y+i)*w+x+j])
				}
			}
			mu, mv := stat.Mean(u, g), stat.Mean(v, g)
			vu, vv, cov := stat.MomentAbout(2, u, mu, g), stat.MomentAbout(2, v, mv, g), 0.0
			for k := range g {
				cov += g[k] * (u[k] - mu) * (v[k] - mv)
			}
			cov /= floats.Sum(g)
			sum += (2*mu*mv + 1e-4) * (2*cov + 9e-4) / ((mu*mu + mv*mv + 1e-4) * (vu + vv + 9e-4))
			n++
		}
	}
	return sum / float64(n)
}

func TestSSIMAgainstWindows(t *testing.T) {
	for _, c := range []struct{ h, w, size int }{{15, 12, 11}, {11, 30, 11}, {8, 9, 7}, {3, 5, 3}, {4, 4, 3}} {
		a, b := pattern(c.h, c.w, 3), pattern(c.h, c.w, 11)
		if got, want := ssim(a, b, c.h, c.w), slowSSIM(a, b, c.h, c.w, c.size); math.Abs(got-want) > 1e-10 {
			t.Errorf("%d x %d: %v, want %v", c.h, c.w, got, want)
		}
	}
}

// slowHOG looks up each cell of each block from the pixels.
func slowHOG(a []float64, h, w, cell int) []float64 {
	at := func(y, x int) float64 { return a[y*w+x] }
	var out []float64
	for by := 0; by+3 <= h/cell; by++ {
		for bx := 0; bx+3 <= w/cell; bx++ {
			var v []float64
			for c := range 9 {
				hist := make([]float64, 9)
				for p := range cell * cell {
					y, x := (by+c/3)*cell+p/cell, (bx+c%3)*cell+p%cell
					gy, gx := 0.0, 0.0
					if y != 0 && y != h-1 {
						gy = at(y+1, x) - at(y-1, x)
					}
					if x != 0 && x != w-1 {
						gx = at(y, x+1) - at(y, x-1)
					}
					degrees := math.Atan(gy/gx) * 180 / math.Pi
					switch {
					case gx == 0 && gy == 0:
						continue
					case gx == 0:
						degrees = 90
					case degrees < 0:
						degrees += 180
					}
					for k := range hist {
						if float64(20*k) <= degrees && degrees < float64(20*(k+1)) {
							hist[k] += math.Sqrt(gy*gy+gx*gx) / float64(cell*cell)
						}
					}
				}
				v = append(v, hist...)
			}
			for pass := range 2 {
				length := math.Sqrt(math.Pow(floats.Norm(v, 2), 2) + 1e-10)
				for k := range v {
					if v[k] /= length; pass == 0 {
						v[k] = math.Min(v[k], 0.2)
					}
				}
			}
			out = append(out, v...)
		}
	}
	return out
}

func TestHOGAgainstPixels(t *testing.T) {
	for _, c := range []struct{ h, w, cell int }{{12, 12, 4}, {14, 21, 4}, {30, 15, 5}} {
		a := make([]float64, c.h*c.w)
		for i, v := range random(uint64(c.h), len(a)) { // no gradient lies on the edge of a bin
			a[i] = v
		}
		got, want := hog(a, c.h, c.w, c.cell), slowHOG(a, c.h, c.w, c.cell)
		if len(got) != len(want) || !floats.EqualApprox(got, want, 1e-12) {
			t.Errorf("%d x %d: %d values, want %d", c.h, c.w, len(got), len(want))
		}
	}
}

func TestSimilarities(t *testing.T) {
	phi := random(4, 2*16*15)
	a := mapOf(shape(2, 16, 15), phi, phi)
	for s := AbsoluteSpearman; s <= HOG; s++ {
		near := func(other saliency.Map, want float64) {
			t.Helper()
			if got, err := s.Compare(a, other); err != nil || math.Abs(got-want) > 1e-9 {
				t.Errorf("%v: %v, want %v (%v)", s, got, want, err)
			}
		}
		near(a, 1)
		near(scaled(a, 1e-200), 1)
		if near(scaled(a, -3), map[Similarity]float64{SignedSpearman: -1, AbsoluteSpearman: 1, SSIM: 1, HOG: 1}[s]); s.String() == "" {
			t.Error("no name")
		}
		b := with(a, random(5, 480)...)
		one, err := s.Compare(a, b)
		two, err2 := s.Compare(b, a)
		if err != nil || err2 != nil || math.Abs(one-two) > 1e-12 || one > 0.5 {
			t.Errorf("%v: of noise %v and %v (%v, %v)", s, one, two, err, err2)
		}
		if _, err := s.Compare(a, with(a, make([]float64, 480)...)); !errors.Is(err, ErrConstant) {
			t.Errorf("%v: a map of zeros: %v", s, err)
		}
		if _, err := s.Compare(a, mapOf(shape(1, 2, 2), phi[:4], phi[:4])); !errors.Is(err, xai.ErrShape) {
			t.Errorf("%v: another shape: %v", s, err)
		}
	}
	line := mapOf(shape(1, 1, 480), phi, phi)
	for _, s := range []Similarity{SSIM, HOG} {
		if _, err := s.Compare(line, line); !errors.Is(err, xai.ErrShape) {
			t.Errorf("%v of a line: %v", s, err)
		}
	}
	if _, err := Similarity(9).Compare(a, a); err == nil {
		t.Error("a similarity that is none")
	}
}

func TestHistogramEntropy(t *testing.T) {
	for _, c := range []struct {
		values []float64
		bins   int
		want   float64
	}{
		{[]float64{1, 1, 1}, 10, 0},
		{[]float64{0, 1}, 10, math.Ln2},
		{[]float64{0, 1, 2, 3}, 100, math.Log(4)},
		{[]float64{0, 0.1, 9, 10}, 2, math.Ln2}, // two each
		{[]float64{-math.MaxFloat64, math.MaxFloat64}, 3, math.Ln2},
	} {
		if got := histogramEntropy(c.values, c.bins); math.Abs(got-c.want) > 1e-12 {
			t.Errorf("%v in %d bins: %v, want %v", c.values, c.bins, got, c.want)
		}
	}
}
