//go:build unix

package cluster

import (
	"encoding/binary"
	"math"
	"os"
	"strconv"
	"syscall"
	"testing"

	"github.com/whybook/whybook/xai/seed"
	"gonum.org/v1/gonum/mat"
)

// processor returns the processor time of the process so far, in ms: on a machine that
// others use it is what can be compared.
func processor() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e6
}

// normal returns the table of the file that WHYBOOK_BENCH names, little-endian float64, or
// normal values.
func normal(b *testing.B, n, d int) *mat.Dense {
	b.Helper()
	x := mat.NewDense(n, d, nil)
	values := x.RawMatrix().Data
	if name := os.Getenv("WHYBOOK_BENCH"); name != "" {
		raw, err := os.ReadFile(name)
		if err != nil || len(raw) < 8*len(values) {
			b.Fatalf("%d bytes for %d values: %v", len(raw), len(values), err)
		}
		for i := range values {
			values[i] = math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
		}
		return x
	}
	r := seed.Stream(1, "bench")
	for i := range values {
		values[i] = r.NormFloat64()
	}
	return x
}

// start is the seed that WHYBOOK_SEED names, or 0.
func start() uint64 {
	sd, err := strconv.ParseUint(os.Getenv("WHYBOOK_SEED"), 10, 64)
	if err != nil {
		return 0
	}
	return sd
}

// run measures f, and what its result says of itself.
func run(b *testing.B, f func() (float64, error)) {
	var measure float64
	before := processor()
	for b.Loop() {
		var err error
		if measure, err = f(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric((processor()-before)/float64(b.N), "cpu-ms/op")
	b.ReportMetric(measure, "measure")
}

// BenchmarkKMeans is 10,000 x 128, ten clusters, ten restarts.
func BenchmarkKMeans(b *testing.B) {
	x := normal(b, 10000, 128)
	run(b, func() (float64, error) {
		m, err := KMeans{K: 10, Seed: start()}.Fit(b.Context(), x)
		if err != nil {
			return 0, err
		}
		return m.Inertia, nil
	})
}

// BenchmarkMiniBatch is 10,000 x 128, ten clusters.
func BenchmarkMiniBatch(b *testing.B) {
	x := normal(b, 10000, 128)
	run(b, func() (float64, error) {
		m, err := MiniBatch{K: 10, Seed: start()}.Fit(b.Context(), x)
		if err != nil {
			return 0, err
		}
		return m.Inertia, nil
	})
}

// BenchmarkSilhouette is 5,000 x 128, all rows.
func BenchmarkSilhouette(b *testing.B) {
	x, labels := normal(b, 5000, 128), make([]int, 5000)
	for i := range labels {
		labels[i] = i % 10
	}
	run(b, func() (float64, error) {
		q, err := Silhouette{}.Measure(b.Context(), x, labels)
		return q.Mean, err
	})
}

// BenchmarkHDBSCAN is 4,000 x 16.
func BenchmarkHDBSCAN(b *testing.B) {
	x := normal(b, 4000, 16)
	run(b, func() (float64, error) {
		d, err := HDBSCAN{}.Fit(b.Context(), x)
		if err != nil {
			return 0, err
		}
		return float64(len(d.Sizes)), nil
	})
}

// BenchmarkMedoids is 1,500 items, ten medoids.
func BenchmarkMedoids(b *testing.B) {
	x := normal(b, 1500, 16)
	d := mat.NewSymDense(1500, nil)
	for i := range 1500 {
		for j := i + 1; j < 1500; j++ {
			d.SetSym(i, j, math.Sqrt(distance2(x.RawRowView(i), x.RawRowView(j))))
		}
	}
	run(b, func() (float64, error) {
		a, err := Medoids{K: 10}.Fit(b.Context(), d)
		if err != nil {
			return 0, err
		}
		return a.Cost, nil
	})
}

// BenchmarkSpectral is a graph of 1,000 items, five clusters.
func BenchmarkSpectral(b *testing.B) {
	x := normal(b, 1000, 16)
	a := mat.NewSymDense(1000, nil)
	for i := range 1000 {
		for j := i; j < 1000; j++ {
			a.SetSym(i, j, math.Exp(-distance2(x.RawRowView(i), x.RawRowView(j))/32))
		}
	}
	run(b, func() (float64, error) {
		s, err := Spectral{K: 5, Seed: start()}.Fit(b.Context(), a)
		if err != nil {
			return 0, err
		}
		return s.Eigenvalues[1], nil
	})
}
