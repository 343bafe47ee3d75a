package datasets

import (
	"context"
	"fmt"
	"slices"
	"testing"
)

func TestLongTailSizesAreThePublishedOnes(t *testing.T) {
	// Totals counted in the published CIFAR-10-LT and CIFAR-100-LT sets of Cao et al.
	for _, test := range []struct {
		classes, perClass int
		f                 float64
		total             int
		first, last       []int
	}{
		{10, 5000, 0.01, 12406, []int{5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50}, nil},
		{10, 5000, 0.1, 20431, []int{5000}, []int{500}},
		{100, 500, 0.01, 10847, []int{500, 477, 455}, []int{5, 5, 5}},
		{100, 500, 0.1, 19573, []int{500, 488}, []int{51, 50}},
	} {
		t.Run(fmt.Sprintf("%dx%d f=%v", test.classes, test.perClass, test.f), func(t *testing.T) {
			s := build(t, balanced(test.classes, test.perClass).LongTail(test.f))
			counts := s.Counts()
			if s.Len() != test.total {
				t.Errorf("%d samples, want %d", s.Len(), test.total)
			}
			if !slices.Equal(counts[:len(test.first)], test.first) || !slices.Equal(counts[len(counts)-len(test.last):], test.last) {
				t.Errorf("class sizes %v, want %v ... %v", counts, test.first, test.last)
			}
			if !slices.IsSorted(s.Labels) {
				t.Error("rows are not grouped by class")
			}
			for i, v := range s.Values {
				if int(v)%test.classes != s.Labels[i] {
					t.Fatalf("row %d holds sample %v of class %d under label %d", i, v, int(v)%test.classes, s.Labels[i])
				}
			}
		})
	}
}

func TestStepKeepsTheFirstHalf(t *testing.T) {
	for _, test := range []struct {
		classes int
		want    []int
	}{
		{4, []int{50, 50, 5, 5}},
		{5, []int{50, 50, 50, 5, 5}}, // the odd class counts among the frequent ones
	} {
		s := build(t, balanced(test.classes, 50).Step(0.1))
		if got := s.Counts(); !slices.Equal(got, test.want) {
			t.Errorf("%d classes of 50: %v, want %v", test.classes, got, test.want)
		}
	}
}

func TestLongTailOfUnequalClassesHasTheRightShape(t *testing.T) {
	s := balanced(3, 100)
	keep := make([]int, 0, 300) // 100, 100 and 20 samples
	for i, y := range s.Labels {
		if y < 2 || i < 60 {
			keep = append(keep, i)
		}
	}
	got := build(t, s.subset(keep).LongTail(0.25)).Counts()
	// The third class has 20, enough for n_max = 80 and no more: 80, 80*0.5, 80*0.25.
	if want := []int{80, 40, 20}; !slices.Equal(got, want) {
		t.Errorf("class sizes %v, want %v", got, want)
	}
}

func TestTakeKeepsSharesAndOrder(t *testing.T) {
	s := build(t, balanced(4, 100).Step(0.5)) // 100, 100, 50, 50
	for _, n := range []int{1, 2, 7, 30, 299, 300} {
		part := build(t, s.Take(n))
		if part.Len() != n {
			t.Fatalf("Take(%d) has %d samples", n, part.Len())
		}
		for c, have := range s.Counts() {
			exact := float64(n*have) / 300
			if got := float64(part.Counts()[c]); got < exact-1 || got > exact+1 {
				t.Errorf("Take(%d): class %d has %v samples, its share is %.2f", n, c, got, exact)
			}
		}
		last := -1
		for _, v := range part.Values {
			at := slices.Index(s.Values, v)
			if at <= last {
				t.Fatalf("Take(%d): row %d of the set comes after row %d", n, at, last)
			}
			last = at
		}
	}
	if got := build(t, s.Take(30)).Counts(); !slices.Equal(got, []int{10, 10, 5, 5}) {
		t.Errorf("Take(30) of 100, 100, 50, 50 has %v", got)
	}
}

func TestSplitPartsAreDisjointAndComplete(t *testing.T) {
	s := balanced(3, 50)
	train, test := s.Seed(3).Split(0.8)
	a, b := build(t, train), build(t, test)
	if !slices.Equal(a.Counts(), []int{40, 40, 40}) || !slices.Equal(b.Counts(), []int{10, 10, 10}) {
		t.Errorf("parts have %v and %v", a.Counts(), b.Counts())
	}
	all := slices.Concat(a.Values, b.Values)
	slices.Sort(all)
	if !slices.Equal(all, s.Values) {
		t.Error("the parts are not the set cut in two")
	}
	if train.Key() == test.Key() {
		t.Error("both parts have the same key")
	}
}

func TestOnlyRelabelsInTheOrderNamed(t *testing.T) {
	s := build(t, balanced(5, 4).Only("Ad", "Ab"))
	if !slices.Equal(s.Classes, []string{"Ad", "Ab"}) {
		t.Errorf("classes %q", s.Classes)
	}
	if want := []int{1, 0, 1, 0, 1, 0, 1, 0}; !slices.Equal(s.Labels, want) {
		t.Errorf("labels %v, want %v", s.Labels, want)
	}
	if want := []float64{1, 3, 6, 8, 11, 13, 16, 18}; !slices.Equal(s.Values, want) {
		t.Errorf("rows %v, want %v", s.Values, want)
	}
}

