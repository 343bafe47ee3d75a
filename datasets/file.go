package datasets

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Format says how files on disk become a set: IDX, CIFAR10, CIFAR100, MedMNIST, Images
// or CSV.
type Format interface {
	files(path string) []string // every file or folder that is read
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
// when the recipe is built. Its key holds the SHA-256 of the content, so a changed file
// makes a new set; computing the key therefore reads the file.
func File(path string, f Format) Recipe {
	if f == nil {
		return Recipe{err: fmt.Errorf("datasets.File(%q): the format is nil", path)}
	}
	return Recipe{origin: file{path, f}}
}

type file struct {
	path   string
	format Format
}

func (f file) key() string {
	return fmt.Sprintf("File(%q,%#v,%s)", filepath.Base(f.path), f.format, digestFiles(f.format.files(f.path)))
}

func (f file) build(ctx context.Context, _ uint64) (Set, error) {
	s, err := f.format.read(ctx, f.path)
	if err != nil {
		return Set{}, fmt.Errorf("datasets.File(%q): %w", f.path, err)
	}
	return s, nil
}

// digestFiles returns a digest of the content of files and folders, or what keeps it from
// reading them, which is what Build will report.
func digestFiles(paths []string) string {
	h := sha256.New()
	for _, root := range paths {
		// WalkDir goes in lexical order.
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			name, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			sum, err := digestFile(path)
			fmt.Fprintf(h, "%q %x\n", filepath.ToSlash(name), sum)
			return err
		})
		if err != nil {
			return fmt.Sprintf("unreadable(%q)", err)
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil))
}

func digestFile(path string) ([]byte, error) {
	in, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	h := sha256.New()
	_, err = io.Copy(h, in)
	return h.Sum(nil), err
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func (o IDX) files(path string) []string { return []string{path, o.Labels} }

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

func (CIFAR10) files(path string) []string {
	if isDir(path) {
		// The pattern is valid, so Glob cannot fail.
		batches, _ := filepath.Glob(filepath.Join(path, "data_batch_*.bin"))
		return batches
	}
	return []string{path}
}

func (o CIFAR10) read(_ context.Context, path string) (Set, error) {
	files := o.files(path)
	if len(files) == 0 {
		return Set{}, fmt.Errorf("no data_batch_*.bin in the folder: %w", ErrFormat)
	}
	return readFiles(path, files, ReadCIFAR10)
}

func (CIFAR100) files(path string) []string { return []string{path} }

func (o CIFAR100) read(_ context.Context, path string) (Set, error) {
	if o.Coarse {
		return readFiles(path, o.files(path), ReadCIFAR100Coarse)
	}
	return readFiles(path, o.files(path), ReadCIFAR100)
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
