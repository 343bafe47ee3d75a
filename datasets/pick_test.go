package datasets

import (
	"errors"
	"slices"
	"testing"
)

func TestPick(t *testing.T) {
	digits, err := MNIST().Train().Take(50).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	order := []int{7, 3, 49, 3, 0}
	set, err := digits.Pick(order...).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for k, i := range order {
		if set.Labels[k] != digits.Labels[i] || !slices.Equal(set.At(k).X, digits.At(i).X) {
			t.Errorf("sample %d is not sample %d", k, i)
		}
	}
	if set.Len() != 5 || set.Check() != nil {
		t.Errorf("%d samples: %v", set.Len(), set.Check())
	}
	long := make([]int, 30)
	if a, b := digits.Pick(long...).Key(), digits.Pick(append(long[:29:29], 1)...).Key(); a == b || len(a) > 400 {
		t.Errorf("keys %q and %q", a, b)
	}
	for _, bad := range []int{-1, 50} {
		if _, err := digits.Pick(0, bad).Build(t.Context()); !errors.Is(err, ErrTooFew) {
			t.Errorf("index %d: %v", bad, err)
		}
	}
	if _, err := digits.Pick().Build(t.Context()); err == nil {
		t.Error("no index: no error")
	}
}
