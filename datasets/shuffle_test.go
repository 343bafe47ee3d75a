package datasets

import (
	"slices"
	"testing"
)

func TestShuffleLabels(t *testing.T) {
	digits, err := MNIST().Train().Take(500).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	before := slices.Clone(digits.Labels)
	set, err := digits.ShuffleLabels().Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(digits.Labels, before) {
		t.Error("the set that it was made from has changed")
	}
	if !slices.Equal(set.Pixels, digits.Pixels) || !slices.Equal(set.Counts(), digits.Counts()) {
		t.Error("images or sizes of classes have changed")
	}
	same := 0
	for i, y := range set.Labels {
		if y == before[i] {
			same++
		}
	}
	if same < 20 || same > 90 { // a tenth by chance
		t.Errorf("%d of 500 labels are the same", same)
	}
	other, err := digits.Seed(1).ShuffleLabels().Build(t.Context())
	if err != nil || slices.Equal(other.Labels, set.Labels) {
		t.Errorf("another seed, the same labels: %v", err)
	}
}
