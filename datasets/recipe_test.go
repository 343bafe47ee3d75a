package datasets

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func nan() float64 { return math.NaN() }

// recipes are one of each kind, for the tests that hold for all of them. Fingerprints
// were taken on linux/amd64 and must be the same everywhere.
func recipes() []struct {
	name, fingerprint string
	Recipe
} {
	train, test := MNIST().Take(600).Seed(7).Split(0.75)
	return []struct {
		name, fingerprint string
		Recipe
	}{
		{"digits", "20b84739ad7b7837daee5047", MNIST().Recipe},
		{"test digits", "0828d75204d9c32512e922dc", MNIST().Test().Recipe},
		{"take", "87e3ffaf0869d458b35fee4d", MNIST().Train().Take(500).Seed(7)},
		{"train part", "ac8c545d0be5f761e3b9b9b9", train},
		{"test part", "efee1b445283cfa7d4780eb3", test},
		{"long tail", "4fc29ea3ec3a918cf13b5ebf", MNIST().LongTail(0.01)},
		{"step", "61ef812829a0e4243132f210", MNIST().Step(0.1).Seed(1)},
		{"only", "4fe822b014713c8022de9f19", MNIST().Only("7", "1").Take(100)},
		{"tagged", "006a720e41268ff7abbdea1a", MNIST().Take(200).Tagged(Tag{Random: 0.3, Corner: AnyCorner})},
		{"blobs", "b266e8d121642b4908b73438", Blobs(BlobOptions{Noise: 2}).Seed(3)},
	}
}

func TestSameRecipeSameBytes(t *testing.T) {
	for _, r := range recipes() {
		t.Run(r.name, func(t *testing.T) {
			for _, workers := range []int{1, 2} {
				previous := runtime.GOMAXPROCS(workers)
				got := build(t, r.Recipe).Fingerprint()
				runtime.GOMAXPROCS(previous)
				if got != r.fingerprint {
					t.Errorf("with GOMAXPROCS=%d the fingerprint is %s, want %s", workers, got, r.fingerprint)
				}
			}
		})
	}
}

func TestKeysDifferWhenSetsDo(t *testing.T) {
	s := balanced(4, 10)
	train, test := s.Split(0.5)
	other := balanced(4, 10)
	other.Values[3] += 1e-9
	list := []Recipe{
		From(s), From(other), s.Named("x"), s.Named("y"),
		s.Take(5), s.Take(6), s.Take(5).Take(5), s.Take(5).Seed(1), s.Seed(1), other.Take(5),
		train, test, s.LongTail(0.5), s.Step(0.5), s.LongTail(0.25),
		s.Only("Aa", "Ab"), s.Only("Ab", "Aa"), s.Only(`Aa" "Ab`),
		Blobs(BlobOptions{}), Blobs(BlobOptions{Noise: 1}), Blobs(BlobOptions{Spread: 2}), Blobs(BlobOptions{}).Seed(1),
		MNIST().Recipe, MNIST().Test().Recipe, MNIST().Full().Recipe, MNIST().Full().Test().Recipe,
		MNIST().Tagged(Tag{}), MNIST().Tagged(Tag{Corner: AnyCorner}), MNIST().Tagged(Tag{Random: 0.5}), MNIST().Tagged(Tag{Size: 5}),
	}
	keys := map[string]int{}
	for i, r := range list {
		if j, taken := keys[r.Key()]; taken {
			t.Errorf("recipes %d and %d have the same key %s", j, i, r.Key())
		}
		keys[r.Key()] = i
	}
	renamed := s
	renamed.Name = "another"
	if From(s).Take(3).Key() == From(renamed).Take(3).Key() {
		t.Error("the name of a set is part of the result, but not of the key")
	}
	for _, equal := range [][2]Recipe{
		{s.Take(5).Seed(7).LongTail(0.5), s.Take(5).LongTail(0.5).Seed(7)},
		{Blobs(BlobOptions{}), Blobs(BlobOptions{Samples: 300, Features: 2, Classes: 3, Spread: 1, Box: 10})},
		{MNIST().Tagged(Tag{}), MNIST().Tagged(Tag{Size: 4})},
		{MNIST().Test().Train().Recipe, MNIST().Recipe},
		{From(s.Take(3)), s.Take(3)},
	} {
		if equal[0].Key() != equal[1].Key() {
			t.Errorf("keys of equal recipes differ:\n%s\n%s", equal[0].Key(), equal[1].Key())
		}
	}
}

