package flint

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
)

type shape = datasets.Shape

// Recipe describes a network with its interpretation. It is immutable: each step returns a
// changed copy, nothing is computed, and the first mistake is returned by Build.
type Recipe struct {
	f   nn.Arch
	net *nn.Net // post hoc: f with its weights
	s   Settings
	err error
}

func start() Settings {
	return Settings{Attributes: 25, Maps: 64, Dropout: 0.01, Decoder: Decoder{Seed: 2, Mid: 8, Last: 8}, Weights: MNISTWeights()}
}

// Of starts a recipe that trains f, of the given architecture, and its interpretation together.
func Of(f nn.Arch) Recipe {
	r := Recipe{f: f, s: start()}
	if err := f.Err(); err != nil {
		r.err = xai.Stepf("flint.Of", "%w", err)
	}
	return r
}

// Explain starts a recipe that interprets a network which exists already: Psi, h and d learn to
// follow it, and its own parameters stay as they are, to the bit.
func Explain(net *nn.Net) Recipe {
	r := Recipe{net: net, s: start()}
	if d, _ := net.Dims(); d == 0 {
		r.err = xai.Stepf("flint.Explain", "need a network, have none")
		return r
	}
	r.f = net.Arch()
	return r
}

// Network puts another f in the place of the recipe's, with the same names of the layers that
// the recipe names. A recipe of Explain has its network, and refuses another.
func (r Recipe) Network(f nn.Arch) Recipe {
	switch {
	case r.err != nil:
		return r
	case r.net != nil:
		r.err = xai.Stepf("flint.Network", "this recipe explains a network that is trained; start with flint.Of")
		return r
	case f.Err() != nil:
		r.err = xai.Stepf("flint.Network", "%w", f.Err())
		return r
	}
	r.f = f
	return r.Hidden(r.s.Hidden...).Rebuild(r.s.Target, r.s.Absolute)
}

// Hidden names the layers of f that Psi reads: layers of maps, usually among the last ones.
// There is no default. Psi is a 3x3 convolution, LeakyReLU, an average over 3x3 bins, and a
// dense layer with LeakyReLU; for several layers a convolution for each of them, with a stride
// that brings them to one size, another over all together, and rectifiers.
func (r Recipe) Hidden(layers ...string) Recipe {
	if r.err == nil {
		for _, name := range layers {
			if err := r.f.From(name).Err(); err != nil || name == nn.InputName {
				r.err = xai.Stepf(fmt.Sprintf("flint.Hidden(%q)", name), "%w", errors.Join(err, xai.ErrLayer))
				break
			}
		}
	}
	r.s.Hidden = slices.Clone(layers)
	return r
}

// Attributes sets J, the size of the dictionary, at least 2; the default is 25.
func (r Recipe) Attributes(j int) Recipe {
	if r.err == nil && j < 2 {
		r.err = xai.Stepf(fmt.Sprintf("flint.Attributes(%d)", j), "need at least 2 attributes: one cannot be concise")
	}
	r.s.Attributes = j
	return r
}

// Maps sets the channels of Psi's convolutions; the default is 64.
func (r Recipe) Maps(n int) Recipe {
	if r.err == nil && n < 1 {
		r.err = xai.Stepf(fmt.Sprintf("flint.Maps(%d)", n), "need at least one channel")
	}
	r.s.Maps = n
	return r
}

// Weights sets those of the loss; the default is MNISTWeights().
func (r Recipe) Weights(w Weights) Recipe {
	if err := w.check(); r.err == nil && err != nil {
		r.err = xai.Stepf("flint.Weights", "%w", err)
	}
	r.s.Weights = w
	return r
}

// Decoder sets the shape of d; zero fields keep their defaults.
func (r Recipe) Decoder(d Decoder) Recipe {
	def := start().Decoder
	if r.err == nil && min(d.Seed, d.Mid, d.Last) < 0 {
		r.err = xai.Stepf(fmt.Sprintf("flint.Decoder(%+v)", d), "numbers of maps must be positive")
	}
	for _, f := range []struct{ to, from *int }{{&d.Seed, &def.Seed}, {&d.Mid, &def.Mid}, {&d.Last, &def.Last}} {
		if *f.to == 0 {
			*f.to = *f.from
		}
	}
	r.s.Decoder = d
	return r
}

