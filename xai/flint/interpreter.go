package flint

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
	"gonum.org/v1/gonum/mat"
)

var (
	// ErrOther is matched by the error of an interpreter that belongs to another network or
	// another recipe.
	ErrOther = errors.New("interpreter of something else")
	// ErrFormat is matched by the error of a file that is no interpreter, or a damaged one.
	ErrFormat = errors.New("not a file of an interpreter")
)

// Interpreter is a network with its interpretation: the result of Fit.
type Interpreter struct {
	// Net is f with Psi, h and d in one network, which ends in f's scores. Attributes are its
	// layer "flint.phi", the interpreter's scores "flint.g", the decoder's images
	// "flint.rebuilt". Its History has the parts of the loss.
	Net      *nn.Net
	Settings Settings
	PostHoc  bool       // f was there before
	W        *mat.Dense // classes x J, the weights of h
	Bias     []float64  // of h, one for each class

	predictor *nn.Net
}

func newInterpreter(ctx context.Context, net *nn.Net, s Settings, posthoc bool) (*Interpreter, error) {
	in := &Interpreter{Net: net, Settings: s, PostHoc: posthoc}
	d, k := net.Dims()
	j := s.Attributes
	// h is linear: its weights are the derivatives of its scores, the same for any input.
	x, seed := mat.NewDense(k, d, nil), mat.NewDense(k, k, nil)
	for c := range k {
		seed.Set(c, c, 1)
	}
	in.W = mat.NewDense(k, j, nil)
	if err := net.Pull(ctx, scoresName, phiName, in.W, x, seed); err != nil {
		return nil, fmt.Errorf("flint: the weights of h: %w", err)
	}
	o, err := in.Outputs(ctx, x.Slice(0, 1, 0, d).(*mat.Dense))
	if err != nil {
		return nil, err
	}
	in.Bias = make([]float64, k)
	for c := range k {
		in.Bias[c] = o.G.At(0, c) - mat.Dot(in.W.RowView(c), o.Phi.RowView(0))
	}
	if in.predictor, err = net.To(net.Arch().End()); err != nil {
		return nil, fmt.Errorf("flint: %w", err)
	}
	return in, nil
}

// Predictor returns f alone. Post hoc it has the fingerprint of the network that was explained.
func (in *Interpreter) Predictor() *nn.Net { return in.predictor }

// Classes returns the class names, or nil when they are unknown.
func (in *Interpreter) Classes() []string { return in.Net.Classes() }

// For returns an error that matches ErrOther unless the interpreter belongs to the network.
func (in *Interpreter) For(net *nn.Net) error {
	if a, b := in.predictor.Fingerprint(), net.Fingerprint(); a != b {
		return fmt.Errorf("flint: the interpreter was made for network %s, this one is %s: %w", a, b, ErrOther)
	}
	return nil
}

// Outputs are what f, Psi and h say of n inputs.
type Outputs struct {
	F   *mat.Dense // n x classes: f's scores
	Phi *mat.Dense // n x J: the attributes
	G   *mat.Dense // n x classes: the interpreter's scores
}

// Outputs computes the scores of f, the attributes and the scores of g for the rows of x.
func (in *Interpreter) Outputs(ctx context.Context, x *mat.Dense) (Outputs, error) {
	all, err := in.Net.Activations(ctx, allName, x)
	if err != nil {
		return Outputs{}, fmt.Errorf("flint: %w", err)
	}
	n, _ := all.Dims()
	_, k := in.Net.Dims()
	j := in.Settings.Attributes
	part := func(lo, hi int) *mat.Dense { return mat.DenseCopyOf(all.Slice(0, n, lo, hi)) }
	return Outputs{F: part(0, k), Phi: part(k, k+j), G: part(k+j, k+j+k)}, nil
}

// Decode returns the decoder's image of each row of x, n x d.
func (in *Interpreter) Decode(ctx context.Context, x *mat.Dense) (*mat.Dense, error) {
	return in.Net.Activations(ctx, rebuiltName, x)
}

