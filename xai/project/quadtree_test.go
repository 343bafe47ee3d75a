package project

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"
	"pgregory.net/rapid"
)

// clouds are sets of points of the plane that trees find hard.
func clouds() map[string][]float64 {
	uneven := normal(1, 400, 2).RawMatrix().Data
	for i := range uneven {
		uneven[i] = math.Pow(uneven[i], 9)
	}
	far := normal(2, 300, 2).RawMatrix().Data
	far[0], far[1] = 1e12, -1e12
	spot := make([]float64, 200)
	pairs := normal(3, 200, 2).RawMatrix().Data
	copy(pairs[200:], pairs[:200])
	some := normal(4, 100, 2).RawMatrix().Data
	for i := range 50 {
		some[2*i], some[2*i+1] = 0.1, 0.3
	}
	line := normal(5, 100, 2).RawMatrix().Data
	for i := range 100 {
		line[2*i] = 7
	}
	return map[string][]float64{
		"normal": normal(6, 500, 2).RawMatrix().Data, "uneven": uneven, "one far away": far, "one spot": spot,
		"pairs": pairs, "some on one spot": some, "line": line, "two": {0, 0, 1, 1}, "one": {3, 4},
		"tiny": {0, 0, 5e-324, 0, 0, 5e-324}, "huge": {-1e300, 0, 1e300, 0, 0, 1e300},
	}
}

// pushes returns the repulsive sums of all points, by the tree and pair by pair, with Z.
func pushes(t rapid.TB, y []float64, theta float64) (tree, pairs []float64, treeZ, pairsZ float64) {
	t.Helper()
	o := newObjective(affinities{start: make([]int, len(y)/2+1)}, theta)
	treeZ, err := o.repel(ctx, y)
	if err != nil {
		t.Fatal(err)
	}
	n := len(y) / 2
	pairs = make([]float64, len(y))
	for i := range n {
		for j := range n {
			if i == j {
				continue
			}
			dx, dy := y[2*i]-y[2*j], y[2*i+1]-y[2*j+1]
			w := 1 / (1 + dx*dx + dy*dy)
			pairsZ += w
			if w > 0 { // and the distance not infinite
				pairs[2*i] += w * w * dx
				pairs[2*i+1] += w * w * dy
			}
		}
	}
	return o.push, pairs, treeZ, pairsZ
}

func TestTreeOpenToTheEndIsExact(t *testing.T) {
	for name, y := range clouds() {
		if name == "huge" {
			continue // its squares are infinite
		}
		tree, pairs, treeZ, pairsZ := pushes(t, y, 0)
		near(t, name+": Z", treeZ, pairsZ, 1e-12*pairsZ)
		for i := range tree {
			near(t, name, tree[i], pairs[i], 1e-12*(1+norm(pairs)))
		}
	}
}

// TestTreeIsAccurate: what theta 0.5 misses, as a share of the length of all forces.
func TestTreeIsAccurate(t *testing.T) {
	for _, c := range []struct{ theta, force, z float64 }{{0.1, 5e-4, 1e-4}, {0.5, 0.01, 0.005}, {1, 0.04, 0.02}} {
		for name, y := range clouds() {
			if name == "huge" {
				continue
			}
			tree, pairs, treeZ, pairsZ := pushes(t, y, c.theta)
			near(t, name+": Z", treeZ, pairsZ, c.z*pairsZ)
			missed := 0.0
			for i := range tree {
				missed += (tree[i] - pairs[i]) * (tree[i] - pairs[i])
			}
			near(t, name+": force", math.Sqrt(missed), 0, c.force*norm(pairs)+1e-300)
		}
	}
	// And theta matters.
	tree, pairs, _, _ := pushes(t, clouds()["normal"], 1)
	if missed := math.Abs(tree[0] - pairs[0]); missed == 0 {
		t.Error("a tree that is not opened cannot be exact")
	}
}

// TestTreeHoldsAllPoints: every point is in one leaf and in its box, a node's mass and
// centre are those of its points, and what repels a leaf is everybody else, from afar enough.
func TestTreeHoldsAllPoints(t *testing.T) {
	for name, y := range clouds() {
		var q quadtree
		q.build(y)
		n := len(y) / 2
		seen := make([]int, n)
		for _, l := range q.leaves {
			nd := q.nodes[l.node]
			for k := nd.lo; k < nd.hi; k++ {
				i := q.order[k]
				seen[i]++
				if x, z := y[2*i], y[2*i+1]; x < l.left || x > l.right || z < l.low || z > l.high {
					t.Errorf("%s: point %d is outside its leaf", name, i)
				}
			}
			for _, theta := range []float64{0, 0.5, 1} {
				others := 0.0
				for _, b := range q.bodies(nil, l, theta) {
					others += b.mass
				}
				if want := float64(n) - nd.mass; others != want {
					t.Errorf("%s: %v points repel a leaf at theta %v, want %v", name, others, theta, want)
				}
			}
		}
		for i, s := range seen {
			if s != 1 {
				t.Errorf("%s: point %d is in %d leaves", name, i, s)
			}
		}
		for at, nd := range q.nodes {
			mass, sx, sy := 0.0, 0.0, 0.0
			for _, c := range q.nodes[at:nd.next] {
				for k := c.lo; k < c.hi; k++ {
					mass++
					sx += q.points[2*k]
					sy += q.points[2*k+1]
				}
			}
			near(t, name+": mass", nd.mass, mass, 0)
			if scale := 1e-12 * (math.Abs(sx) + math.Abs(sy) + 1); name != "one far away" && name != "huge" {
				near(t, name+": x", nd.x*mass, sx, scale)
				near(t, name+": y", nd.y*mass, sy, scale)
			}
		}
		if len(q.nodes) > 4*n {
			t.Errorf("%s: %d nodes for %d points", name, len(q.nodes), n)
		}
	}
}

