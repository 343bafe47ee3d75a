package datasets

import (
	"bytes"
	"io"
	"slices"
	"testing"
)

func cifarRecord(fill byte, labels ...byte) []byte {
	return append(labels, bytes.Repeat([]byte{fill}, cifarPixels)...)
}

func TestReadCIFAR(t *testing.T) {
	first, second := cifarRecord(7, 9), slices.Concat(cifarRecord(8, 0), cifarRecord(9, 3))
	s, err := ReadCIFAR10(bytes.NewReader(first), bytes.NewReader(zipped(second)))
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(s.Labels, []int{9, 0, 3}) || s.At(0).Class != "truck" || s.Pixels[cifarPixels] != 8 || s.Shape != (Shape{3, 32, 32}) {
		t.Errorf("labels %v, first class %q, shape %v", s.Labels, s.At(0).Class, s.Shape)
	}

	hundred := cifarRecord(1, 4, 83) // fine 83 belongs to coarse 4
	fine, err := ReadCIFAR100(bytes.NewReader(hundred))
	if err != nil || fine.At(0).Class != "sweet_pepper" || len(fine.Classes) != 100 {
		t.Errorf("fine class %q of %d, %v", fine.At(0).Class, len(fine.Classes), err)
	}
	coarse, err := ReadCIFAR100Coarse(bytes.NewReader(hundred))
	if err != nil || coarse.At(0).Class != "fruit_and_vegetables" || len(coarse.Classes) != 20 {
		t.Errorf("coarse class %q of %d, %v", coarse.At(0).Class, len(coarse.Classes), err)
	}
	for _, classes := range [][]string{cifar10Classes(), cifar100Classes(), cifar100Superclasses()} {
		if !slices.IsSorted(classes) {
			t.Errorf("the class names of CIFAR are in alphabetical order, these are not: %q", classes)
		}
	}
}

func TestReadCIFARBadInput(t *testing.T) {
	good := cifarRecord(1, 1)
	for _, test := range []struct {
		name  string
		read  func(...io.Reader) (Set, error)
		file  []byte
		want  error
		texts []string
	}{
		{"empty", ReadCIFAR10, nil, ErrFormat, []string{"no images"}},
		{"truncated", ReadCIFAR10, append(slices.Clone(good), good[:100]...), ErrFormat, []string{"file 1, image 1", "100 of its 3073"}},
		{"label", ReadCIFAR10, append(slices.Clone(good), cifarRecord(1, 10)...), ErrLabel, []string{"image 1", "label 10", "0-9"}},
		{"fine label", ReadCIFAR100, cifarRecord(1, 0, 100), ErrLabel, []string{"label 100"}},
		{"coarse label", ReadCIFAR100Coarse, cifarRecord(1, 20, 1), ErrLabel, []string{"label 20"}},
		{"cut gzip", ReadCIFAR10, zipped(good)[:20], ErrFormat, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := test.read(bytes.NewReader(test.file))
			wantError(t, err, test.want, test.texts...)
		})
	}
}

func FuzzReadCIFAR10(f *testing.F) {
	f.Add(cifarRecord(3, 3))
	f.Add(zipped(cifarRecord(3, 10)))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := ReadCIFAR10(bytes.NewReader(b))
		if err == nil && s.Check() != nil {
			t.Errorf("read an inconsistent set: %v", s.Check())
		}
	})
}
