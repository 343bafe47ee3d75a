package datasets

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/sbinet/npyio/npy"
	"github.com/sbinet/npyio/npz"
)

// MedMNIST says what to read from a MedMNIST file (.npz).
type MedMNIST struct {
	Split   string   // "train" (default), "val" or "test"
	Classes []string // names of the classes; default "0", "1", ... up to the largest label of all splits
}

// ReadMedMNIST reads one split of a file of the MedMNIST collection: arrays like
// train_images of bytes, n x h x w (grey) or n x h x w x 3 (RGB), and train_labels,
// n x 1. Sets with several labels per image are not supported. Errors match ErrFormat
// for a damaged file or arrays of other types and shapes, and ErrLabel.
func ReadMedMNIST(r io.ReaderAt, size int64, o MedMNIST) (Set, error) {
	if o.Split == "" {
		o.Split = "train"
	}
	splits := []string{"train", "val", "test"}
	if !slices.Contains(splits, o.Split) {
		return Set{}, errorf("MedMNIST: no split %q, only %q", o.Split, splits)
	}
	a, err := openArchive(r, size)
	if err != nil {
		return Set{}, errorf("MedMNIST: %w", err)
	}
	dims, pixels, err := a.bytes(o.Split + "_images")
	if err != nil {
		return Set{}, errorf("MedMNIST: %w", err)
	}
	s := Set{Name: "MedMNIST " + o.Split, Classes: slices.Clone(o.Classes)}
	switch {
	case len(dims) == 3:
		s.Shape, s.Pixels = Shape{1, dims[1], dims[2]}, pixels
	case len(dims) == 4 && dims[3] == 3:
		s.Shape = Shape{3, dims[1], dims[2]}
		s.Pixels = planes(pixels, dims[1]*dims[2])
	default:
		return Set{}, errorf("MedMNIST: %s_images has shape %v, want n x h x w or n x h x w x 3: %w", o.Split, dims, ErrFormat)
	}
	if s.Labels, err = a.labels(o.Split); err != nil {
		return Set{}, errorf("MedMNIST: %w", err)
	}
	if len(s.Labels) != dims[0] {
		return Set{}, errorf("MedMNIST: %d images but %d labels in split %s: %w", dims[0], len(s.Labels), o.Split, ErrFormat)
	}
	if len(s.Classes) == 0 {
		// A small split may miss the last class, so every split has a say in how many
		// classes there are.
		all := slices.Clone(s.Labels)
		for _, split := range splits {
			if split != o.Split && slices.Contains(a.Keys(), split+"_labels.npy") {
				more, err := a.labels(split)
				if err != nil {
					return Set{}, errorf("MedMNIST: %w", err)
				}
				all = append(all, more...)
			}
		}
		s.Classes = numbered(all)
	}
	return s, s.Check()
}

// planes turns interleaved RGB images of hw pixels into channel-major ones.
func planes(interleaved []uint8, hw int) []uint8 {
	p := make([]uint8, len(interleaved))
	for base := 0; base < len(p); base += 3 * hw {
		for i := range hw {
			for ch := range 3 {
				p[base+ch*hw+i] = interleaved[base+3*i+ch]
			}
		}
	}
	return p
}

// archive is an .npz file: a zip of .npy arrays.
type archive struct{ *npz.Reader }

func openArchive(r io.ReaderAt, size int64) (archive, error) {
	a, err := npz.NewReader(r, size)
	if err != nil {
		return archive{}, fmt.Errorf("npz: %w: %w", err, ErrFormat)
	}
	return archive{a}, nil
}

// labels returns the labels of a split.
func (a archive) labels(split string) ([]int, error) {
	dims, raw, err := a.bytes(split + "_labels")
	if err != nil {
		return nil, err
	}
	if len(dims) == 2 && dims[1] > 1 {
		return nil, fmt.Errorf("%s_labels has shape %v: several labels per image are not supported: %w", split, dims, ErrFormat)
	}
	if len(dims) > 2 {
		return nil, fmt.Errorf("%s_labels has shape %v, want n x 1: %w", split, dims, ErrFormat)
	}
	labels := make([]int, len(raw))
	for i, y := range raw {
		labels[i] = int(y)
	}
	return labels, nil
}

// bytes returns the shape and the values of an array of bytes. The npy library panics on
// some damaged headers; that ends here.
func (a archive) bytes(name string) (dims []int, values []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: damaged header (%v): %w", name, p, ErrFormat)
		}
	}()
	if !slices.Contains(a.Keys(), name+".npy") {
		return nil, nil, fmt.Errorf("no array %s, only %q: %w", name, a.Keys(), ErrFormat)
	}
	r, err := a.Open(name + ".npy")
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w: %w", name, err, ErrFormat)
	}
	defer r.Close()
	head, err := npyHead(r)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, err)
	}
	header, err := npy.NewReader(bytes.NewReader(head))
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w: %w", name, err, ErrFormat)
	}
	descr := header.Header.Descr
	if descr.Type != "|u1" || descr.Fortran {
		return nil, nil, fmt.Errorf("%s: type %q (Fortran order %t), want \"|u1\" in C order: %w", name, descr.Type, descr.Fortran, ErrFormat)
	}
	total := 1
	for _, d := range descr.Shape {
		if d < 1 || d > maxValues/total {
			return nil, nil, fmt.Errorf("%s: shape %v: %w", name, descr.Shape, ErrFormat)
		}
		total *= d
	}
	if len(descr.Shape) == 0 {
		return nil, nil, fmt.Errorf("%s: is a single value: %w", name, ErrFormat)
	}
	if values, err = readN(r, total); err == nil {
		err = atEnd(r) // where zip compares its checksum
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", name, malformed(err))
	}
	return descr.Shape, values, nil
}

// npyHead reads the header of an .npy file. The library would allocate whatever length
// the header claims, so the claim is looked at first.
func npyHead(r io.Reader) ([]byte, error) {
	head, err := readN(r, 10) // magic, version, two bytes of length
	if err != nil {
		return nil, err
	}
	length := int(binary.LittleEndian.Uint16(head[8:]))
	if head[6] >= 2 { // four bytes of length
		more, err := readN(r, 2)
		if err != nil {
			return nil, err
		}
		head = append(head, more...)
		length = int(binary.LittleEndian.Uint32(head[8:]))
	}
	if length > maxText {
		return nil, fmt.Errorf("header of %d bytes: %w", length, ErrFormat)
	}
	rest, err := readN(r, length)
	return append(head, rest...), err
}

func (o MedMNIST) files(path string) ([]string, error) { return []string{path}, nil }

func (o MedMNIST) read(_ context.Context, path string) (Set, error) {
	file, err := os.Open(path)
	if err != nil {
		return Set{}, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return Set{}, err
	}
	s, err := ReadMedMNIST(file, info.Size(), o)
	s.Name = baseName(path) + strings.TrimPrefix(s.Name, "MedMNIST")
	return s, err
}
