package flint

import (
	"fmt"
	"math"
	"slices"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/nn"
)

// Weights are those of the loss, by epoch, from the first; the last value holds for all epochs
// that follow. They are multiplied with means over a batch:
//
//	L = L_pred + Follow L_of + Rebuild L_if + Sparse L_spa + Entropy (H1 - Diversity H2)
//
// L_pred is the cross-entropy of f with the labels, and is left out post hoc; L_of the
// cross-entropy of g with the softmax of f, through which no gradient reaches f's scores;
// L_if the mean squared error of the decoder over all pixels; L_spa the mean of |phi_j| over
// samples and attributes. With E(v) the entropy of softmax(v), H1 is the mean of E(|phi(x)|)
// over the batch (small when each sample uses few attributes), and H2 is E of the batch's mean
// of |phi| (large when the batch uses all of them).
//
// In the paper's letters beta is Follow, gamma Rebuild, delta Entropy, and delta eta Sparse.
type Weights struct {
	Rebuild   []float64
	Follow    []float64
	Sparse    []float64
	Entropy   []float64
	Diversity float64 // default 1, as in the authors' training
}

// MNISTWeights are those of the authors' code for MNIST and Fashion-MNIST, and the default.
func MNISTWeights() Weights {
	return Weights{Rebuild: []float64{0.8}, Follow: []float64{0, 0, 0.5}, Sparse: []float64{0, 0, 0.1}, Entropy: []float64{0, 0, 0, 0, 0.2}, Diversity: 1}
}

// Penalty returns the weights with another penalty on the attributes, to compare as the paper does:
// the last value of Sparse becomes eta times the last of Entropy (eta 0.5 for MNIST in the
// authors' code, 3 for QuickDraw); unless entropy, the entropy terms themselves are left out,
// which leaves a plain l1 penalty of the same weight.
func (w Weights) Penalty(eta float64, entropy bool) Weights {
	if len(w.Sparse) == 0 || len(w.Entropy) == 0 {
		return w // Recipe.Weights refuses them
	}
	w.Sparse = slices.Clone(w.Sparse)
	w.Sparse[len(w.Sparse)-1] = eta * w.Entropy[len(w.Entropy)-1]
	if !entropy {
		w.Entropy = []float64{0}
	}
	return w
}

// check reports a weight that is negative or not finite.
func (w Weights) check() error {
	for _, f := range []struct {
		name   string
		values []float64
	}{{"Rebuild", w.Rebuild}, {"Follow", w.Follow}, {"Sparse", w.Sparse}, {"Entropy", w.Entropy}, {"Diversity", []float64{w.Diversity}}} {
		if len(f.values) == 0 {
			return fmt.Errorf("field %s needs a weight for the first epoch", f.name)
		}
		for i, v := range f.values {
			if !(v >= 0) || math.IsInf(v, 0) {
				return fmt.Errorf("field %s: the weight of epoch %d must not be negative and must be finite, is %v", f.name, i+1, v)
			}
		}
	}
	return nil
}

// Decoder is the shape of d: a dense layer to Seed maps of a quarter of the image's height and
// width, and two transposed convolutions (3x3, stride 2) to Mid maps and to Last maps. The zero
// value is that of the authors' code for MNIST.
type Decoder struct {
	Seed int // default 2
	Mid  int // default 8
	Last int // with Dense; default 8
	// Dense ends with a dense layer to all pixels, instead of having the second transposed
	// convolution put out the image itself.
	Dense bool
	// Linear leaves the image as it comes, for images that are normalised to both sides of 0;
	// by default it is rectified.
	Linear bool
}

// Settings are all that a recipe says beside network, data and training.
type Settings struct {
	Hidden     []string // layers of f that Psi reads
	Attributes int      // J; default 25
	Maps       int      // channels of Psi's convolutions; default 64
	Dropout    float64  // of the attributes before h, while training; default 0.01
	Decoder    Decoder
	Absolute   bool   // L_if is the mean absolute error, as the authors' for CIFAR-10
	Target     string // the layer that the decoder must rebuild; "" for the input
	Weights    Weights
}

// terms returns the loss. f's scores are the end of the architecture.
func (s Settings) terms(posthoc bool) nn.Terms {
	diversity := slices.Clone(s.Weights.Entropy)
	for i := range diversity {
		diversity[i] *= -s.Weights.Diversity
	}
	terms := nn.Terms{
		{Name: "follow", Goal: nn.Follow{Layer: scoresName}, Weight: s.Weights.Follow},
		{Name: "rebuild", Goal: nn.Rebuild{Layer: rebuiltName, Of: s.Target, Absolute: s.Absolute}, Weight: s.Weights.Rebuild},
		{Name: "sparse", Goal: nn.Magnitude{Layer: phiName}, Weight: s.Weights.Sparse},
		{Name: "conciseness", Goal: nn.RowEntropy{Layer: phiName}, Weight: s.Weights.Entropy},
		{Name: "diversity", Goal: nn.BatchEntropy{Layer: phiName}, Weight: diversity},
	}
	if posthoc {
		return terms
	}
	return append(nn.Terms{{Name: "predict", Goal: nn.Labels{}}}, terms...)
}

