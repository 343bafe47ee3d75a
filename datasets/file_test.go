package datasets

import (
	"archive/zip"
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"testing"
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
