package datasets

import (
	"bytes"
	"context"
	"testing"
)

func BenchmarkMNIST(b *testing.B) {
	for b.Loop() {
		if _, err := MNIST().Build(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
}

// The time a cache needs for an entry of 5,000 digits, in bytes per second of pixels.
func BenchmarkCodec(b *testing.B) {
	r := MNIST()
	s := build(b, r)
	var saved bytes.Buffer
	if err := r.Save(&saved, s); err != nil {
		b.Fatal(err)
	}
	b.Run("save", func(b *testing.B) {
		b.SetBytes(int64(len(s.Pixels)))
		for b.Loop() {
			var w bytes.Buffer
			r.Save(&w, s)
		}
	})
	b.Run("load", func(b *testing.B) {
		b.SetBytes(int64(len(s.Pixels)))
		for b.Loop() {
			if _, err := r.Load(bytes.NewReader(saved.Bytes())); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("fingerprint", func(b *testing.B) {
		b.SetBytes(int64(len(s.Pixels)))
		for b.Loop() {
			s.Fingerprint()
		}
	})
}