// Rebuild sets what the decoder must rebuild, the output of a layer of the input's shape (a
// Normalize layer), and whether its error is absolute; the default is the input, and squared.
func (r Recipe) Rebuild(layer string, absolute bool) Recipe {
	if r.err == nil && layer != "" {
		if err := r.f.From(layer).Err(); err != nil {
			r.err = xai.Stepf(fmt.Sprintf("flint.Rebuild(%q)", layer), "%w", err)
		}
	}
	r.s.Target, r.s.Absolute = layer, absolute
	return r
}

// Settings returns what the recipe says so far, to start another recipe from.
func (r Recipe) Settings() Settings {
	s := r.s
	s.Hidden = slices.Clone(s.Hidden)
	for _, w := range []*[]float64{&s.Weights.Rebuild, &s.Weights.Follow, &s.Weights.Sparse, &s.Weights.Entropy} {
		*w = slices.Clone(*w)
	}
	return s
}

// Training returns the authors' settings for MNIST: 12 epochs in batches of 16, Adam with
// rate 0.0001, from weights that are drawn as PyTorch does.
func Training() nn.Training {
	return nn.Training{Epochs: 12, Batch: 16, Init: nn.FanInUniform, Optimizer: nn.Adam{Rate: 1e-4}}
}

// Fit is the recipe of a trained interpretation.
type Fit struct {
	r   Recipe
	fit nn.Fit
	err error
}

// Fit describes the training. Its loss is FLINT's own; Start and Frozen are for it to set. A
// batch of one sample, which has no diversity, is refused.
func (r Recipe) Fit(data datasets.Source, t nn.Training) Fit {
	f := Fit{r: r, err: r.err}
	if f.err != nil {
		return f
	}
	if t.Loss != nil || t.Start != nil || t.Frozen != nil {
		f.err = xai.Stepf("flint.Fit", "the fields Loss, Start and Frozen of the training are set by FLINT itself; leave them out")
		return f
	}
	joint, err := r.s.extend(r.f)
	if err != nil {
		f.err = xai.Stepf("flint.Fit", "%w", err)
		return f
	}
	t.Loss = r.s.terms(r.net != nil)
	if r.net != nil {
		t.Start = r.net
		for _, l := range r.f.Layers() {
			t.Frozen = append(t.Frozen, l.Name)
		}
	}
	f.fit = joint.Fit(data, t)
	return f
}

func (f Fit) check() error {
	if f.err == nil && f.r.s.Attributes == 0 {
		return errors.New("flint: a recipe is made with flint.Of(arch) or flint.Explain(net), and its Fit")
	}
	return f.err
}

// Key names everything that determines the result.
func (f Fit) Key() string {
	if err := f.check(); err != nil {
		return "flint.Fit: " + err.Error()
	}
	return fmt.Sprintf("flint.Fit/1 %+v | %s", f.r.s, f.fit.Key())
}

// Build trains. It reports progress as "train", stops within one step when ctx is done, and
// goes on from Training.Checkpoint where it was interrupted. A term that becomes NaN is an
// error that names the term and the epoch (nn.ErrDiverged).
func (f Fit) Build(ctx context.Context) (*Interpreter, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	net, err := f.fit.Build(ctx)
	if err != nil {
		return nil, fmt.Errorf("flint: %w", err)
	}
	return newInterpreter(ctx, net, f.r.s, f.r.net != nil)
}

// Save writes an interpreter for a cache; see Interpreter.Save.
func (f Fit) Save(w io.Writer, in *Interpreter) error { return in.Save(w) }

// Load reads what Save wrote, and refuses the interpreter of another recipe.
func (f Fit) Load(r io.Reader) (*Interpreter, error) {
	if err := f.check(); err != nil {
		return nil, err
	}
	in, err := Load(r)
	if err != nil {
		return nil, err
	}
	if want, got := fmt.Sprintf("%+v", f.r.s), fmt.Sprintf("%+v", in.Settings); want != got {
		return nil, fmt.Errorf("flint: the file holds an interpreter with %s, not %s: %w", got, want, ErrOther)
	}
	if f.r.net != nil {
		if err := in.For(f.r.net); err != nil {
			return nil, err
		}
	}
	return in, nil
}
