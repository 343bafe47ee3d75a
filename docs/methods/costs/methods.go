package main

import (
	"context"
	"fmt"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/cluster"
	"github.com/whybook/whybook/xai/cnninte"
	"github.com/whybook/whybook/xai/evaluate"
	"github.com/whybook/whybook/xai/flint"
	"github.com/whybook/whybook/xai/forest"
	"github.com/whybook/whybook/xai/imbalance"
	"github.com/whybook/whybook/xai/neighbors"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/project"
	"github.com/whybook/whybook/xai/saliency"
	"github.com/whybook/whybook/xai/soxai"
	"github.com/whybook/whybook/xai/tree"
	"gonum.org/v1/gonum/mat"
)

const head = `# All methods, and what they cost

Which method answers your question, where it is, whose it is, and what it takes. Written by a command, which measures while it runs:

    go run ./docs/methods/costs > docs/methods/README.md

Measured with %s on %s, %d processors, on a machine that had other work to do: the shortest of up to five runs (longer
work runs once), so take the times as an order of magnitude. *Memory* is what the heap held at its highest beyond what was there
before, garbage included.

`

const saliencyHead = `## One decision: xai/saliency

A *pass* is one row through the network, forward or backward. Time and memory of one map, by its default settings, on the LeNet of
the notebooks (28 x 28 values) and on a ResNet-20 (3 x 32 x 32 values). Two numbers of passes: the cost depends on the image. What each
method does, promises and when it misleads is on [its card](saliency.md).

| method | question | source | passes | LeNet | memory | ResNet-20 | memory |
|---|---|---|---|---|---|---|---|
`

const analysesHead = `
## Everything else

| what | question | package | source | measured on | time | memory |
|---|---|---|---|---|---|---|
`

const foot = `
The [35 metrics](metrics.md) have cards of their own. A metric that takes pixels away costs one pass for each step and map, at most
224 of them; one that disturbs the input or the network costs as many maps as it draws, so its cost is that of the method times its
samples.
`

// method is a map to measure.
type method struct {
	saliency.Described
	question, source string
	deep             saliency.Method // for the ResNet, where it differs
}

func (m method) code() string { _, code := saliency.Describe(m.Described); return code }
func (m method) on(deep bool) saliency.Method {
	if deep && m.deep != nil {
		return m.deep
	}
	return m.Described
}

func (m method) row() string {
	title, _ := saliency.Describe(m.Described)
	return fmt.Sprintf("| %s | %s | %s", title, m.question, m.source)
}

func maps(digits datasets.Set) []method {
	var some, photos [][]float64
	for i := range 20 {
		some = append(some, digits.At(i).X)
		photo := make([]float64, 3*32*32)
		for j := range photo {
			photo[j] = float64((i*31+j)%256) / 255
		}
		photos = append(photos, photo)
	}
	return []method{
		{Described: saliency.Gradient{}, question: "how fast does the score change with each pixel?", source: "Simonyan et al. 2013"},
		{Described: saliency.InputGradient{}, question: "what does each pixel add, if the network were its tangent?", source: "Shrikumar et al. 2016"},
		{Described: saliency.Smooth{}, question: "what is left of a map when the input trembles?", source: "Smilkov et al. 2017"},
		{Described: saliency.IntegratedGradients{}, question: "what does each pixel add, so that the sum is right?", source: "Sundararajan et al. 2017"},
		{Described: saliency.AdaptiveIntegratedGradients{Tolerance: 1e-4}, question: "the same, to an error that I choose", source: "Whybook"},
		{Described: saliency.ExpectedGradients{Baselines: some}, deep: saliency.ExpectedGradients{Baselines: photos}, question: "the same, against many baselines", source: "Erion et al. 2019"},
		{Described: saliency.GuidedBackprop{}, question: "which edges excite the network? (see its card first)", source: "Springenberg et al. 2014"},
		{Described: saliency.Deconvnet{}, question: "which patterns excite the network? (see its card first)", source: "Zeiler and Fergus 2013"},
		{Described: saliency.GradCAM{}, question: "which region speaks for the class?", source: "Selvaraju et al. 2017"},
		{Described: saliency.GuidedGradCAM{}, question: "which edges in that region?", source: "Selvaraju et al. 2017"},
		{Described: saliency.LRP{}, question: "how is the score handed down the layers?", source: "Bach et al. 2015"},
		{Described: saliency.Occlusion{}, question: "what if this window were covered?", source: "Zeiler and Fergus 2013"},
		{Described: saliency.RISE{}, question: "the same by random masks, of any model", source: "Petsiuk et al. 2018"},
		{Described: saliency.Shapley{}, question: "what is each patch's fair share?", source: "Castro et al. 2009; Štrumbelj and Kononenko 2010"},
		{Described: saliency.LIME{}, question: "which superpixels would a simple model name?", source: "Ribeiro et al. 2016"},
		{Described: saliency.GradientFlow{}, question: "where does the score lead, beyond the tangent?", source: "Whybook, after Rosenzweig et al. 2021"},
		{Described: saliency.Boundary{}, question: "what small change would alter the decision?", source: "Whybook, after Moosavi-Dezfooli et al. 2015"},
		{Described: saliency.FiniteDifference{}, question: "what can this pixel do at most, on its own?", source: "Whybook, after Rosenzweig et al. 2021"},
	}
}

