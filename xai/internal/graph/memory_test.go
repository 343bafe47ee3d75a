package graph

import (
	"runtime"
	"slices"
	"testing"

	"github.com/whybook/whybook/xai/seed"
)

// TestSharedMemory runs deep networks with and without shared memory, twice each: the same
// bytes, from much less memory.
func TestSharedMemory(t *testing.T) {
	for _, what := range []string{"train", "gradient"} {
		for _, net := range []struct {
			name string
			in   Plane
			add  func(n *network, x *Node[float32]) *Node[float32]
		}{{"cnn", Plane{1, 28, 28}, (*network).cnn}, {"resnet32", Plane{3, 32, 32}, (*network).resnet}} {
			compute := func(sharing bool) (results [][]float32, memory int) {
				n := &network{Builder: New[float32](), train: what == "train"}
				x := n.Input("x", 2, net.in.Size(), nil, true)
				r := seed.Stream(7)
				for i := range x.Data() {
					x.Data()[i] = float32(r.NormFloat64())
				}
				out := net.add(n, x)
				seeds := n.Input("seed", 2, 10, nil, false)
				seeds.Data()[3], seeds.Data()[12] = 1, 1
				wrt := []*Node[float32]{x}
				if n.train {
					wrt = append(wrt, n.params...)
				}
				grads, err := n.Backward(out, seeds, wrt...)
				if err != nil {
					t.Fatal(err)
				}
				keep := append(grads, out)
				given := keep
				if !sharing {
					given = nil
				}
				p, err := n.Compile(given...)
				if err != nil {
					t.Fatal(err)
				}
				for i := range 2 {
					var before, after runtime.MemStats
					runtime.ReadMemStats(&before)
					if err := p.Run(); err != nil {
						t.Fatal(err)
					}
					runtime.ReadMemStats(&after)
					// With -race, sync.Pool drops some of gemm's packed operands.
					if got := after.TotalAlloc - before.TotalAlloc; i > 0 && got > 6<<20 {
						t.Errorf("%s, %s: the second run allocated %d bytes; the sizes of its layers are 17 MB", net.name, what, got)
					}
					for _, k := range keep {
						results = append(results, slices.Clone(k.Data()))
					}
				}
				seen := make(map[*float32]bool)
				for _, node := range n.nodes {
					if node.op != nil && node.op.dst != nil && !seen[&node.op.dst[0]] {
						seen[&node.op.dst[0]] = true
						memory += cap(node.op.dst)
					}
				}
				return results, memory
			}
			own, all := compute(false)
			shared, less := compute(true)
			for i := range own {
				if !slices.Equal(own[i], shared[i]) {
					t.Errorf("%s, %s: result %d differs with shared memory", net.name, what, i)
				}
			}
			t.Logf("%s, %s: %d of %d values", net.name, what, less, all)
			if limit := map[string]int{"train": all * 3 / 4, "gradient": all / 2}[what]; net.name == "resnet32" && less > limit {
				t.Errorf("%s, %s: shared memory holds %d values, want at most %d of %d", net.name, what, less, limit, all)
			}
		}
	}
}

// TestKeep: values that were not asked for cannot be read by mistake.
func TestKeep(t *testing.T) {
	b := New[float64]()
	x := b.Input("x", 1, 2, []float64{-1, 2}, false)
	y := b.ReLU(x)
	z := b.Tanh(x)
	sum := b.Add(y, y)
	p, err := b.Compile(sum)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Run(); err != nil {
		t.Fatal(err)
	}
	if want := []float64{0, 4}; !slices.Equal(sum.Data(), want) {
		t.Errorf("sum is %v, want %v", sum.Data(), want)
	}
	if !slices.Equal(x.Data(), []float64{-1, 2}) {
		t.Errorf("the input changed to %v", x.Data())
	}
	if y.Data() != nil || z.Data() != nil {
		t.Errorf("nodes that were not kept have values: %v, %v", y.Data(), z.Data())
	}
	if z.op.dst != nil {
		t.Error("an operation that nothing depends on was planned")
	}
}