// of computes the outputs for a data set.
func (in *Interpreter) of(ctx context.Context, data datasets.Source) (datasets.Set, Outputs, error) {
	if data == nil {
		return datasets.Set{}, Outputs{}, errors.New("flint: need data")
	}
	set, err := data.Build(ctx)
	if err != nil {
		return set, Outputs{}, err
	}
	if set.Len() == 0 {
		return set, Outputs{}, fmt.Errorf("flint: the set %q is empty", set.Name)
	}
	if want := in.Net.Arch().Input(); set.Shape != want {
		return set, Outputs{}, fmt.Errorf("flint: the set %q has samples of %v, the network takes %v: %w", set.Name, set.Shape, want, xai.ErrShape)
	}
	k := len(set.Classes)
	if _, scores := in.Net.Dims(); k != scores {
		return set, Outputs{}, fmt.Errorf("flint: the set %q has %d classes, the network %d scores: %w", set.Name, k, scores, xai.ErrShape)
	}
	for i, y := range set.Labels {
		if y < 0 || y >= k {
			return set, Outputs{}, fmt.Errorf("flint: sample %d of the set %q has label %d of %d classes: %w", i, set.Name, y, k, xai.ErrTarget)
		}
	}
	o, err := in.Outputs(ctx, set.Batch(nil, places(set.Len())))
	return set, o, err
}

// The saved form: a u64 with the length of a JSON header, the header, and the network as nn
// writes it.
const format = "whybook.flint/1"

type header struct {
	Format      string
	Settings    Settings
	PostHoc     bool
	Fingerprint string // of Net
}

// Save writes the interpreter.
func (in *Interpreter) Save(w io.Writer) error {
	if in == nil || in.Net == nil {
		return errors.New("flint: there is no interpreter to save")
	}
	head, err := json.Marshal(header{format, in.Settings, in.PostHoc, in.Net.Fingerprint()})
	if err != nil {
		return fmt.Errorf("flint: %w", err)
	}
	var size [8]byte
	binary.LittleEndian.PutUint64(size[:], uint64(len(head)))
	if _, err := w.Write(append(size[:], head...)); err != nil {
		return fmt.Errorf("flint: %w", err)
	}
	return in.Net.Save(w)
}

const maxHeader = 1 << 20

// Load reads an interpreter that Save wrote. The error of anything else matches ErrFormat.
func Load(r io.Reader) (*Interpreter, error) {
	var size [8]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, fmt.Errorf("flint: %w: %w", err, ErrFormat)
	}
	n := binary.LittleEndian.Uint64(size[:])
	if n > maxHeader {
		return nil, fmt.Errorf("flint: a header of %d bytes: %w", n, ErrFormat)
	}
	head := make([]byte, n)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, fmt.Errorf("flint: %w: %w", err, ErrFormat)
	}
	var h header
	dec := json.NewDecoder(bytes.NewReader(head))
	if err := dec.Decode(&h); err != nil || h.Format != format {
		return nil, fmt.Errorf("flint: format %q, want %q: %w", h.Format, format, ErrFormat)
	}
	net, err := nn.Load(r)
	if err != nil {
		return nil, fmt.Errorf("flint: %w: %w", err, ErrFormat)
	}
	if net.Fingerprint() != h.Fingerprint {
		return nil, fmt.Errorf("flint: the network is %s, the header names %s: %w", net.Fingerprint(), h.Fingerprint, ErrFormat)
	}
	a := net.Arch()
	for _, name := range []string{phiName, scoresName, rebuiltName, allName} {
		if err := a.From(name).Err(); err != nil {
			return nil, fmt.Errorf("flint: %w: %w", err, ErrFormat)
		}
	}
	_, k := net.Dims()
	if j := a.From(phiName).Output().Size(); j != h.Settings.Attributes || a.From(scoresName).Output().Size() != k || a.From(allName).Output().Size() != 2*k+j {
		return nil, fmt.Errorf("flint: %d attributes, the network has %d: %w", h.Settings.Attributes, j, ErrFormat)
	}
	return newInterpreter(context.Background(), net, h.Settings, h.PostHoc)
}
