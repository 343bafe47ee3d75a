// Package kernelext is Whybook in a notebook cell: Show, Build, Must, Context, and Live for
// what readers compute anew.
//
//	%%
//	x := digits().At(85)
//	kernelext.Show(x, saliency.Of(net(), x).With(saliency.IntegratedGradients{}))
//
// A GoNB cell is a whole program: declarations carry over to the next cell, values do
// not. So data and models are declared as functions that Build a recipe; Build finds the
// result in a cache on disk, and only the first cell that needs it does the work.
//
// The functions here end the program when something goes wrong: in a notebook that marks
// the cell as failed and stops "Run All", with the message in a box. Programs that are
// not cells should call the recipes' own verbs, which return errors; but everything here
// works outside a notebook too, with plain text on the terminal.
//
// # Environment
//
//	WHYBOOK_CACHE  folder of the cache; default: whybook in the user's cache folder
//	WHYBOOK_OUT    folder into which Show also writes every figure, as PNG and SVG
//	WHYBOOK_LIVE   off: Live shows its start and goes on; on: it looks for a browser also where
//	               no Jupyter server says that it runs the notebook
//
// It is the only package that knows GoNB.
package kernelext
