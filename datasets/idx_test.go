package datasets

import (
	"bytes"
	"slices"
	"testing"
)

func pair() (images, labels []byte) {
	return idx(idxImages, []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, 2, 3, 2), idx(idxLabels, []byte{2, 0}, 2)
}

func TestReadIDX(t *testing.T) {
	images, labels := pair()
	for name, in := range map[string][]byte{"plain": images, "gzipped": zipped(images)} {
		s, err := ReadIDX(bytes.NewReader(in), bytes.NewReader(labels))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if s.Shape != (Shape{1, 3, 2}) || !slices.Equal(s.Labels, []int{2, 0}) || len(s.Classes) != 3 || s.Pixels[11] != 12 {
			t.Errorf("%s: %+v", name, s)
		}
	}
	s, err := ReadIDX(bytes.NewReader(images), bytes.NewReader(labels), "shirt", "coat", "bag", "boot")
	if err != nil || s.At(0).Class != "bag" || len(s.Classes) != 4 {
		t.Errorf("with names: %q, %v", s.At(0).Class, err)
	}
}

func TestReadIDXBadInput(t *testing.T) {
	images, labels := pair()
	damaged := zipped(images)
	damaged[len(damaged)-6] ^= 1 // within gzip's checksum
	for _, test := range []struct {
		name           string
		images, labels []byte
		classes        []string
		want           error
		texts          []string
	}{
		{"empty", nil, labels, nil, ErrFormat, []string{"images", "0 of 4 bytes"}},
		{"labels for images", labels, labels, nil, ErrFormat, []string{"images", "0x00000801", "0x00000803"}},
		{"images for labels", images, images, nil, ErrFormat, []string{"labels", "0x00000803", "0x00000801"}},
		{"truncated header", images[:9], labels, nil, ErrFormat, []string{"5 of 12 bytes"}},
		{"truncated", images[:len(images)-1], labels, nil, ErrFormat, []string{"11 of 12 bytes"}},
		{"surplus", append(slices.Clone(images), 0), labels, nil, ErrFormat, []string{"goes on"}},
		{"truncated gzip", zipped(images)[:30], labels, nil, ErrFormat, nil},
		{"damaged gzip", damaged, labels, nil, ErrFormat, []string{"checksum"}},
		{"gzip header only", []byte{0x1f, 0x8b, 1}, labels, nil, ErrFormat, nil},
		{"count mismatch", images, idx(idxLabels, []byte{0, 0, 0}, 3), nil, ErrFormat, []string{"2 images", "3 labels"}},
		{"no images", idx(idxImages, nil, 0, 3, 2), labels, nil, ErrFormat, []string{"dimension 0 is 0"}},
		{"claims too much", idx(idxImages, nil, 1<<31, 1<<31, 1<<31), labels, nil, ErrFormat, []string{"dimension"}},
		{"claims much", idx(idxImages, nil, 1<<20, 32, 32), labels, nil, ErrFormat, []string{"0 of 1073741824"}},
		{"label without a name", images, labels, []string{"a", "b"}, ErrLabel, []string{"label 2", "2 classes (0-1)"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := ReadIDX(bytes.NewReader(test.images), bytes.NewReader(test.labels), test.classes...)
			wantError(t, err, test.want, test.texts...)
		})
	}
}

// A header may claim a gigabyte; only bytes that are there may cost memory.
func TestClaimedSizesCostNothing(t *testing.T) {
	hostile := idx(idxImages, []byte{1, 2, 3}, 1<<20, 32, 32)
	result := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			ReadIDX(bytes.NewReader(hostile), bytes.NewReader(nil))
		}
	})
	if got := result.AllocedBytesPerOp(); got > 4<<20 {
		t.Errorf("19 bytes made the reader allocate %d", got)
	}
}

func FuzzReadIDX(f *testing.F) {
	images, labels := pair()
	f.Add(images, labels)
	f.Add(zipped(images), zipped(labels))
	f.Fuzz(func(t *testing.T, images, labels []byte) {
		s, err := ReadIDX(bytes.NewReader(images), bytes.NewReader(labels))
		if err == nil && s.Check() != nil {
			t.Errorf("read an inconsistent set: %v", s.Check())
		}
	})
}
