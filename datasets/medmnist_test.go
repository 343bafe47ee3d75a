package datasets

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"testing"
)

// array is a member of an .npz file, as numpy writes it.
type array struct {
	name, header string
	data         []byte
}

func u1(name, shape string, data ...byte) array {
	return array{name, "{'descr': '|u1', 'fortran_order': False, 'shape': (" + shape + "), }", data}
}

func archiveOf(arrays ...array) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, a := range arrays {
		w, _ := z.Create(a.name + ".npy")
		header := a.header + "\n"
		fmt.Fprintf(w, "\x93NUMPY\x01\x00%c%c%s", len(header)&255, len(header)>>8, header)
		w.Write(a.data)
	}
	z.Close()
	return b.Bytes()
}

func readNPZ(b []byte, o MedMNIST) (Set, error) {
	return ReadMedMNIST(bytes.NewReader(b), int64(len(b)), o)
}

func TestReadMedMNIST(t *testing.T) {
	grey := archiveOf(
		u1("train_images", "2, 1, 2", 1, 2, 3, 4), u1("train_labels", "2, 1", 1, 0),
		u1("test_images", "1, 1, 2", 5, 6), u1("test_labels", "1, 1", 0))
	s, err := readNPZ(grey, MedMNIST{})
	if err != nil {
		t.Fatal(err)
	}
	if s.Shape != (Shape{1, 1, 2}) || !slices.Equal(s.Labels, []int{1, 0}) || !slices.Equal(s.Pixels, []uint8{1, 2, 3, 4}) {
		t.Errorf("train: %+v", s)
	}
	// The test split has only class 0, yet the set has two classes.
	if s, err = readNPZ(grey, MedMNIST{Split: "test"}); err != nil || len(s.Classes) != 2 {
		t.Errorf("test: classes %q, %v", s.Classes, err)
	}
	if s, err = readNPZ(grey, MedMNIST{Classes: []string{"well", "ill"}}); err != nil || s.At(0).Class != "ill" {
		t.Errorf("named: %q, %v", s.At(0).Class, err)
	}

	colour := archiveOf(u1("val_images", "1, 1, 2, 3", 1, 2, 3, 11, 12, 13), u1("val_labels", "1, 1", 0))
	s, err = readNPZ(colour, MedMNIST{Split: "val"})
	if err != nil || s.Shape != (Shape{3, 1, 2}) || !slices.Equal(s.Pixels, []uint8{1, 11, 2, 12, 3, 13}) {
		t.Errorf("colour: %+v, %v", s, err)
	}
}

func TestReadMedMNISTBadInput(t *testing.T) {
	images, labels := u1("train_images", "2, 1, 2", 1, 2, 3, 4), u1("train_labels", "2, 1", 1, 0)
	whole := archiveOf(images, labels)
	for _, test := range []struct {
		name  string
		file  []byte
		o     MedMNIST
		want  error
		texts []string
	}{
		{"empty", nil, MedMNIST{}, ErrFormat, nil},
		{"not a zip", []byte("PK but no more"), MedMNIST{}, ErrFormat, nil},
		{"truncated", whole[:len(whole)/2], MedMNIST{}, ErrFormat, nil},
		{"split", whole, MedMNIST{Split: "dev"}, nil, []string{`"dev"`, `"val"`}},
		{"no such split", whole, MedMNIST{Split: "val"}, ErrFormat, []string{"val_images", `"train_images.npy"`}},
		{"no labels", archiveOf(images), MedMNIST{}, ErrFormat, []string{"train_labels"}},
		{"fewer labels", archiveOf(images, u1("train_labels", "1, 1", 1)), MedMNIST{}, ErrFormat, []string{"2 images but 1 labels"}},
		{"several labels", archiveOf(images, u1("train_labels", "2, 2", 1, 0, 1, 0)), MedMNIST{}, ErrFormat, []string{"several labels"}},
		{"label without a name", whole, MedMNIST{Classes: []string{"a"}}, ErrLabel, []string{"label 1"}},
		{"four channels", archiveOf(u1("train_images", "1, 1, 1, 4", 1, 2, 3, 4), labels), MedMNIST{}, ErrFormat, []string{"[1 1 1 4]"}},
		{"too short", archiveOf(u1("train_images", "2, 1, 2", 1, 2, 3), labels), MedMNIST{}, ErrFormat, []string{"train_images", "3 of 4"}},
		{"too long", archiveOf(u1("train_images", "2, 1, 2", 1, 2, 3, 4, 5), labels), MedMNIST{}, ErrFormat, []string{"goes on"}},
		{"negative shape", archiveOf(u1("train_images", "-2, 1, 2", 1), labels), MedMNIST{}, ErrFormat, []string{"[-2 1 2]"}},
		{"huge shape", archiveOf(u1("train_images", "4000000000, 4000000000, 4000000000", 1), labels), MedMNIST{}, ErrFormat, []string{"4000000000"}},
		{"scalar", archiveOf(u1("train_images", "", 1), labels), MedMNIST{}, ErrFormat, nil},
		{"floats", archiveOf(array{"train_images", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 1, 2), }", nil}, labels), MedMNIST{}, ErrFormat, []string{`"<f4"`}},
		{"Fortran order", archiveOf(array{"train_images", "{'descr': '|u1', 'fortran_order': True, 'shape': (2, 1, 2), }", nil}, labels), MedMNIST{}, ErrFormat, []string{"Fortran order true"}},
		{"header that makes the library panic", archiveOf(array{"train_images", "{'shape': ()'fortran_order': 'descr': }", nil}, labels), MedMNIST{}, ErrFormat, nil},
		{"header without an end", archiveOf(array{"train_images", "'descr': '|u1', 'fortran_order': False, 'shape': (2, 1, 2)", nil}, labels), MedMNIST{}, ErrFormat, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := readNPZ(test.file, test.o)
			wantError(t, err, test.want, append(test.texts, "MedMNIST")...)
		})
	}
}

