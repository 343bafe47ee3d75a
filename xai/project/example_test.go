package project_test

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/xai/project"
	"gonum.org/v1/gonum/mat"
)

// Twelve rows of three columns that lie along one line, and what one component keeps.
func ExamplePCA() {
	x := mat.NewDense(12, 3, nil)
	for i := range 12 {
		t := float64(i)
		x.SetRow(i, []float64{3 * t, 4 * t, 0.1 * float64(i%2)})
	}
	basis, err := project.PCA{Components: 1}.Fit(context.Background(), x)
	if err != nil {
		fmt.Println(err)
		return
	}
	z, err := basis.Transform(x)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("explained: %.2f %%\n", 100*basis.Ratio[0])
	fmt.Printf("axis: %.1f %.1f %.1f\n", basis.Axes.At(0, 0), basis.Axes.At(0, 1), basis.Axes.At(0, 2))
	fmt.Printf("from row to row: %.1f\n", z.At(1, 0)-z.At(0, 0))
	// Output:
	// explained: 100.00 %
	// axis: 0.6 0.8 0.0
	// from row to row: 5.0
}

// Two groups in eight dimensions, in the plane.
func ExampleTSNE() {
	x := mat.NewDense(40, 8, nil)
	for i := range 40 {
		for j := range 8 {
			x.Set(i, j, float64(i*(j+3)%7+20*(i%2))) // odd rows lie 20 further in each column
		}
	}
	e, err := project.TSNE{Perplexity: 5}.Embed(context.Background(), x)
	if err != nil {
		fmt.Println(err)
		return
	}
	together := 0
	for i := range 40 {
		best, nearest := 0, -1.0
		for j := range 40 {
			dx, dy := e.Y.At(i, 0)-e.Y.At(j, 0), e.Y.At(i, 1)-e.Y.At(j, 1)
			if far := dx*dx + dy*dy; i != j && (nearest < 0 || far < nearest) {
				best, nearest = j, far
			}
		}
		if best%2 == i%2 {
			together++
		}
	}
	fmt.Println(together, "of 40 rows have a neighbour of their own group")
	// Output:
	// 40 of 40 rows have a neighbour of their own group
}