// A cache outlives the process, so a key must never change by itself. When an algorithm
// changes, raise version and this text.
func TestKeyIsStable(t *testing.T) {
	const want = `datasets/1 MNIST(train,full=false,` +
		`50d309e71bca6d5105e40bacb88acc44238418fd6f0301963bfdbe997fa8e797,` +
		`1c22b0f85a0a25f7fd0a1f8e328a61700f5f3089a9d953dde91eee96958e0cda)` +
		` Take(5000) LongTail(0.01) Only("7" "1") Seed(7)`
	if got := MNIST().Train().Take(5000).Seed(7).LongTail(0.01).Only("7", "1").Key(); got != want {
		t.Errorf("key\n%s\nwant\n%s", got, want)
	}
}

func TestStepsHaveStreamsOfTheirOwn(t *testing.T) {
	s := balanced(1, 100)
	a, b := build(t, s.Take(50)), build(t, s.Take(50).Seed(1))
	if slices.Equal(a.Values, b.Values) {
		t.Error("two seeds drew the same samples")
	}
	// The second of two equal steps must not repeat the first one's choice of positions.
	c := build(t, s.Take(99).Take(50))
	if slices.Equal(a.Values, c.Values) {
		t.Error("Take(99).Take(50) drew the same samples as Take(50)")
	}
}

// Two chains that share a beginning must not write into each other's steps.
func TestChainsDoNotShareSteps(t *testing.T) {
	base := balanced(4, 25).Take(90).Take(80).Take(70)
	a := base.Take(10)
	b := base.LongTail(0.5)
	if n := build(t, a).Len(); n != 10 {
		t.Errorf("the first branch has %d samples after a second one was made, want 10", n)
	}
	if build(t, b).Len() == 10 {
		t.Error("the second branch repeats the first")
	}
}

func TestBuildStopsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := MNIST().Take(5).Build(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
}

// ownSource is a Source that somebody else wrote, and that is wrong.
type ownSource struct{ s Set }

func (o ownSource) Key() string                        { return "own" }
func (o ownSource) Build(context.Context) (Set, error) { return o.s, nil }

func TestFromChecksForeignSources(t *testing.T) {
	s := balanced(2, 2)
	if n := build(t, From(ownSource{s}).Take(2)).Len(); n != 2 {
		t.Errorf("%d samples", n)
	}
	s.Labels = []int{0, 1, 2, 0}
	_, err := From(ownSource{s}).Take(2).Build(context.Background())
	wantError(t, err, ErrLabel, "row 2", "label 2")
}

func TestSaveAndLoad(t *testing.T) {
	for _, r := range recipes() {
		t.Run(r.name, func(t *testing.T) {
			s := build(t, r.Recipe)
			var saved bytes.Buffer
			if err := r.Save(&saved, s); err != nil {
				t.Fatal(err)
			}
			loaded, err := r.Load(&saved)
			if err != nil {
				t.Fatal(err)
			}
			if loaded.Fingerprint() != s.Fingerprint() || loaded.Name != s.Name {
				t.Errorf("saved %q %s, loaded %q %s", s.Name, s.Fingerprint(), loaded.Name, loaded.Fingerprint())
			}
			if (loaded.Columns == nil) != (s.Columns == nil) || (loaded.Masks == nil) != (s.Masks == nil) {
				t.Error("absent parts became present, or the other way round")
			}
		})
	}
}

