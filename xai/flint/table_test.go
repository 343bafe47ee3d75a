package flint

import (
	"math"
	"strings"
	"testing"

	"github.com/go-gota/gota/dataframe"
	"github.com/whybook/whybook/datasets"
)

// TestTables: every table has what its result says, in the order that it promises.
func TestTables(t *testing.T) {
	nan := math.NaN()
	g := &Global{Classes: []string{"cat", "dog"}, R: dense([][]float64{{1, -0.25, 0.5}, {nan, nan, nan}}), Samples: []int{7, 0}}
	l := &Local{Order: []int{2, 0, 1}, Phi: []float64{4, 0, 8}, Alpha: []float64{1, -3, 6}, R: []float64{0.25, -0.5, 1}}
	e := Evaluation{
		Set:       datasets.Set{Classes: []string{"cat", "dog"}, Labels: []int{1, 0}},
		Outputs:   Outputs{F: dense([][]float64{{0, 0}, {9, -9}}), G: dense([][]float64{{0, 9}, {1, 1}})},
		Alpha:     dense([][]float64{{1, 4, 3}, {0.5, -9, 0}}),
		Predicted: []int{0, 0}, Interpreted: []int{1, 0}, Taus: []float64{1.5, 5},
	}
	noise := []AtNoise{{Level: 0.5, Accuracy: 0.25, Interpreter: 0.125, Fidelity: 0.75, Kept: 1, Moved: 2}}
	for name, c := range map[string]struct {
		frame dataframe.DataFrame
		want  string
	}{
		"global": {g.Table(), `class attribute relevance samples
cat 0 1.000000 7
cat 1 -0.250000 7
cat 2 0.500000 7
dog 0 NaN 0
dog 1 NaN 0
dog 2 NaN 0`},
		"local": {l.Table(), `attribute phi alpha r
2 8.000000 6.000000 1.000000
0 4.000000 1.000000 0.250000
1 0.000000 -3.000000 -0.500000`},
		"evaluation": {e.Table(), `index class f g agree entropy_f entropy_g attribute relevant 1.5 relevant 5
0 dog cat dog false 0.693147 0.001234 1 2 3
1 cat cat cat true 0.000000 0.693147 0 1 1`},
		"noise": {NoiseTable(noise), `level accuracy interpreter fidelity kept moved
0.500000 0.250000 0.125000 0.750000 1.000000 2.000000`},
	} {
		var lines []string
		for _, record := range c.frame.Records() {
			lines = append(lines, strings.Join(record, " "))
		}
		if got := strings.Join(lines, "\n"); c.frame.Err != nil || got != c.want {
			t.Errorf("%s: error %v,\n%s\nwant\n%s", name, c.frame.Err, got, c.want)
		}
	}
}
