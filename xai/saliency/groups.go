package saliency

import (
	"fmt"

	"github.com/whybook/whybook/datasets"
	"gonum.org/v1/gonum/mat"
)

// tiles cuts an image into squares of size x size pixels, smaller at the right and lower
// border, row by row. It returns the number of the square of each pixel and how many
// squares there are. A table row is cut along its columns.
func tiles(s datasets.Shape, size int) (group []int, groups int) {
	across := (s.Width + size - 1) / size
	group = make([]int, s.Height*s.Width)
	for p := range group {
		group[p] = p/s.Width/size*across + p%s.Width/size
		groups = max(groups, group[p]+1)
	}
	return group, groups
}

// patchSize checks the side of a patch, in pixels.
func patchSize(patch, usual int, s datasets.Shape) (int, error) {
	patch, err := count("Patch", patch, usual)
	if err == nil && patch > max(s.Height, s.Width) {
		err = fmt.Errorf("field Patch is %d pixels, larger than the image of %dx%d", patch, s.Height, s.Width)
	}
	return patch, err
}

// spread writes to every value of row i of dst the value of its pixel's group.
func spread(dst *mat.Dense, i int, group []int, values []float64) {
	row := dst.RawRowView(i)
	for j := range row {
		row[j] = values[group[j%len(group)]]
	}
}
