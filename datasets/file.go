package datasets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// Format says how files on disk become a set: IDX, CIFAR10, CIFAR100, MedMNIST, Images
// or CSV.
type Format interface {
	files(path string) ([]string, error) // on disk: exactly those that read reads
	read(ctx context.Context, path string) (Set, error)
}

// IDX is the format of ReadIDX. The path names the image file.
type IDX struct {
	Labels  string   // path of the label file; required
	Classes []string // names of the classes; default "0", "1", ...
}

// CIFAR10 is the format of ReadCIFAR10. The path names a file, or a folder whose
// data_batch_*.bin files are read.
type CIFAR10 struct{}

// CIFAR100 is the format of ReadCIFAR100 and ReadCIFAR100Coarse.
type CIFAR100 struct {
	Coarse bool // the 20 superclasses instead of the 100 classes
}

// File returns a recipe that starts from a file, or a folder of images. The file is read
// when the recipe is built. Its key holds the SHA-256 of the names and the bytes of
// exactly those files that the format reads, so a changed file makes a new set, and an
// editor's folder beside the images does not. Computing the key therefore reads the
// files; the recipe and those made from it do so again only after a file has changed in
// size or modification time.
func File(path string, f Format) Recipe {
	if f == nil {
		return Recipe{err: fmt.Errorf("datasets.File(%q): the format is nil", path)}
	}
	return Recipe{origin: file{path, f, new(digest)}}
}

type file struct {
	path   string
	format Format
	digest *digest // shared by the copies of the recipe
}

func (f file) key() string {
	var sum string
	paths, err := f.format.files(f.path)
	if err == nil {
		sum, err = f.digest.of(f.path, paths)
	}
	if err != nil {
		sum = fmt.Sprintf("unreadable(%q)", err) // which Build will report
	}
	return fmt.Sprintf("File(%q,%#v,%s)", filepath.Base(f.path), f.format, sum)
}

func (f file) build(ctx context.Context, _ uint64) (Set, error) {
	s, err := f.format.read(ctx, f.path)
	if err != nil {
		return Set{}, fmt.Errorf("datasets.File(%q): %w", f.path, inner(err))
	}
	return s, nil
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func (o IDX) files(path string) ([]string, error) { return []string{path, o.Labels}, nil }

func (o IDX) read(_ context.Context, path string) (Set, error) {
	if o.Labels == "" {
		return Set{}, errors.New("IDX.Labels must name the label file")
	}
	var s Set
	err := withFiles([]string{path, o.Labels}, func(in []io.Reader) (err error) {
		s, err = ReadIDX(in[0], in[1], o.Classes...)
		return err
	})
	s.Name = baseName(path)
	return s, err
}

func (CIFAR10) files(path string) ([]string, error) {
	if !isDir(path) {
		return []string{path}, nil
	}
	// The pattern is valid, so Glob cannot fail.
	batches, _ := filepath.Glob(filepath.Join(path, "data_batch_*.bin"))
	if len(batches) == 0 {
		return nil, fmt.Errorf("no data_batch_*.bin in the folder: %w", ErrFormat)
	}
	return batches, nil
}

func (o CIFAR10) read(_ context.Context, path string) (Set, error) {
	files, err := o.files(path)
	if err != nil {
		return Set{}, err
	}
	return readFiles(path, files, ReadCIFAR10)
}

func (CIFAR100) files(path string) ([]string, error) { return []string{path}, nil }

func (o CIFAR100) read(_ context.Context, path string) (Set, error) {
	if o.Coarse {
		return readFiles(path, []string{path}, ReadCIFAR100Coarse)
	}
	return readFiles(path, []string{path}, ReadCIFAR100)
}

func readFiles(path string, files []string, read func(...io.Reader) (Set, error)) (Set, error) {
	var s Set
	err := withFiles(files, func(in []io.Reader) (err error) {
		s, err = read(in...)
		return err
	})
	s.Name = baseName(path)
	return s, err
}

// withFiles calls use with the opened files.
func withFiles(paths []string, use func([]io.Reader) error) error {
	var in []io.Reader
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		in = append(in, f)
	}
	return use(in)
}

// baseName is the file's name without folder and extensions.
func baseName(path string) string {
	name := filepath.Base(path)
	for _, ext := range []string{".gz", ".bin", ".npz", ".zip", ".csv"} {
		name = strings.TrimSuffix(name, ext)
	}
	return name
}
