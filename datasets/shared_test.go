package datasets

import (
	"archive/zip"
	"context"
	"io/fs"
	"slices"
	"testing"
)

// These tests read real published data where it lies beside the repository. The counts
// are those their publishers state.

func TestRealCIFAR10(t *testing.T) {
	s := build(t, File(shared(t, "cifar10-test.bin.gz"), CIFAR10{}))
	if want := slices.Repeat([]int{1000}, 10); !slices.Equal(s.Counts(), want) {
		t.Errorf("test images per class %v", s.Counts())
	}

	// The same images lie in a zip of JPEG files, class by class. Decoders differ in how
	// they enlarge the colour planes, so the comparison is of the mean; a mixed-up image
	// or channel would differ by about 60.
	archive, err := zip.OpenReader(shared(t, "cifar10-jpeg.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	sub, err := fs.Sub(archive, "test")
	if err != nil {
		t.Fatal(err)
	}
	images, err := ReadImages(context.Background(), sub, Images{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(images.Classes, s.Classes) || !slices.Equal(images.Labels, s.Labels) || images.Shape != s.Shape {
		t.Fatalf("the image folder has classes %q and shape %v", images.Classes, images.Shape)
	}
	sum := 0
	for i, v := range images.Pixels {
		sum += max(int(v), int(s.Pixels[i])) - min(int(v), int(s.Pixels[i]))
	}
	if mean := float64(sum) / float64(len(s.Pixels)); mean > 3 {
		t.Errorf("the folder and the binary file differ by %.2f of 255 on average", mean)
	} else {
		t.Logf("the folder and the binary file differ by %.2f of 255 on average", mean)
	}
}

func TestRealLongTail(t *testing.T) {
	s := build(t, File(shared(t, "cifar10-lt100-train.bin.gz"), CIFAR10{}))
	want := []int{5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50}
	if !slices.Equal(s.Counts(), want) {
		t.Errorf("class sizes %v, want %v", s.Counts(), want)
	}
	// It is what LongTail makes of the balanced set.
	if got := build(t, balanced(10, 5000).LongTail(0.01)).Counts(); !slices.Equal(got, s.Counts()) {
		t.Errorf("LongTail(0.01) gives %v", got)
	}
}

func TestRealMedMNIST(t *testing.T) {
	path := shared(t, "pneumoniamnist.npz")
	for split, want := range map[string][]int{"train": {388, 3494}, "val": {135, 389}, "test": {234, 390}} {
		s := build(t, File(path, MedMNIST{Split: split, Classes: []string{"normal", "pneumonia"}}))
		if !slices.Equal(s.Counts(), want) || s.Shape != (Shape{1, 28, 28}) || s.Name != "pneumoniamnist "+split {
			t.Errorf("%s: %q, counts %v, want %v, shape %v", split, s.Name, s.Counts(), want, s.Shape)
		}
	}
}

func TestRealFashionMNIST(t *testing.T) {
	s := build(t, File(shared(t, "fashion-mnist-by-class/t10k-images-idx3-ubyte.gz"),
		IDX{Labels: shared(t, "fashion-mnist-by-class/t10k-labels-idx1-ubyte.gz")}))
	if want := slices.Repeat([]int{1000}, 10); !slices.Equal(s.Counts(), want) || s.Shape != (Shape{1, 28, 28}) {
		t.Errorf("counts %v, shape %v", s.Counts(), s.Shape)
	}
}