// analysis is a piece of work on more than one decision.
type analysis struct {
	name, question, pkg, source, on string
	work                            func(ctx context.Context) error
}

func (a analysis) row() string {
	return fmt.Sprintf("| %s | %s | `%s` | %s | %s", a.name, a.question, a.pkg, a.source, a.on)
}

// fresh gives work a network that has not worked yet.
func fresh(b bench, work func(*nn.Net) error) error {
	net, err := b.net()
	if err != nil {
		return err
	}
	return work(net)
}

func analyses(b bench) []analysis {
	few := func(n int) datasets.Recipe { return datasets.From(b.digits).Take(n) }
	// with gives the pixels of the first n digits, as numbers.
	with := func(n int, work func(x *mat.Dense) error) error {
		index := make([]int, n)
		for i := range index {
			index[i] = i
		}
		return work(b.digits.Batch(nil, index))
	}
	reduced := func(ctx context.Context, n int, work func(x *mat.Dense) error) error {
		return with(n, func(x *mat.Dense) error {
			basis, err := project.PCA{Components: 20}.Fit(ctx, x)
			if err != nil {
				return err
			}
			y, err := basis.Transform(x)
			if err != nil {
				return err
			}
			return work(y)
		})
	}
	var attributes *flint.Interpreter
	return []analysis{
		{"Training", "which network?", "xai/nn", "", "LeNet, 5 epochs of 5,000 digits", func(ctx context.Context) error {
			_, err := nn.LeNet(b.digits.Shape, 10).Fit(b.digits, nn.Training{Epochs: 5, Seed: 7}).Build(ctx)
			return err
		}},
		{"Verification", "are the gradients right?", "xai", "Whybook", "LeNet, 4 digits", func(ctx context.Context) error {
			return fresh(b, func(net *nn.Net) error {
				_, err := xai.Verify(ctx, net, b.unseen.Batch(nil, []int{0, 1, 2, 3}))
				return err
			})
		}},
		{"Mean maps", "what counts on average, class by class?", "xai/saliency", "Whybook", "1,000 digits, integrated gradients of 20 steps", func(ctx context.Context) error {
			return fresh(b, func(net *nn.Net) error {
				_, err := saliency.Over(net, b.unseen).With(saliency.IntegratedGradients{Steps: 20}).Build(ctx)
				return err
			})
		}},
		{"Comparison", "can a map be trusted?", "xai/evaluate", "see [metrics](metrics.md)", "3 methods by deletion, insertion and MPRT on 20 digits", func(ctx context.Context) error {
			return fresh(b, func(net *nn.Net) error {
				_, err := evaluate.Compare(net, datasets.From(b.unseen).Take(20)).Methods(saliency.Gradient{}, saliency.IntegratedGradients{}, saliency.Occlusion{}).
					Metrics(evaluate.Deletion{}, evaluate.Insertion{}, evaluate.MPRT{}).Build(ctx)
				return err
			})
		}},
		{"Archetypes, adversaries, prototypes", "which classes are hard, and who steals from whom?", "xai/imbalance", "Dablain et al. 2024", fmt.Sprintf("%d digits, long tail, and 1,000 held out", b.tail.Len()), func(ctx context.Context) error {
			return fresh(b, func(net *nn.Net) error {
				a, err := imbalance.Of(b.tail).Embed(net, "").HeldOut(b.unseen).Build(ctx)
				if err != nil {
					return err
				}
				_, err = a.Prototypes(ctx)
				return err
			})
		}},
		{"30 measures of complexity", "how hard are the classes to tell apart?", "xai/imbalance", "Lorena et al. 2019; Barella et al. 2021", fmt.Sprintf("the pixels of these %d digits", b.tail.Len()), func(ctx context.Context) error {
			a, err := imbalance.Of(b.tail).Build(ctx)
			if err != nil {
				return err
			}
			_, err = a.InputComplexity(ctx, imbalance.Complexity{})
			return err
		}},
		{"CNN-INTE", "how does a hidden layer lead to this class?", "xai/cnninte", "Liu et al. 2018", "layer fc1, 2,000 digits, 5 factors of 5 clusters", func(ctx context.Context) error {
			return fresh(b, func(net *nn.Net) error {
				_, err := cnninte.Of(net).Layer("fc1").Factors(5).Clusters(5).On(few(2000)).Build(ctx)
				return err
			})
		}},
		{"FLINT, trained together", "which few attributes lead to this class?", "xai/flint", "Parekh et al. 2021", "the paper's network for MNIST, 25 attributes, 12 epochs of 1,000 digits", func(ctx context.Context) error {
			_, err := flint.Paper("mnist").Recipe.Fit(few(1000), flint.Training()).Build(ctx)
			return err
		}},
		{"FLINT, post hoc", "the same of a network that exists", "xai/flint", "Parekh et al. 2021", "LeNet, layer relu2, 25 attributes, 12 epochs of 1,000 digits", func(ctx context.Context) error {
			return fresh(b, func(net *nn.Net) error {
				_, err := flint.Explain(net).Hidden("relu2").Fit(few(1000), flint.Training()).Build(ctx)
				return err
			})
		}},
		{"Activation maximisation", "what makes an attribute larger?", "xai/flint", "Parekh et al. 2021", "16 digits, 600 steps, attributes of LeNet's relu2", func(ctx context.Context) error {
			return fresh(b, func(net *nn.Net) error {
				if attributes == nil { // in the first run, which is not the shortest
					short := flint.Training()
					short.Epochs = 2
					var err error
					if attributes, err = flint.Explain(net).Hidden("relu2").Fit(few(200), short).Build(ctx); err != nil {
						return err
					}
				}
				return with(16, func(x *mat.Dense) error {
					_, err := attributes.Maximise(ctx, x, make([]int, 16), flint.Maximisation{})
					return err
				})
			})
		}},
		{"SOXAI", "which concepts do the explanations share?", "xai/soxai", "Zeng et al. 2023", "500 digits, Grad-CAM at relu2", func(ctx context.Context) error {
			return fresh(b, func(net *nn.Net) error {
				_, err := soxai.Of(net, few(500)).With(saliency.GradCAM{Layer: "relu2"}).Concepts(2, 8).Build(ctx)
				return err
			})
		}},
		{"SpRAy's space", "which whole maps are alike?", "xai/soxai", "Lapuschkin et al. 2019", "the same digits, maps of 14 x 14", func(ctx context.Context) error {
			return fresh(b, func(net *nn.Net) error {
				_, err := soxai.Of(net, few(500)).With(saliency.GradCAM{Layer: "relu2"}).HeatMaps(14).Grouping(soxai.Spectral{}).Build(ctx)
				return err
			})
		}},
		{"CRAFT", "which concepts make up a class?", "xai/soxai", "Fel et al. 2023", "one class of the same digits, crops of half the side", func(ctx context.Context) error {
			return fresh(b, func(net *nn.Net) error {
				_, err := soxai.CRAFT{Concepts: 6, Patch: 0.5, Layer: "relu2"}.Find(ctx, net, few(500), 0)
				return err
			})
		}},
		{"Nearest neighbours", "which rows are nearest?", "xai/neighbors", "exact", "5 neighbours of each of 5,000 digits in pixels", func(ctx context.Context) error {
			return with(5000, func(x *mat.Dense) error {
				index, err := neighbors.New(x, neighbors.Options{})
				if err != nil {
					return err
				}
				_, err = index.Nearest(ctx, 5)
				return err
			})
		}},
		{"Principal components", "which few directions hold most of the variance?", "xai/project", "Pearson 1901", "5,000 digits to 50", func(ctx context.Context) error {
			return with(5000, func(x *mat.Dense) error { _, err := project.PCA{Components: 50}.Fit(ctx, x); return err })
		}},
		{"t-SNE", "what does the cloud look like?", "xai/project", "van der Maaten and Hinton 2008; van der Maaten 2014", "1,000 digits in 20 components", func(ctx context.Context) error {
			return reduced(ctx, 1000, func(x *mat.Dense) error { _, err := project.TSNE{}.Embed(ctx, x); return err })
		}},
		{"k-means", "what belongs together?", "xai/cluster", "Lloyd 1982; Arthur and Vassilvitskii 2007", "5,000 digits in 20 components, 10 clusters, 10 starts", func(ctx context.Context) error {
			return reduced(ctx, 5000, func(x *mat.Dense) error { _, err := cluster.KMeans{K: 10}.Fit(ctx, x); return err })
		}},
		{"HDBSCAN", "and what belongs to nothing?", "xai/cluster", "Campello et al. 2013", "5,000 digits in 20 components", func(ctx context.Context) error {
			return reduced(ctx, 5000, func(x *mat.Dense) error { _, err := cluster.HDBSCAN{}.Fit(ctx, x); return err })
		}},
		{"Medoids", "which member stands for each group?", "xai/cluster", "Kaufman and Rousseeuw 1987; Schubert and Rousseeuw 2021", "1,000 digits, 10 groups, from their distances", func(ctx context.Context) error {
			return withDistances(ctx, with, 1000, func(d *mat.SymDense) error { _, err := cluster.Medoids{K: 10}.Fit(ctx, d); return err })
		}},
		{"Spectral clustering", "what hangs together, whatever its shape?", "xai/cluster", "Ng et al. 2001", "1,000 digits, 10 groups, from their 10 nearest neighbours", func(ctx context.Context) error {
			return with(1000, func(x *mat.Dense) error {
				index, err := neighbors.New(x, neighbors.Options{})
				if err != nil {
					return err
				}
				near, err := index.Nearest(ctx, 10)
				if err != nil {
					return err
				}
				lists := make([][]int, near.Len())
				for i := range lists {
					lists[i], _ = near.At(i)
				}
				graph, err := cluster.Graph(lists)
				if err != nil {
					return err
				}
				_, err = cluster.Spectral{K: 10}.Fit(ctx, graph)
				return err
			})
		}},
		{"CART", "which few tests?", "xai/tree", "Breiman et al. 1984", "5,000 digits as bytes, no limit of depth", func(ctx context.Context) error {
			_, err := tree.CART{}.Classify(ctx, bytesOf(b.digits), b.digits.Labels, 10)
			return err
		}},
		{"Random forest", "what do many trees agree on?", "xai/forest", "Breiman 2001", "the same digits, 100 trees", func(ctx context.Context) error {
			_, err := forest.Random{}.Classify(ctx, bytesOf(b.digits), b.digits.Labels, 10)
			return err
		}},
	}
}

func bytesOf(set datasets.Set) tree.Bytes {
	return tree.Bytes{Rows: set.Len(), Cols: set.Shape.Size(), Data: set.Pixels}
}

// withDistances gives the distances of all pairs of the first n digits.
func withDistances(ctx context.Context, with func(int, func(*mat.Dense) error) error, n int, work func(*mat.SymDense) error) error {
	return with(n, func(x *mat.Dense) error {
		index, err := neighbors.New(x, neighbors.Options{})
		if err != nil {
			return err
		}
		all := mat.NewSymDense(n, nil)
		row := make([]float64, n)
		for i := range n {
			if row, err = index.Distances(ctx, row, i); err != nil {
				return err
			}
			for j := i + 1; j < n; j++ {
				all.SetSym(i, j, row[j])
			}
		}
		return work(all)
	})
}
