package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
)

// What is committed is what this program makes. Compressed bytes may differ between Go
// versions, so the contents are compared.
func TestCommittedSlice(t *testing.T) {
	if os.Getenv("CI") == "" && os.Getenv("WHYBOOK_NET") == "" {
		t.Setenv("GOPROXY", "off") // the module cache will do
	}
	folder, err := source().Download(context.Background())
	if err != nil {
		t.Skipf("needs the full MNIST: %v", err)
	}
	for _, p := range parts() {
		images, labels, err := p.cut(folder)
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string][]byte{p.name + "-images.gz": images, p.name + "-labels.gz": labels} {
			got, err := read(filepath.Join("..", "..", "mnist", name))
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s is not what the generator makes; run go generate ./datasets", name)
			}
		}
	}
}

func TestChooseKeepsOrderAndShares(t *testing.T) {
	labels := bytes.Repeat([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 8)
	index := choose(labels, 3, "x")
	counts := map[byte]int{}
	for k, i := range index {
		if k > 0 && i <= index[k-1] {
			t.Fatalf("order %v", index)
		}
		counts[labels[i]]++
	}
	for class, n := range counts {
		if n != 3 {
			t.Errorf("class %d has %d", class, n)
		}
	}
}
