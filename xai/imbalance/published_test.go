package imbalance_test

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/imbalance"
)

// shared is where the data for tests lies that is too large to be committed.
const shared = "../../../shared"

// openShared opens a file of the folder beside the project, or skips the test.
func openShared(t testing.TB, file string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join(shared, file))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skipf("%s is not beside the project (../shared)", file)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

var cifarClasses = []string{"plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"}

// published reads what the paper's authors publish of their network on CIFAR-10-LT.
func published(t testing.TB) imbalance.Analysis {
	t.Helper()
	a, err := imbalance.ReadNeighbors(openShared(t, "data/cifar10-lt-neighbours.csv"), cifarClasses...)
	if err != nil {
		t.Fatal(err)
	}
	// The validation accuracies of the authors' repository.
	a.Recall = []float64{.941, .957, .823, .621, .785, .570, .713, .597, .626, .623}
	return a
}

func TestPublishedArchetypes(t *testing.T) {
	a := published(t)
	got, err := a.Near.Archetypes(imbalance.Typing{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 12406 {
		t.Fatalf("%d members, the authors have 12406", len(got))
	}
	for i, want := range a.Archetypes {
		if got[i] != want {
			t.Fatalf("member %d is %v, the authors say %v", i, got[i], want)
		}
	}
	strict, err := a.Near.Archetypes(imbalance.Typing{Rare: imbalance.Isolated})
	if err != nil {
		t.Fatal(err)
	}
	rare, border := 0, 0
	for i, kind := range strict {
		switch {
		case kind == imbalance.Rare && got[i] == imbalance.Rare:
			rare++
		case kind == imbalance.Border && got[i] == imbalance.Rare:
			border++
		case kind != got[i]:
			t.Fatalf("member %d is %v by count and %v by isolation", i, got[i], kind)
		}
	}
	if rare != 26 || border != 106 {
		t.Errorf("of the rare members %d are isolated and %d are not, want 26 and 106", rare, border)
	}
}

// The table of classes that follows from the published file, to the digits printed.
func TestPublishedClassTable(t *testing.T) {
	a := published(t)
	s, err := a.Summary()
	if err != nil {
		t.Fatal(err)
	}
	want := []struct {
		n                       int
		kinds                   [4]int
		safe, wrong             float64 // percent
		kdn, n3, overlap, level float64
	}{
		{5000, [4]int{4896, 73, 16, 15}, 97.92, 1.8, .020, .019, .058, .986},
		{2997, [4]int{2954, 30, 11, 2}, 98.57, 2.9, .011, .009, .027, .994},
		{1796, [4]int{1638, 108, 26, 24}, 91.20, 4.1, .066, .064, .156, .958},
		{1077, [4]int{945, 82, 29, 21}, 87.74, 14.3, .101, .091, .246, .939},
		{645, [4]int{590, 33, 9, 13}, 91.47, 4.2, .075, .059, .191, .954},
		{387, [4]int{303, 51, 20, 13}, 78.29, 10.9, .167, .147, .377, .889},
		{232, [4]int{193, 25, 6, 8}, 83.19, 9.5, .143, .121, .345, .884},
		{139, [4]int{105, 22, 6, 6}, 75.54, 6.5, .177, .094, .367, .851},
		{83, [4]int{69, 10, 3, 1}, 83.13, 1.2, .111, .096, .253, .892},
		{50, [4]int{36, 7, 6, 1}, 72.00, 4.0, .228, .180, .520, .775},
	}
	near := func(what string, c int, got, want, half float64) {
		t.Helper()
		if math.Abs(got-want) > half*1.0001 {
			t.Errorf("%s of %s is %v, want %v", what, cifarClasses[c], got, want)
		}
	}
	for c, w := range want {
		r := s.Rows[c]
		if r.Size != w.n || r.Archetypes != w.kinds {
			t.Errorf("%s: %d members, %v; want %d, %v", r.Class, r.Size, r.Archetypes, w.n, w.kinds)
		}
		near("safe share", c, 100*r.SafeShare(), w.safe, .005)
		near("error", c, 100*r.Error, w.wrong, .05)
		near("kDN", c, r.KDN, w.kdn, .0005)
		near("N3", c, r.N3, w.n3, .0005)
		near("degOver", c, r.Overlap, w.overlap, .0005)
		near("safe level", c, r.SafeLevel, w.level, .0005)
	}
	all := s.All
	if all.Size != 12406 || all.Archetypes != [4]int{11729, 441, 132, 104} {
		t.Errorf("all: %d members, %v", all.Size, all.Archetypes)
	}
	for _, c := range []struct{ got, want, half float64 }{
		{100 * all.SafeShare(), 94.54, .005}, {100 * all.Error, 4.1, .05}, {all.KDN, .0445, .00005}, {all.N3, .0392, .00005}, {all.Overlap, .110, .0005}, {100 * all.Recall, 72.56, .005},
	} {
		if math.Abs(c.got-c.want) > c.half*1.0001 {
			t.Errorf("all: %v, want %v", c.got, c.want)
		}
	}
	wrong := 0
	for k, w := range []float64{1.5, 33.6, 74.2, 83.7} {
		if got := 100 * s.Errors[k].Error(); math.Abs(got-w) > .05 {
			t.Errorf("error of %v members is %v %%, want %v", imbalance.Archetype(k), got, w)
		}
		wrong += s.Errors[k].Wrong
	}
	if wrong != 508 {
		t.Errorf("%d training errors, want 508", wrong)
	}
	for k, w := range []float64{34, 29, 19, 17} {
		if got := 100 * float64(s.Errors[k].Wrong) / 508; math.Abs(got-w) > .5 {
			t.Errorf("%v members make %v %% of the errors, want %v", imbalance.Archetype(k), got, w)
		}
	}
}

func TestPublishedAdversaries(t *testing.T) {
	a := published(t)
	wrong, err := a.Adversaries(imbalance.Misclassified)
	if err != nil {
		t.Fatal(err)
	}
	all, err := a.Adversaries(imbalance.Everyone)
	if err != nil {
		t.Fatal(err)
	}
	const plane, car, bird, ship, truck = 0, 1, 2, 8, 9
	for _, c := range []struct {
		r    imbalance.Rivals
		i, j int
		want float64
	}{{wrong, plane, bird, 47.4}, {wrong, car, plane, 42.7}, {all, truck, car, 68.4}, {all, truck, plane, 31.6}} {
		if got := 100 * c.r.Share(c.i, c.j); math.Abs(got-c.want) > .05 {
			t.Errorf("%s: %s to %s %.2f %%, want %v", c.r.What, cifarClasses[c.i], cifarClasses[c.j], got, c.want)
		}
	}
	if wrong.Members[ship] != 1 || wrong.Votes(ship) != 4 || wrong.Members[truck] != 2 || wrong.Votes(truck) != 7 {
		t.Errorf("ship has %d voters with %d votes, truck %d with %d; want 1, 4, 2, 7", wrong.Members[ship], wrong.Votes(ship), wrong.Members[truck], wrong.Votes(truck))
	}
	for _, r := range []imbalance.Rivals{wrong, all} {
		for i := range r.Classes {
			sum := 0.0
			for j := range r.Classes {
				sum += r.Share(i, j)
			}
			if math.Abs(sum-1) > 1e-12 {
				t.Errorf("%s: the shares of %s add up to %v", r.What, r.Classes[i], sum)
			}
		}
	}
}

func TestPublishedRelations(t *testing.T) {
	safe, size, err := published(t).Relations()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ got, want float64 }{{safe.Spearman, .842}, {safe.Pearson, .890}, {size.Spearman, .648}, {size.Pearson, .799}} {
		if math.Abs(c.got-c.want) > .0005 {
			t.Errorf("correlation %v, want %v", c.got, c.want)
		}
	}
}

func TestReadNeighborsRefuses(t *testing.T) {
	const header = "actual,idx,pred,cats,N0,I0\n"
	for name, text := range map[string]string{
		"empty":              "",
		"no neighbours":      "actual,idx,pred,cats\n",
		"missing column":     "actual,idx,pred,N0,I0\n0,0,0,0,1\n",
		"no rows":            header,
		"one row":            header + "0,0,0,0,0,0\n",
		"text":               header + "cat,0,0,0,0,1\n0,1,0,0,0,0\n",
		"half a class":       header + "0.5,0,0,0,0,1\n0,1,0,0,0,0\n",
		"negative":           header + "-1,0,0,0,0,1\n0,1,0,0,0,0\n",
		"not a number":       header + "NaN,0,0,0,0,1\n0,1,0,0,0,0\n",
		"infinite":           header + "Inf,0,0,0,0,1\n0,1,0,0,0,0\n",
		"its own neighbour":  header + "0,0,0,0,0,0\n0,1,0,0,0,0\n",
		"unknown neighbour":  header + "0,0,0,0,0,2\n0,1,0,0,0,0\n",
		"archetype 4":        header + "0,0,0,4,0,1\n0,1,0,0,0,0\n",
		"out of order":       header + "0,1,0,0,0,1\n0,0,0,0,0,0\n",
		"neighbour's label":  header + "0,0,0,0,1,1\n0,1,0,0,0,0\n",
		"ragged":             header + "0,0,0,0,0\n",
		"class without name": header + "0,0,0,0,0,1\n2,1,0,3,0,0\n",
	} {
		_, err := imbalance.ReadNeighbors(strings.NewReader(text), "cat", "dog")
		if !errors.Is(err, datasets.ErrFormat) {
			t.Errorf("%s: %v, want ErrFormat", name, err)
		}
	}
	a, err := imbalance.ReadNeighbors(strings.NewReader("extra," + header + "x,0.0,0,1.0,0.0,0,1\ny,0,1,0,0,0.0,0\n"))
	if err != nil || a.Train.Len() != 2 || len(a.Train.Classes) != 2 {
		t.Errorf("a file of two members: %v, %v", a.Train, err)
	}
}