// Every truncation and every flipped bit of a saved set is an error, so a cache can build
// the set again instead of explaining a wrong one.
func TestLoadNoticesDamage(t *testing.T) {
	var r Recipe
	var saved bytes.Buffer
	s := balanced(2, 3)
	s.Columns = []string{"x"}
	if err := r.Save(&saved, s); err != nil {
		t.Fatal(err)
	}
	b := saved.Bytes()
	for n := range b {
		if _, err := r.Load(bytes.NewReader(b[:n])); !errors.Is(err, ErrFormat) {
			t.Fatalf("%d of %d bytes: error %v, want ErrFormat", n, len(b), err)
		}
		flipped := bytes.Clone(b)
		flipped[n] ^= 0x10
		if _, err := r.Load(bytes.NewReader(flipped)); err == nil {
			t.Fatalf("a flipped bit in byte %d went unnoticed", n)
		}
	}
	_, err := r.Load(bytes.NewReader([]byte("whybook set 9\n and more")))
	wantError(t, err, ErrFormat, "whybook set 9", "whybook set 1")
	if err := r.Save(&saved, Set{Name: "none"}); err == nil {
		t.Error("an inconsistent set was saved")
	}
}

// Bytes with a good checksum can still be hostile, when somebody wants them to be.
func TestLoadChecksWhatItReads(t *testing.T) {
	forge := func(write func(e *encoder)) []byte {
		var b bytes.Buffer
		e := encoder{w: &b, sum: sha256.New()}
		e.bytes([]byte(magic))
		write(&e)
		return append(b.Bytes(), e.sum.Sum(nil)...)
	}
	head := func(e *encoder, shape Shape, n, present int) {
		e.text("forged")
		e.texts([]string{"a"})
		e.texts(nil)
		for _, v := range []int{shape.Channels, shape.Height, shape.Width, n, present} {
			e.number(v)
		}
	}
	for _, test := range []struct {
		name  string
		write func(e *encoder)
		want  error
		texts []string
	}{
		{"long name", func(e *encoder) { e.number(1 << 31) }, ErrFormat, []string{"2147483648"}},
		{"many classes", func(e *encoder) { e.text(""); e.number(1 << 31) }, ErrFormat, []string{"2147483648"}},
		{"large shape", func(e *encoder) { head(e, Shape{1 << 31, 1 << 31, 1 << 31}, 1, 1) }, ErrFormat, []string{"2147483648x"}},
		{"no shape", func(e *encoder) { head(e, Shape{}, 1, 1) }, ErrFormat, []string{"0x0x0"}},
		{"many samples", func(e *encoder) { head(e, Shape{1, 1, 2}, 1<<31, 1) }, ErrFormat, []string{"2147483648 samples"}},
		{"label", func(e *encoder) { head(e, Shape{1, 1, 1}, 1, 1); e.number(1); e.bytes([]byte{0}) }, ErrLabel, []string{"label 1"}},
		{"no data", func(e *encoder) { head(e, Shape{1, 1, 1}, 1, 0); e.number(0) }, nil, []string{"either Pixels or Values"}},
		{"surplus data", func(e *encoder) { head(e, Shape{1, 1, 1}, 1, 1); e.number(0); e.bytes([]byte{0, 0}) }, ErrChecksum, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := Recipe{}.Load(bytes.NewReader(forge(test.write)))
			wantError(t, err, test.want, append(test.texts, "load set")...)
		})
	}
	long := balanced(1, 1)
	long.Name = strings.Repeat("x", maxText+1)
	wantError(t, Recipe{}.Save(io.Discard, long), nil, "longer than")
	wantError(t, Recipe{}.Save(brokenPipe{}, balanced(100, 5000)), io.ErrClosedPipe, "save set")
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func FuzzLoad(f *testing.F) {
	var r Recipe
	for _, s := range []Set{balanced(2, 3), {Name: "image", Shape: Shape{3, 2, 2}, Classes: []string{"a"}, Labels: []int{0}, Pixels: make([]uint8, 12), Masks: make([]uint8, 4)}} {
		var b bytes.Buffer
		if err := r.Save(&b, s); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := r.Load(bytes.NewReader(b))
		if err == nil && s.Check() != nil {
			t.Errorf("loaded an inconsistent set: %v", s.Check())
		}
	})
}