func TestStepsSayWhatDoesNotFit(t *testing.T) {
	s := balanced(3, 10)
	first := func(r, _ Recipe) Recipe { return r }
	for _, test := range []struct {
		name  string
		r     Recipe
		want  error
		texts []string
	}{
		{"take none", s.Take(0), nil, []string{"Take(0)", "at least 1"}},
		{"take too many", s.Take(31), ErrTooFew, []string{"Take(31)", `"balanced"`, "30"}},
		{"take too many digits", MNIST().Take(5001), ErrTooFew, []string{"5001", "5000", "MNIST().Full() has 60000"}},
		{"split all", first(s.Split(1)), nil, []string{"Split(1)", "between 0 and 1"}},
		{"split NaN", first(s.Split(nan())), nil, []string{"Split(NaN)"}},
		{"split nothing off", first(s.Split(0.999)), ErrTooFew, []string{"Split(0.999)", "empty"}},
		{"long tail 0", s.LongTail(0), nil, []string{"LongTail(0)", "above 0"}},
		{"long tail 2", s.LongTail(2), nil, []string{"LongTail(2)", "at most 1"}},
		{"long tail too thin", s.LongTail(0.01), ErrEmptyClass, []string{"LongTail(0.01)", `"Ac"`, "larger factor"}},
		{"long tail of one class", s.Only("Aa").LongTail(0.5), nil, []string{"at least 2 classes"}},
		{"step", s.Step(-1), nil, []string{"Step(-1)"}},
		{"only none", s.Only(), nil, []string{"Only()", "at least one"}},
		{"only twice", s.Only("Aa", "Aa"), nil, []string{"twice"}},
		{"only unknown", s.Only("cat"), ErrClass, []string{`"cat"`, `["Aa" "Ab" "Ac"]`}},
		{"first mistake wins", s.Take(-1).LongTail(9).Only(), nil, []string{"Take(-1)"}},
		{"seed after split", first(s.Split(0.5)).Seed(1), nil, []string{"Seed(1)", "before Split"}},
		{"tag on a table", s.Tagged(Tag{}), nil, []string{"Tagged", "table"}},
		{"tag too large", MNIST().Tagged(Tag{Size: 29}), ErrSize, []string{"28 x 28"}},
		{"tag negative", MNIST().Tagged(Tag{Size: -1}), nil, []string{"Size"}},
		{"tag share", MNIST().Tagged(Tag{Random: 1.5}), nil, []string{"Random"}},
		{"tag corner", MNIST().Tagged(Tag{Corner: 9}), nil, []string{"Corner(9)"}},
		{"from nil", From(nil).Take(3), nil, []string{"nil"}},
		{"empty", Recipe{}, nil, []string{"empty"}},
		{"blobs", Blobs(BlobOptions{Samples: -3}), nil, []string{"Samples:-3"}},
		{"few blobs", Blobs(BlobOptions{Samples: 2}), nil, []string{"every class"}},
		{"huge blobs", Blobs(BlobOptions{Samples: 1 << 40, Features: 1 << 40}), nil, []string{"at most"}},
		{"bad set", Set{Name: "bad", Shape: Shape{1, 1, 1}, Classes: []string{"a"}, Labels: []int{4}, Values: []float64{0}}.Take(1), ErrLabel, []string{"label 4"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := test.r.Build(context.Background())
			wantError(t, err, test.want, append(test.texts, "datasets")...)
		})
	}
}

func TestStepsLeaveTheirSourceAlone(t *testing.T) {
	s := balanced(3, 10)
	before := s.Fingerprint()
	for _, r := range []Recipe{s.Only("Ac", "Aa"), s.LongTail(0.5), s.Take(5), s.Named("x")} {
		part := build(t, r)
		if _, renamed := r.steps[0].(named); !renamed {
			for i := range part.Values {
				part.Values[i], part.Labels[i] = -1, 0
			}
		}
		if s.Fingerprint() != before || s.Name != "balanced" {
			t.Fatalf("%v shares memory with its source", r.steps)
		}
	}
}

// Every part of a largest-remainder division is the exact share rounded up or down, and
// the parts add up.
func TestApportion(t *testing.T) {
	for _, counts := range [][]int{{5}, {1, 1, 1}, {7, 0, 3}, {100, 1, 33, 2}} {
		total := 0
		for _, c := range counts {
			total += c
		}
		for n := 0; n <= total; n++ {
			sum := 0
			for c, q := range apportion(counts, n) {
				sum += q
				if low := n * counts[c] / total; q < low || q > low+1 || q > counts[c] {
					t.Errorf("apportion(%v, %d)[%d] = %d", counts, n, c, q)
				}
			}
			if sum != n {
				t.Errorf("apportion(%v, %d) adds up to %d", counts, n, sum)
			}
		}
	}
}
