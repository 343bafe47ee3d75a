package datasets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// version is part of every key. It rises when a recipe starts to make other bytes from
// the same parameters, so that sets cached by an older version are made again.
const version = 1

// Recipe describes how a Set is made: an origin, such as MNIST, followed by steps. It is
// an immutable value; each step returns a changed copy and does no work. A mistake in a
// step is kept and returned by Build.
//
// The random steps draw from the recipe's seed, 0 unless Seed says otherwise, each from
// a stream of its own, named after the step and its place. The same chain therefore
// makes the same bytes on every machine.
type Recipe struct {
	origin origin
	steps  []step
	seed   uint64
	err    error
}

// origin makes the set that the steps of a recipe start from.
type origin interface {
	key() string
	build(ctx context.Context, seed uint64) (Set, error)
}

// step makes one set from another. It never changes the set it is given. String names
// the step with all its parameters.
type step interface {
	fmt.Stringer
	apply(s Set, seed uint64, place int) (Set, error)
}

var _ Source = Recipe{}

// From returns a recipe that starts from any Source: a Set in memory, another recipe, or
// a caller's own type.
func From(src Source) Recipe {
	switch s := src.(type) {
	case nil:
		return Recipe{err: errors.New("datasets.From(nil): the source is nil")}
	case Recipe:
		return s
	case Digits:
		return s.Recipe
	}
	return Recipe{origin: given{src}}
}

// given is an origin that somebody else made.
type given struct{ Source }

func (g given) key() string { return "from(" + strconv.Quote(g.Key()) + ")" }

func (g given) build(ctx context.Context, _ uint64) (Set, error) {
	return g.Build(ctx)
}

// Key names everything that determines the set: the origin with its checksum, every step
// with its parameters, the seed and the version of the algorithms. Two recipes with
// equal keys make equal sets, today and in another process.
func (r Recipe) Key() string {
	if r.err != nil {
		return fmt.Sprintf("datasets/%d error(%q)", version, r.err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "datasets/%d", version)
	if r.origin != nil {
		b.WriteString(" " + r.origin.key())
	}
	for _, s := range r.steps {
		b.WriteString(" " + s.String())
	}
	fmt.Fprintf(&b, " Seed(%d)", r.seed)
	return b.String()
}

// Build makes the set. It returns the first mistake in the chain, an error of the origin
// (a file that is missing or malformed) or of a step that does not fit the set (too few
// samples, an unknown class), or the context's error when it is cancelled.
func (r Recipe) Build(ctx context.Context) (Set, error) {
	if r.err != nil {
		return Set{}, r.err
	}
	if r.origin == nil {
		return Set{}, errors.New("datasets.Recipe.Build: the recipe is empty; start from MNIST(), Blobs(...), File(...) or From(set)")
	}
	if err := ctx.Err(); err != nil {
		return Set{}, fmt.Errorf("datasets.Recipe.Build: %w", err)
	}
	set, err := r.origin.build(ctx, r.seed)
	if err != nil {
		return Set{}, err
	}
	if err := set.Check(); err != nil {
		return Set{}, err
	}
	for place, s := range r.steps {
		if err := ctx.Err(); err != nil {
			return Set{}, fmt.Errorf("datasets.Recipe.Build: stopped before %v: %w", s, err)
		}
		if set, err = s.apply(set, r.seed, place); err != nil {
			return Set{}, r.explain(s, err)
		}
	}
	return set, nil
}

// explain names the step in err, with the origin's remedy where it knows one.
func (r Recipe) explain(s step, err error) error {
	if o, ok := r.origin.(interface{ more() string }); ok && errors.Is(err, ErrTooFew) && o.more() != "" {
		return stepf(s.String(), "%w (%s)", err, o.more())
	}
	return stepf(s.String(), "%w", err)
}

// Save writes the set s, made by the recipe, in a compact versioned form that Load reads.
func (r Recipe) Save(w io.Writer, s Set) error { return encode(w, s) }

// Load reads a set that Save wrote. Bytes that are damaged, truncated, of another version
// or not a consistent set give an error that matches ErrFormat or the error of Set.Check.
func (r Recipe) Load(rd io.Reader) (Set, error) { return decode(rd) }

// then returns the recipe with one more step.
func (r Recipe) then(s step) Recipe {
	if r.err == nil {
		r.steps = append(slices.Clip(r.steps), s)
	}
	return r
}

// fail returns the recipe with a mistake in the given step, unless it has one already.
func (r Recipe) fail(step, format string, args ...any) Recipe {
	if r.err == nil {
		r.err = stepf(step, format, args...)
	}
	return r
}

// Seed sets the seed of the whole recipe, wherever it stands in the chain. After Split it
// is a mistake, since the two parts would no longer fit together: set it before.
func (r Recipe) Seed(seed uint64) Recipe {
	if seed != r.seed && slices.ContainsFunc(r.steps, func(s step) bool { _, ok := s.(split); return ok }) {
		return r.fail(fmt.Sprintf("Seed(%d)", seed),
			"stands after Split, where it would let the two parts overlap; put Seed before Split")
	}
	r.seed = seed
	return r
}

// Named gives the set a name for titles and captions.
func (r Recipe) Named(name string) Recipe { return r.then(named(name)) }

type named string

func (n named) String() string { return fmt.Sprintf("Named(%q)", string(n)) }

func (n named) apply(s Set, _ uint64, _ int) (Set, error) {
	s.Name = string(n)
	return s, nil
}

// Seed returns a recipe that starts from the set, with the given seed.
func (s Set) Seed(seed uint64) Recipe { return From(s).Seed(seed) }

// Named returns a recipe for the set under another name.
func (s Set) Named(name string) Recipe { return From(s).Named(name) }

// Take returns a recipe for n of the set's samples. See Recipe.Take.
func (s Set) Take(n int) Recipe { return From(s).Take(n) }

// Split returns recipes for two disjoint parts of the set. See Recipe.Split.
func (s Set) Split(fraction float64) (train, test Recipe) { return From(s).Split(fraction) }

// LongTail returns a recipe that thins the classes out exponentially. See Recipe.LongTail.
func (s Set) LongTail(f float64) Recipe { return From(s).LongTail(f) }

// Step returns a recipe that thins the second half of the classes out. See Recipe.Step.
func (s Set) Step(f float64) Recipe { return From(s).Step(f) }

// Only returns a recipe for the samples of some classes. See Recipe.Only.
func (s Set) Only(classes ...string) Recipe { return From(s).Only(classes...) }

// Tagged returns a recipe that plants a coloured tag. See Recipe.Tagged.
func (s Set) Tagged(t Tag) Recipe { return From(s).Tagged(t) }
