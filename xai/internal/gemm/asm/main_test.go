package main

import (
	"bytes"
	"os"
	"testing"
)

// TestCommitted fails when the assembly in the package is not what this generator writes.
func TestCommitted(t *testing.T) {
	files, err := generate()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile("../" + name)
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(got, want) {
			t.Errorf("%s is not what the generator writes: run go generate in xai/internal/gemm", name)
		}
	}
}
