package nn

import (
	"fmt"

	"github.com/whybook/whybook/datasets"
)

// ResNet20 is the CIFAR residual network of He et al. (2016, section 4.2) with 20 layers:
// three stages of 3 blocks with 16, 32 and 64 channels, and shortcuts without weights
// (option A: every second row and column, zeros for the new channels). Layers have the names
// that PyTorch implementations use ("layer2.0.conv1"); the average over each of the 64 last
// maps is "gap", the classifier "linear". Images are at least 4 x 4.
func ResNet20(shape datasets.Shape, classes int) Arch { return cifarResNet(shape, classes, 3) }

// ResNet32 is ResNet20 with 5 blocks in each stage.
func ResNet32(shape datasets.Shape, classes int) Arch { return cifarResNet(shape, classes, 5) }

// ResNet56 is ResNet20 with 9 blocks in each stage.
func ResNet56(shape datasets.Shape, classes int) Arch { return cifarResNet(shape, classes, 9) }

func cifarResNet(shape datasets.Shape, classes, blocks int) Arch {
	r := residual{norm: true, shortcut: zeroShortcut}
	a := r.conv(Image(shape), "conv1", "bn1", 16, 3, 1).ReLU()
	for stage := range 3 {
		a = r.stage(a, stage+1, blocks, 16<<stage)
	}
	return a.Then(GlobalAvgPool{}).Named("gap").Dense(classes).Named("linear")
}

// ResNet18 is the ImageNet residual network of He et al. (2016) with 18 layers, as
// torchvision builds and names it: a 7x7 convolution and max-pooling, four stages of 2
// blocks with 64 to 512 channels, projection shortcuts, batch normalisation.
func ResNet18(shape datasets.Shape, classes int) Arch {
	r := residual{norm: true, shortcut: projection}
	a := r.conv(Image(shape), "conv1", "bn1", 64, 7, 2).ReLU().Then(MaxPool{Kernel: 3, Stride: 2, Pad: 1}).Named("maxpool")
	for stage := range 4 {
		a = r.stage(a, stage+1, 2, 64<<stage)
	}
	return a.Then(GlobalAvgPool{}).Named("gap").Dense(classes).Named("fc")
}

// ResNet18Plain is ResNet18 for small images and without batch normalisation: its first
// convolution is 3x3 with stride 1, there is no max-pooling, and a dense layer of as many units
// as the last stage has channels stands before the classifier (Parekh et al. 2021, FLINT). The
// stages have width, 2, 4 and 8 times width channels; the authors' width is 64, and half of it
// takes a quarter of the time.
func ResNet18Plain(shape datasets.Shape, classes, width int) Arch {
	r := residual{shortcut: projection}
	a := r.conv(Image(shape), "conv1", "", width, 3, 1).ReLU()
	for stage := range 4 {
		a = r.stage(a, stage+1, 2, width<<stage)
	}
	return a.Then(GlobalAvgPool{}).Named("gap").Dense(8 * width).Named("fc1").ReLU().Dense(classes).Named("fc2")
}

// residual builds residual networks of one style.
type residual struct {
	norm     bool // batch normalisation after every convolution, which then has no bias
	shortcut func(r residual, a Arch, name string, filters, stride int) Arch
}

// conv adds a convolution that keeps the size up to its stride, and its normalisation.
func (r residual) conv(a Arch, name, norm string, filters, kernel, stride int) Arch {
	a = a.Then(Conv{Filters: filters, Kernel: kernel, Stride: stride, Pad: kernel / 2, NoBias: r.norm}).Named(name)
	if r.norm {
		a = a.BatchNorm().Named(norm)
	}
	return a
}

// stage adds blocks of two 3x3 convolutions around a shortcut. The first block of every
// stage but the first halves the size.
func (r residual) stage(a Arch, stage, blocks, filters int) Arch {
	for block := range blocks {
		name, stride := fmt.Sprintf("layer%d.%d.", stage, block), 1
		if block == 0 && stage > 1 {
			stride = 2
		}
		from := a.End()
		a = r.conv(a, name+"conv1", name+"bn1", filters, 3, stride).ReLU()
		a = r.conv(a, name+"conv2", name+"bn2", filters, 3, 1)
		main := a.End()
		a = a.From(from)
		if stride > 1 {
			a = r.shortcut(r, a, name, filters, stride)
		}
		a = a.Merge(Add{}, main).ReLU().Named(fmt.Sprintf("layer%d.%d", stage, block))
	}
	return a
}

// zeroShortcut is option A: every second row and column, and zeros for half of the new
// channels before and half after the old ones.
func zeroShortcut(_ residual, a Arch, _ string, filters, stride int) Arch {
	missing := filters - a.Output().Channels
	return a.Then(Slice{Step: stride}).Then(Pad{Before: missing / 2, After: missing - missing/2})
}

// projection is option B: a 1x1 convolution.
func projection(r residual, a Arch, name string, filters, stride int) Arch {
	return r.conv(a, name+"downsample.0", name+"downsample.1", filters, 1, stride)
}
