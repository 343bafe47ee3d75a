package datasets

import (
	"bytes"
	"errors"
	"slices"
	"testing"
)

// TestMosaics takes every mosaic apart again.
func TestMosaics(t *testing.T) {
	digits, err := MNIST().Train().Take(60).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	set, err := digits.Mosaics(40).Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Check(); err != nil || set.Len() != 80 || set.Shape != (Shape{1, 28, 56}) {
		t.Fatalf("%d samples of %v: %v", set.Len(), set.Shape, err)
	}
	used := make([]int, digits.Len())
	for i := range set.Len() {
		image, mask, half := set.Pixels[i*28*56:(i+1)*28*56], set.Masks[i*28*56:(i+1)*28*56], i%2
		if other := set.Labels[i^1]; other == set.Labels[i] {
			t.Errorf("mosaic %d shows class %d twice", i/2, other)
		}
		if twin := set.Pixels[(i^1)*28*56 : (i^1+1)*28*56]; !bytes.Equal(image, twin) {
			t.Errorf("mosaic %d: its two samples differ", i/2)
		}
		var part []uint8
		for y := range 28 {
			part = append(part, image[y*56+half*28:y*56+(half+1)*28]...)
			for x := range 56 {
				if in := mask[y*56+x] == 1; in != (x/28 == half) {
					t.Fatalf("sample %d: mask at %d, %d is %v", i, x, y, in)
				}
			}
		}
		found := false
		for j := range digits.Len() {
			if bytes.Equal(part, digits.Pixels[j*784:(j+1)*784]) && digits.Labels[j] == set.Labels[i] {
				found, used[j] = true, used[j]+1
				break
			}
		}
		if !found {
			t.Errorf("sample %d shows no digit of its label in half %d", i, half)
		}
	}
	if slices.Min(used) < 1 || slices.Max(used) > 2 { // 80 halves of 60 digits
		t.Errorf("digits are used %d to %d times, want 1 or 2", slices.Min(used), slices.Max(used))
	}
	again, err := digits.Mosaics(40).Build(t.Context())
	if err != nil || again.Fingerprint() != set.Fingerprint() {
		t.Errorf("the same recipe makes other bytes: %v", err)
	}
}

func TestMosaicsRefuse(t *testing.T) {
	if _, err := MNIST().Train().Mosaics(0).Build(t.Context()); err == nil {
		t.Error("no mosaics: no error")
	}
	if _, err := MNIST().Train().Only("3").Mosaics(5).Build(t.Context()); !errors.Is(err, ErrEmptyClass) {
		t.Errorf("one class: %v", err)
	}
	if _, err := Blobs(BlobOptions{Samples: 20}).Mosaics(5).Build(t.Context()); err == nil {
		t.Error("a table: no error")
	}
}
