package saliency

import (
	"math"

	"github.com/whybook/whybook/datasets"
)

// superpixels cuts an image into about want connected regions of similar colour by SLIC
// (Achanta et al., 2012, doi:10.1109/TPAMI.2012.120): k-means over colour and place, each
// centre looking no farther than twice the spacing S of a regular grid of centres, under
//
//	D^2 = ||colour - colour'||^2 + (compactness / S)^2 ||place - place'||^2
//
// with colours divided by scale. Regions are then made connected; pieces smaller than a
// quarter of S^2 join a neighbour. It returns the number of the region of each pixel,
// numbered by their first pixels, and how many there are. It has no randomness.
func superpixels(x []float64, shape datasets.Shape, want int, compactness, scale float64) (region []int, regions int) {
	h, w, channels := shape.Height, shape.Width, shape.Channels
	hw := h * w
	spacing := max(math.Sqrt(float64(hw)/float64(want)), 1)
	down, across := max(int(math.Round(float64(h)/spacing)), 1), max(int(math.Round(float64(w)/spacing)), 1)
	k := down * across
	feature := channels + 2 // colours, then y, x
	centres := make([]float64, k*feature)
	pixel := make([]float64, feature)
	load := func(p int) {
		for c := range channels {
			pixel[c] = x[c*hw+p] / scale
		}
		pixel[channels], pixel[channels+1] = float64(p/w), float64(p%w)
	}
	for c := range k {
		y := (2*(c/across) + 1) * h / (2 * down)
		load(y*w + (2*(c%across)+1)*w/(2*across))
		copy(centres[c*feature:], pixel)
	}
	label, nearest := make([]int, hw), make([]float64, hw)
	sums, members := make([]float64, k*feature), make([]float64, k)
	weight := compactness / spacing * compactness / spacing
	reach := int(math.Ceil(2 * spacing))
	const iterations = 10 // as in the paper
	for range iterations {
		for p := range nearest {
			nearest[p] = math.Inf(1)
		}
		for c := range k {
			centre := centres[c*feature : (c+1)*feature]
			cy, cx := int(centre[channels]), int(centre[channels+1])
			for y := max(cy-reach, 0); y <= min(cy+reach, h-1); y++ {
				for xx := max(cx-reach, 0); xx <= min(cx+reach, w-1); xx++ {
					p := y*w + xx
					dy, dx := float64(y)-centre[channels], float64(xx)-centre[channels+1]
					dist := weight * (dy*dy + dx*dx)
					for ch := range channels {
						dc := x[ch*hw+p]/scale - centre[ch]
						dist += dc * dc
					}
					if dist < nearest[p] {
						nearest[p], label[p] = dist, c
					}
				}
			}
		}
		clear(sums)
		clear(members)
		for p, c := range label {
			load(p)
			members[c]++
			for j, v := range pixel {
				sums[c*feature+j] += v
			}
		}
		for c, m := range members {
			for j := 0; m > 0 && j < feature; j++ {
				centres[c*feature+j] = sums[c*feature+j] / m
			}
		}
	}
	return connect(label, h, w, int(spacing*spacing/4))
}

// connect gives each connected piece of a label a number of its own; a piece of less
// than least pixels joins the piece met before it.
func connect(label []int, h, w, least int) (region []int, regions int) {
	region = make([]int, len(label))
	for p := range region {
		region[p] = -1
	}
	var piece []int
	for start := range label {
		if region[start] >= 0 {
			continue
		}
		neighbour := -1 // a region that touches the first pixel, above or to the left
		if start%w > 0 {
			neighbour = region[start-1]
		} else if start >= w {
			neighbour = region[start-w]
		}
		piece = append(piece[:0], start)
		region[start] = regions
		for next := 0; next < len(piece); next++ {
			p := piece[next]
			visit := func(q int) {
				if region[q] < 0 && label[q] == label[start] {
					region[q] = regions
					piece = append(piece, q)
				}
			}
			if p%w > 0 {
				visit(p - 1)
			}
			if p%w < w-1 {
				visit(p + 1)
			}
			if p >= w {
				visit(p - w)
			}
			if p/w < h-1 {
				visit(p + w)
			}
		}
		if len(piece) < least && neighbour >= 0 {
			for _, p := range piece {
				region[p] = neighbour
			}
			continue
		}
		regions++
	}
	return region, regions
}
