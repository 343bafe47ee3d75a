package datasets

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFile(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, content []byte) string {
		t.Helper()
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	images, labels := pair()
	write("photos/cat/1.png", pngOf(2, 2, red))
	write("photos/dog/1.png", pngOf(2, 2, blue))
	write("cifar/data_batch_1.bin", cifarRecord(1, 1))
	write("cifar/data_batch_2.bin", cifarRecord(2, 2))
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	for _, name := range []string{"test/cat/1.png", "test/dog/1.png"} {
		w, _ := z.Create(name)
		w.Write(pngOf(2, 2, red))
	}
	z.Close()

	for _, test := range []struct {
		path   string
		format Format
		name   string
		labels []int
	}{
		{write("images.gz", zipped(images)), IDX{Labels: write("labels", labels)}, "images", []int{2, 0}},
		{write("one.bin.gz", zipped(cifarRecord(1, 1))), CIFAR10{}, "one", []int{1}},
		{filepath.Join(dir, "cifar"), CIFAR10{}, "cifar", []int{1, 2}},
		{write("hundred.bin", cifarRecord(1, 4, 83)), CIFAR100{}, "hundred", []int{83}},
		{write("hundred.bin", cifarRecord(1, 4, 83)), CIFAR100{Coarse: true}, "hundred", []int{4}},
		{write("med.npz", archiveOf(u1("train_images", "2, 1, 2", 1, 2, 3, 4), u1("train_labels", "2, 1", 1, 0))), MedMNIST{}, "med train", []int{1, 0}},
		{filepath.Join(dir, "photos"), Images{}, "photos", []int{0, 1}},
		{write("pets.zip", archive.Bytes()), Images{Dir: "test", Grey: true}, "pets test", []int{0, 1}},
		{write("t.csv", []byte("x,y\n1,b\n2,a\n")), CSV{Label: "y"}, "t", []int{1, 0}},
	} {
		r := File(test.path, test.format)
		key := r.Key()
		s := build(t, r)
		if s.Name != test.name || !slices.Equal(s.Labels, test.labels) {
			t.Errorf("%s: name %q, labels %v, want %q, %v", test.path, s.Name, s.Labels, test.name, test.labels)
		}
		if again := File(test.path, test.format).Key(); again != key {
			t.Errorf("%s: two keys for the same content:\n%s\n%s", test.path, key, again)
		}
	}

	// The key follows the content, and the format.
	photos := File(filepath.Join(dir, "photos"), Images{})
	key := photos.Key()
	write("photos/dog/1.png", pngOf(2, 2, red))
	if photos.Key() == key {
		t.Error("the key does not notice a changed file")
	}
	key = photos.Key()
	write("photos/dog/2.png", pngOf(2, 2, red))
	if photos.Key() == key {
		t.Error("the key does not notice a new file")
	}
	if File(photos.origin.(file).path, Images{Grey: true}).Key() == photos.Key() {
		t.Error("the key does not notice an option")
	}
}

