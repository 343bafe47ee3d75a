package seed

import "testing"

// TestStreams: the same name gives the same numbers, another name others. The numbers are
// pinned, since cached results depend on them.
func TestStreams(t *testing.T) {
	names := map[string][]any{
		"seed 0":       {},
		"forest":       {"forest"},
		"forest 1":     {"forest", 1},
		"forest \"1\"": {"forest", "1"},
		"1 forest":     {1, "forest"},
		"joined":       {"forest1"},
		"negative":     {"forest", -1},
		"unsigned":     {"forest", uint64(1)},
	}
	seen := map[uint64]string{}
	for name, path := range names {
		a, b := Stream(7, path...).Uint64(), Stream(7, path...).Uint64()
		if a != b {
			t.Errorf("%s: two streams of one name differ", name)
		}
		if other, taken := seen[a]; taken {
			t.Errorf("%s and %s are one stream", name, other)
		}
		seen[a] = name
		if Stream(8, path...).Uint64() == a {
			t.Errorf("%s: the seed makes no difference", name)
		}
		if Sub(7, path...) == Sub(8, path...) {
			t.Errorf("%s: Sub does not depend on the seed", name)
		}
	}
	if got, want := Stream(7, "forest", 1).Uint64(), uint64(4068337319953982490); got != want {
		t.Errorf("Stream(7, \"forest\", 1) starts with %d, want %d", got, want)
	}
}

// TestStreamsAreIndependent of how much another one was used.
func TestStreamsAreIndependent(t *testing.T) {
	a := Stream(1, "a")
	want := Stream(1, "b").Uint64()
	for range 1000 {
		a.Uint64()
	}
	if got := Stream(1, "b").Uint64(); got != want {
		t.Errorf("using one stream moved another: %d, want %d", got, want)
	}
}
