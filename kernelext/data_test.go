package kernelext

import (
	"slices"
	"testing"

	"github.com/whybook/whybook/datasets"
)

// TestShownOfSortedSets: of a folder that is read class by class, every class is seen.
func TestShownOfSortedSets(t *testing.T) {
	for _, tt := range []struct {
		name   string
		labels []int
		n      int
		want   []int
	}{
		{"mixed", []int{0, 1, 0, 1, 1, 1}, 3, []int{0, 1, 2}},
		{"sorted", []int{0, 0, 0, 1, 1, 1}, 3, []int{0, 2, 4}},
		{"one class", []int{2, 2, 2, 2}, 2, []int{0, 1}},
		{"all of it", []int{0, 0, 1, 1}, 4, []int{0, 1, 2, 3}},
		{"nothing", nil, 0, []int{}},
	} {
		if got := shown(datasets.Set{Labels: tt.labels}, tt.n); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, got, tt.want)
		}
	}
}