// Names of the layers that FLINT adds to f.
const (
	phiName     = "flint.phi"     // the attributes
	scoresName  = "flint.g"       // the interpreter's scores
	rebuiltName = "flint.rebuilt" // the decoder's image
	allName     = "flint.all"     // f's scores, phi and g's scores, side by side
)

// extend adds Psi, h and d to f. The result ends in f's scores.
func (s Settings) extend(f nn.Arch) (nn.Arch, error) {
	if err := f.Err(); err != nil {
		return f, err
	}
	if len(s.Hidden) == 0 {
		return f, fmt.Errorf("no hidden layer is named; choose among the last layers of maps with Hidden(...): %w", xai.ErrLayer)
	}
	end, shape := f.End(), f.Input()
	layers := make(map[string]nn.LayerInfo)
	for _, l := range f.Layers() {
		layers[l.Name] = l
	}
	height, width := 1<<30, 1<<30
	for _, name := range s.Hidden {
		l, ok := layers[name]
		switch {
		case !ok:
			return f.From(name), f.From(name).Err()
		case l.Output.Height == 1 && l.Output.Width == 1:
			return f, fmt.Errorf("layer %s puts out %v; Psi reads maps, so choose a layer before the maps are flattened: %w", name, l.Output, xai.ErrShape)
		}
		height, width = min(height, l.Output.Height), min(width, l.Output.Width)
	}
	a := f
	if len(s.Hidden) == 1 { // the authors' for MNIST
		a = a.From(s.Hidden[0]).Conv(s.Maps, 3).Named("flint.psi.conv").Then(nn.LeakyReLU{})
	} else { // the authors' for residual networks: one convolution for each layer, joined by another
		var ends []string
		for i, name := range s.Hidden {
			out := layers[name].Output
			stride := (out.Height + height - 1) / height
			a = a.From(name).Then(nn.Conv{Filters: s.Maps, Kernel: 3, Stride: stride, Pad: 1}).Named(fmt.Sprintf("flint.psi.conv%d", i+1)).ReLU().Named(fmt.Sprintf("flint.psi.maps%d", i+1))
			ends = append(ends, a.End())
		}
		a = a.From(ends[0]).Merge(nn.Concat{}, ends[1:]...).Conv(s.Maps, 3).Named("flint.psi.conv").ReLU()
	}
	a = a.Then(nn.AdaptiveAvgPool{Height: min(3, height), Width: min(3, width)}).Dense(s.Attributes).Named("flint.psi.fc")
	if len(s.Hidden) == 1 {
		a = a.Then(nn.LeakyReLU{}).Named(phiName)
	} else {
		a = a.ReLU().Named(phiName)
	}
	if s.Dropout > 0 {
		a = a.Dropout(s.Dropout)
	}
	a = a.Dense(f.Output().Size()).Named(scoresName)
	a = s.decode(a.From(phiName), shape)
	a = a.From(end).Merge(nn.Concat{}, phiName, scoresName).Named(allName)
	a = a.From(end)
	return a, a.Err()
}

// decode adds d, whose images have the input's shape. Heights and widths that four does not
// divide are rounded up and cut off again.
func (s Settings) decode(a nn.Arch, image shape) nn.Arch {
	d, h, w := s.Decoder, (image.Height+3)/4, (image.Width+3)/4
	up := func(filters int) nn.ConvTranspose {
		return nn.ConvTranspose{Filters: filters, Kernel: 3, Stride: 2, Pad: 1, Extra: 1}
	}
	last := image.Channels
	if d.Dense {
		last = d.Last
	}
	a = a.Dense(d.Seed * h * w).Named("flint.d.fc").Then(nn.Gather{Output: shape{Channels: d.Seed, Height: h, Width: w}}).
		Then(up(d.Mid)).Named("flint.d.up1").ReLU().
		Then(up(last)).Named("flint.d.up2")
	if d.Dense {
		a = a.ReLU().Dense(image.Size()).Named("flint.d.image").Then(nn.Gather{Output: image})
	} else if 4*h != image.Height || 4*w != image.Width {
		a = a.Then(crop(shape{Channels: last, Height: 4 * h, Width: 4 * w}, image))
	}
	if !d.Linear {
		return a.ReLU().Named(rebuiltName)
	}
	if !d.Dense && 4*h == image.Height && 4*w == image.Width {
		a = a.Then(nn.Gather{Output: image}) // a name of its own
	}
	return a.Named(rebuiltName)
}

// crop keeps the upper left part of maps.
func crop(from, to shape) nn.Gather {
	var index []int32
	for c := range to.Channels {
		for y := range to.Height {
			for x := range to.Width {
				index = append(index, int32((c*from.Height+y)*from.Width+x))
			}
		}
	}
	return nn.Gather{Output: to, Index: index}
}