// Version 2 of the .npy format has a header length of four bytes, for which the library
// would allocate up to 4 GiB.
func TestArrayHeaderOfVersion2(t *testing.T) {
	file := func(length uint32, rest string) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		w, _ := z.Create("train_images.npy")
		w.Write(binary.LittleEndian.AppendUint32([]byte("\x93NUMPY\x02\x00"), length))
		w.Write([]byte(rest))
		w, _ = z.Create("train_labels.npy")
		header := "{'descr': '|u1', 'fortran_order': False, 'shape': (1,), }\n"
		fmt.Fprintf(w, "\x93NUMPY\x01\x00%c\x00%s\x00", len(header), header)
		z.Close()
		return b.Bytes()
	}
	header := "{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 2), }\n"
	s, err := readNPZ(file(uint32(len(header)), header+"\x05\x06"), MedMNIST{})
	if err != nil || !slices.Equal(s.Pixels, []uint8{5, 6}) {
		t.Errorf("%+v, %v", s, err)
	}
	_, err = readNPZ(file(1<<32-1, header), MedMNIST{})
	wantError(t, err, ErrFormat, "train_images", "header of 4294967295 bytes")
	_, err = readNPZ(file(60000, header), MedMNIST{})
	wantError(t, err, ErrFormat, "of 60000 bytes")
}

func FuzzReadMedMNIST(f *testing.F) {
	f.Add(archiveOf(u1("train_images", "2, 1, 2", 1, 2, 3, 4), u1("train_labels", "2, 1", 1, 0)))
	f.Add(archiveOf(u1("train_images", "1, 1, 1, 3", 1, 2, 3), u1("train_labels", "1", 1)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := readNPZ(b, MedMNIST{}); err == nil && s.Check() != nil {
			t.Errorf("read an inconsistent set: %v", s.Check())
		}
	})
}

// The container of an .npz file keeps a fuzzer busy with checksums; this one spends its
// time on the array headers.
func FuzzArrayHeader(f *testing.F) {
	f.Add("{'descr': '|u1', 'fortran_order': False, 'shape': (2, 1, 2), }", []byte{1, 2, 3, 4})
	f.Add("{'shape': ()'fortran_order': 'descr': }", []byte{})
	f.Fuzz(func(t *testing.T, header string, data []byte) {
		if len(header) > 1<<15 {
			return
		}
		b := archiveOf(array{"train_images", header, data}, u1("train_labels", "2, 1", 1, 0))
		if s, err := readNPZ(b, MedMNIST{}); err == nil && s.Check() != nil {
			t.Errorf("read an inconsistent set: %v", s.Check())
		}
	})
}
