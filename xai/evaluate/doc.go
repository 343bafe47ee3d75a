// Package evaluate answers "can this map be trusted?".
//
// A metric is a struct whose zero value has the settings of its source. It measures one
// map of one model:
//
//	m, err := saliency.Of(net, x).With(saliency.IntegratedGradients{}).Explain(ctx)
//	auc, err := evaluate.Deletion{}.Measure(ctx, net, m)
//
// and its Card says what the number means: its range, and whether more is better.
//
// Notation: f is the score that the map explains, x the input of d values, x' a baseline,
// phi the map. Metrics that remove or rank do so by pixels, with all channels together: a
// pixel's value is the sum of phi over its channels, and pixels are ranked by that value,
// greatest first, the lower index first where values tie. A row of a table has one pixel
// for each column.
//
// Compare puts many methods, metrics and samples into one grid, with confidence intervals and
// with reference attributors that know no model: random values, a constant, the edges of the
// input. A method that a metric does not tell from these has shown nothing in it.
//
// Where a formula has no value, as the Gini index of a map that is zero everywhere, a
// metric returns an error that errors.Is recognises (ErrZero, ErrConstant, ErrMask), and
// never a number made finite by a small constant. In a grid it is a note.
package evaluate
