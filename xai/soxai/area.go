package soxai

import (
	"cmp"
	"slices"
)

// Area is a set of pixels of an image as runs in reading order: pairs of the first pixel and
// the one after the last, ascending. Pixel y*width+x is in column x of row y, row 0 on top.
type Area []int

// areaOf makes an area of ascending pixels.
func areaOf(pixels []int) Area {
	var a Area
	for _, p := range pixels {
		if n := len(a); n > 0 && a[n-1] == p {
			a[n-1]++
			continue
		}
		a = append(a, p, p+1)
	}
	return a
}

// Size returns the number of pixels.
func (a Area) Size() int {
	n := 0
	for i := 0; i+1 < len(a); i += 2 {
		n += a[i+1] - a[i]
	}
	return n
}

// Pixels returns the pixels in ascending order.
func (a Area) Pixels() []int {
	list := make([]int, 0, a.Size())
	for i := 0; i+1 < len(a); i += 2 {
		for p := a[i]; p < a[i+1]; p++ {
			list = append(list, p)
		}
	}
	return list
}

// Mask returns n values, true for the pixels of the area.
func (a Area) Mask(n int) []bool {
	mask := make([]bool, n)
	for _, p := range a.Pixels() {
		if p < n {
			mask[p] = true
		}
	}
	return mask
}

// valid says whether the area is one of an image of n pixels.
func (a Area) valid(n int) bool {
	if len(a) == 0 || len(a)%2 != 0 {
		return false
	}
	for i, p := range a {
		if p < 0 || p > n || i > 0 && p <= a[i-1] {
			return false
		}
	}
	return true
}

// grown adds the pixels within a square of the given radius around each pixel.
func (a Area) grown(radius, height, width int) Area {
	if radius < 1 {
		return a
	}
	mask := make([]bool, height*width)
	for _, p := range a.Pixels() {
		y, x := p/width, p%width
		for v := max(0, y-radius); v <= min(height-1, y+radius); v++ {
			for u := max(0, x-radius); u <= min(width-1, x+radius); u++ {
				mask[v*width+u] = true
			}
		}
	}
	return areaOfMask(mask)
}

// shifted moves the area by whole pixels; what leaves the image on one side comes in on the
// other, so that its size stays.
func (a Area) shifted(dy, dx, height, width int) Area {
	mask := make([]bool, height*width)
	for _, p := range a.Pixels() {
		mask[(p/width+dy)%height*width+(p%width+dx)%width] = true
	}
	return areaOfMask(mask)
}

func areaOfMask(mask []bool) Area {
	var pixels []int
	for p, in := range mask {
		if in {
			pixels = append(pixels, p)
		}
	}
	return areaOf(pixels)
}

// critical returns the smallest set of pixels that holds the share mass of the sum of alpha,
// or, where area is not 0, the share area of all pixels with the largest alpha; ascending, and
// never a pixel with alpha 0. Of equal pixels the first ones are taken.
func critical(alpha []float64, mass, area float64) []int {
	total := 0.0
	var order []int
	for p, v := range alpha {
		if v > 0 {
			order = append(order, p)
			total += v
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(alpha[b], alpha[a]) })
	if area > 0 {
		order = order[:min(len(order), max(1, int(area*float64(len(alpha))+0.5)))]
	} else {
		sum, most := 0.0, 0
		for most < len(order) && sum < mass*total {
			sum += alpha[order[most]]
			most++
		}
		order = order[:most]
	}
	slices.Sort(order)
	return order
}

// components divides ascending pixels into connected parts, of pixels that touch by a side or
// a corner, in the order of their first pixels.
func components(pixels []int, height, width int) [][]int {
	part := make([]int, height*width) // 0: not in the set; -1: not yet visited
	for _, p := range pixels {
		part[p] = -1
	}
	var parts [][]int
	for _, start := range pixels {
		if part[start] != -1 {
			continue
		}
		id := len(parts) + 1
		part[start] = id
		found := []int{start}
		for at := 0; at < len(found); at++ {
			y, x := found[at]/width, found[at]%width
			for v := max(0, y-1); v <= min(height-1, y+1); v++ {
				for u := max(0, x-1); u <= min(width-1, x+1); u++ {
					if q := v*width + u; part[q] == -1 {
						part[q] = id
						found = append(found, q)
					}
				}
			}
		}
		slices.Sort(found)
		parts = append(parts, found)
	}
	return parts
}

// iou returns the intersection of the area with a mask over their union; 0 where both are
// empty.
func (a Area) iou(mask []bool) float64 {
	both, either := 0, 0
	for _, in := range mask {
		if in {
			either++
		}
	}
	for _, p := range a.Pixels() {
		if mask[p] {
			both++
		} else {
			either++
		}
	}
	if either == 0 {
		return 0
	}
	return float64(both) / float64(either)
}

// boxBlur replaces each value by the mean of those within a square of the given odd side, as
// far as it lies in the image.
func boxBlur(plane []float64, height, width, side int) []float64 {
	if side <= 1 {
		return plane
	}
	r := side / 2
	sums := make([]float64, (height+1)*(width+1)) // of all values above and to the left
	for y := range height {
		for x := range width {
			sums[(y+1)*(width+1)+x+1] = plane[y*width+x] + sums[y*(width+1)+x+1] + sums[(y+1)*(width+1)+x] - sums[y*(width+1)+x]
		}
	}
	out := make([]float64, len(plane))
	for y := range height {
		y0, y1 := max(0, y-r), min(height, y+r+1)
		for x := range width {
			x0, x1 := max(0, x-r), min(width, x+r+1)
			sum := sums[y1*(width+1)+x1] - sums[y0*(width+1)+x1] - sums[y1*(width+1)+x0] + sums[y0*(width+1)+x0]
			// Rounding must not turn nothing into something, below zero or above it.
			if sum <= 1e-12*sums[len(sums)-1] {
				sum = 0
			}
			out[y*width+x] = sum / float64((y1-y0)*(x1-x0))
		}
	}
	return out
}
