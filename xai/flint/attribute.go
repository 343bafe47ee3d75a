package flint

import (
	"context"
	"fmt"
	"slices"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

func attributeName(j int) string { return fmt.Sprintf("attribute %d", j) }

// attribute returns an error that matches xai.ErrTarget unless there is such an attribute.
func (in *Interpreter) attribute(j int) error {
	if n := in.Settings.Attributes; j < 0 || j >= n {
		return fmt.Errorf("%s: there are %d (0-%d): %w", attributeName(j), n, n-1, xai.ErrTarget)
	}
	return nil
}

// AttributeNet returns Psi on f's layers as a network whose scores are the attributes, so that
// whatever explains a class of a network explains an attribute.
func (in *Interpreter) AttributeNet() (*nn.Net, error) {
	names := make([]string, in.Settings.Attributes)
	for j := range names {
		names[j] = attributeName(j)
	}
	net, err := in.Net.To(phiName)
	if err != nil {
		return nil, fmt.Errorf("flint: %w", err)
	}
	return net.WithClasses(names...)
}

// InterpreterNet returns g as a network of its own.
func (in *Interpreter) InterpreterNet() (*nn.Net, error) {
	net, err := in.Net.To(scoresName)
	if err != nil {
		return nil, fmt.Errorf("flint: %w", err)
	}
	if names := in.Classes(); names != nil {
		return net.WithClasses(names...)
	}
	return net, nil
}

// Saliency starts an explanation of an attribute on a sample: which pixels make it large.
//
//	m, err := r.With(saliency.Smooth{Of: saliency.Gradient{}}).Explain(ctx)
func (in *Interpreter) Saliency(x datasets.Sample, attribute int) (saliency.Recipe, error) {
	if err := in.attribute(attribute); err != nil {
		return saliency.Recipe{}, fmt.Errorf("flint.Interpreter.Saliency: %w", err)
	}
	net, err := in.AttributeNet()
	if err != nil {
		return saliency.Recipe{}, err
	}
	return saliency.Of(net, x).Target(attribute), nil
}

// Decoded is what the decoder makes of an input, and of each of its attributes.
type Decoded struct {
	Shape datasets.Shape
	X     []float64 // d values: the input
	Phi   []float64 // J values: its attributes
	Image []float64 // d values: what d makes of phi(x)

	// Parts has a row for each attribute: Image less what d makes of phi(x) with this
	// attribute at 0. The decoder is not linear, so that the parts do not add up to the image.
	Parts *mat.Dense // J x d
}

// DecodeAttributes shows attributes as the decoder sees them: what each of them adds to the image
// that it makes of x (d values).
func (in *Interpreter) DecodeAttributes(ctx context.Context, x []float64) (*Decoded, error) {
	if d, _ := in.Net.Dims(); len(x) != d {
		return nil, fmt.Errorf("flint.Interpreter.DecodeAttributes: %d values, the network takes %d: %w", len(x), d, xai.ErrShape)
	}
	phi, err := in.Net.Activations(ctx, phiName, mat.NewDense(1, len(x), x))
	if err != nil {
		return nil, fmt.Errorf("flint.Interpreter.DecodeAttributes: %w", err)
	}
	whole, err := in.Net.To(rebuiltName)
	if err != nil {
		return nil, fmt.Errorf("flint.Interpreter.DecodeAttributes: %w", err)
	}
	decoder, err := whole.After(phiName)
	if err != nil {
		return nil, fmt.Errorf("flint.Interpreter.DecodeAttributes: %w", err)
	}
	_, j := phi.Dims()
	rows := mat.NewDense(j+1, j, nil)
	for i := range j + 1 {
		rows.SetRow(i, phi.RawRowView(0))
		if i < j {
			rows.Set(i, i, 0)
		}
	}
	images, err := decoder.Scores(ctx, rows)
	if err != nil {
		return nil, fmt.Errorf("flint.Interpreter.DecodeAttributes: %w", err)
	}
	out := &Decoded{Shape: in.Net.Arch().Input(), X: slices.Clone(x), Phi: phi.RawRowView(0), Image: images.RawRowView(j), Parts: images.Slice(0, j, 0, len(x)).(*mat.Dense)}
	for i := range j {
		floats.SubTo(out.Parts.RawRowView(i), out.Image, images.RawRowView(i))
	}
	return out, nil
}