// What ReadImages passes over has no part in the key; names and bytes of the rest have.
func TestFileKeyCoversWhatIsRead(t *testing.T) {
	dir := t.TempDir()
	write := func(name string, content []byte) {
		t.Helper()
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	write("train/cat/1.png", pngOf(2, 2, red))
	write("train/dog/1.png", pngOf(2, 2, blue))
	write("test/cat/1.png", pngOf(2, 2, red))
	key := func() string { return File(dir, Images{Dir: "train"}).Key() }
	before := key()
	for _, name := range []string{".DS_Store", "train/.ipynb_checkpoints/x.png", "train/_old/x.png", "train/notes.txt", "train/cat/.DS_Store", "train/cat/deep/2.png", "test/cat/2.png"} {
		write(name, []byte("x"))
		if key() != before {
			t.Errorf("%s changes the key though it is not read", name)
		}
	}
	if err := os.Rename(filepath.Join(dir, "train", "dog"), filepath.Join(dir, "train", "wolf")); err != nil {
		t.Fatal(err)
	}
	if key() == before {
		t.Error("the key does not notice another class name")
	}
}

// The files are read again only when they look changed, also by recipes made from the
// first one.
func TestFileKeyIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "t.csv")
	long := time.Now().Add(-time.Hour)
	write := func(content string, at time.Time) {
		t.Helper()
		if err := errors.Join(os.WriteFile(path, []byte(content), 0o644), os.Chtimes(path, at, at)); err != nil {
			t.Fatal(err)
		}
	}
	write("x,y\n1,b\n2,a\n", long)
	r := File(path, CSV{Label: "y"})
	key, taken := r.Key(), r.Take(1).Key()
	write("x,y\n3,b\n2,a\n", long)
	if r.Key() != key || r.Take(1).Key() != taken {
		t.Error("a file that looks unchanged was read again")
	}
	write("x,y\n3,b\n2,a\n", long.Add(time.Second))
	if r.Key() == key || r.Take(1).Key() == taken {
		t.Error("the key does not notice a changed file")
	}
	// A file written this moment may change again without looking changed.
	now := time.Now()
	write("x,y\n4,b\n2,a\n", now)
	key = r.Key()
	write("x,y\n5,b\n2,a\n", now)
	if r.Key() == key {
		t.Error("the digest of a file that was just written was kept")
	}
}

// An error names the package once.
func TestErrorsNameThePackageOnce(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "data_batch_2.bin")
	if err := os.WriteFile(path, []byte("just text"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, r := range []Recipe{
		File(path, CSV{Label: "y"}), File(path, CIFAR10{}), File(dir, CIFAR10{}), File(path, IDX{Labels: path}),
		File(path, MedMNIST{}), File(dir, Images{}), File(path, Images{}),
	} {
		_, err := r.Build(t.Context())
		if err == nil || strings.Count(err.Error(), "datasets") != 1 {
			t.Errorf("error %q, want the package's name once", err)
		}
	}
	_, err := File(dir, CIFAR10{}).Build(t.Context())
	wantError(t, err, ErrFormat, "data_batch_2.bin, image 0")
	bad := Set{Name: "bad", Shape: Shape{1, 1, 1}, Labels: []int{0}, Pixels: []uint8{1}}
	if err := bad.At(0).Err(); err == nil || strings.Count(err.Error(), "datasets") != 1 {
		t.Errorf("error %q, want the package's name once", err)
	}
}

func TestFileBadInput(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("just text"), 0o644); err != nil {
		t.Fatal(err)
	}
	gone := filepath.Join(dir, "gone")
	for _, test := range []struct {
		name   string
		path   string
		format Format
		want   error
		texts  []string
	}{
		{"IDX", text, IDX{Labels: text}, ErrFormat, []string{"0x6a757374", "0x00000803"}},
		{"IDX without labels", text, IDX{}, nil, []string{"IDX.Labels"}},
		{"IDX missing", gone, IDX{Labels: text}, os.ErrNotExist, nil},
		{"CIFAR", text, CIFAR10{}, ErrFormat, []string{"9 of its 3073"}},
		{"CIFAR folder", dir, CIFAR10{}, ErrFormat, []string{"data_batch_*.bin"}},
		{"CIFAR missing", gone, CIFAR100{}, os.ErrNotExist, nil},
		{"MedMNIST", text, MedMNIST{}, ErrFormat, nil},
		{"MedMNIST missing", gone, MedMNIST{}, os.ErrNotExist, nil},
		{"images", text, Images{}, ErrFormat, []string{"neither a folder nor a zip file"}},
		{"images missing", gone, Images{}, os.ErrNotExist, nil},
		{"CSV", text, CSV{Label: "y"}, ErrColumn, nil},
		{"CSV missing", gone, CSV{Label: "y"}, os.ErrNotExist, nil},
		{"no format", text, nil, nil, []string{"format is nil"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := File(test.path, test.format).Take(1)
			if r.Key() == "" {
				t.Error("no key")
			}
			_, err := r.Build(context.Background())
			wantError(t, err, test.want, append(test.texts, "datasets.File", test.path)...)
		})
	}
}