// TestTreeOnAnyPoints: exact when open, and with all in place when not.
func TestTreeOnAnyPoints(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 60).Draw(t, "n")
		value := rapid.OneOf(rapid.Float64Range(-3, 3), rapid.SampledFrom([]float64{0, 1, 1e-9, 50}))
		y := rapid.SliceOfN(value, 2*n, 2*n).Draw(t, "y")
		tree, pairs, treeZ, pairsZ := pushes(t, y, 0)
		if math.Abs(treeZ-pairsZ) > 1e-12*pairsZ {
			t.Fatalf("Z %v, want %v", treeZ, pairsZ)
		}
		for i := range tree {
			if math.Abs(tree[i]-pairs[i]) > 1e-12*(1+norm(pairs)) {
				t.Fatalf("force %v, want %v", tree[i], pairs[i])
			}
		}
		_, _, treeZ, _ = pushes(t, y, 0.5)
		if math.Abs(treeZ-pairsZ) > 0.01*pairsZ {
			t.Fatalf("Z %v at theta 0.5, exactly %v", treeZ, pairsZ)
		}
	})
}

// TestGradient compares the gradient with the definition over all pairs and with central
// differences of the divergence, at theta 0; and looks at what theta 0.5 misses.
func TestGradient(t *testing.T) {
	x, _ := blobs(7, 120, 4, 3)
	a, p := fast(t, x, 10), dense(x, 10)
	y := normal(8, 120, 2)
	y.Scale(3, y)
	flat := y.RawMatrix().Data
	exact, rough := newObjective(a, 0), newObjective(a, 0.5)
	for _, exaggeration := range []float64{1, 12} {
		want := slowGradient(p, y, exaggeration)
		got, about := make([]float64, 240), make([]float64, 240)
		z, err := exact.gradient(ctx, got, flat, exaggeration)
		if err != nil {
			t.Fatal(err)
		}
		pairs, err := exact.normaliser(ctx, flat)
		if err != nil {
			t.Fatal(err)
		}
		near(t, "Z", z, pairs, 1e-12*pairs)
		if z, err = rough.gradient(ctx, about, flat, exaggeration); err != nil {
			t.Fatal(err)
		}
		near(t, "Z at theta 0.5", z, pairs, 0.002*pairs)
		missed := 0.0
		for i := range got {
			near(t, "gradient", got[i], want[i], 1e-9*norm(want))
			missed += (about[i] - want[i]) * (about[i] - want[i])
		}
		near(t, "gradient at theta 0.5", math.Sqrt(missed), 0, 0.01*norm(want))
	}

	grad := make([]float64, 240)
	if _, err := exact.gradient(ctx, grad, flat, 1); err != nil {
		t.Fatal(err)
	}
	divergence := func() float64 {
		z, err := exact.normaliser(ctx, flat)
		if err != nil {
			t.Fatal(err)
		}
		kl, err := exact.divergence(ctx, flat, z)
		if err != nil {
			t.Fatal(err)
		}
		return kl
	}
	near(t, "KL", divergence(), slowDivergence(p, y), 1e-12)
	const h = 1e-5
	for i := 0; i < len(flat); i += 7 {
		v := flat[i]
		flat[i] = v + h
		up := divergence()
		flat[i] = v - h
		down := divergence()
		flat[i] = v
		near(t, "central difference", grad[i], (up-down)/(2*h), 1e-8)
	}
}

// slowGradient is the definition, pair by pair.
func slowGradient(p, y *mat.Dense, exaggeration float64) []float64 {
	n, _ := y.Dims()
	w, z := mat.NewDense(n, n, nil), 0.0
	for i := range n {
		for j := range n {
			if i != j {
				w.Set(i, j, 1/(1+square(y.RawRowView(i), y.RawRowView(j))))
				z += w.At(i, j)
			}
		}
	}
	grad := make([]float64, 2*n)
	for i := range n {
		for j := range n {
			for axis := range 2 {
				grad[2*i+axis] += 4 * (exaggeration*p.At(i, j) - w.At(i, j)/z) * w.At(i, j) * (y.At(i, axis) - y.At(j, axis))
			}
		}
	}
	return grad
}

// slowDivergence is the definition, pair by pair.
func slowDivergence(p, y *mat.Dense) float64 {
	n, _ := y.Dims()
	z, kl := 0.0, 0.0
	for i := range n {
		for j := range n {
			if i != j {
				z += 1 / (1 + square(y.RawRowView(i), y.RawRowView(j)))
			}
		}
	}
	for i := range n {
		for j := range n {
			if v := p.At(i, j); v > 0 {
				kl += v * math.Log(v*z*(1+square(y.RawRowView(i), y.RawRowView(j))))
			}
		}
	}
	return kl
}
