package imbalance

import (
	"fmt"
	"math"
	"os"
	"testing"

	"github.com/whybook/whybook/datasets"
	"gonum.org/v1/gonum/mat"
)

// iris returns Fisher's table.
func iris(t testing.TB) (*mat.Dense, []int) {
	t.Helper()
	f, err := os.Open("testdata/iris.csv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	set, err := datasets.ReadCSV(f, datasets.CSV{Label: "species"})
	if err != nil {
		t.Fatal(err)
	}
	index := make([]int, set.Len())
	for i := range index {
		index[i] = i
	}
	return set.Batch(nil, index), set.Labels
}

// imbalanced returns 50, 25 and 10 rows of iris.
func imbalanced(t testing.TB) (*mat.Dense, []int) {
	t.Helper()
	x, y := iris(t)
	var rows []int
	for i := range y {
		if i < 75 || i >= 100 && i < 110 {
			rows = append(rows, i)
		}
	}
	d := newData(x, y, 3).take(rows)
	return d.x, d.y
}

func TestPrint(t *testing.T) {
	for _, c := range []Convention{ECoL, PyMFE, Problexity, DCoL} {
		for _, f := range []func(testing.TB) (*mat.Dense, []int){iris, imbalanced} {
			x, y := f(t)
			table, err := Complexity{Convention: c}.Measure(t.Context(), x, y)
			if err != nil {
				t.Fatal(err)
			}
			s := c.String()
			for _, v := range table.Set {
				s += fmt.Sprintf(" %s=%.6f", v.Name, v.Value)
			}
			t.Log(s)
			for _, v := range table.Columns {
				t.Log(v.Name, v.Values)
			}
		}
	}
	_ = math.Pi
}
