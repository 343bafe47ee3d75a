// Package render draws results from plain numbers: heat maps, overlays and image grids;
// bars, stacked bars, lines and scatter plots; tables, decision trees, flows between
// stages, maps of images; sequences of frames, choices, comparisons with a divider,
// thresholds, and whole reports.
//
// It knows nothing about saliency, data sets or notebooks. A result package fills in one
// of the structs below and calls View:
//
//	v := render.HeatMap{Values: m, Height: 28, Width: 28, Signed: true, Label: "attribution"}.View()
//
// A [View] is a value: the picture, its alt text and its numbers as text, with the format
// still open. It becomes a PNG, an SVG, a PDF, an HTML fragment, text, a [Bundle] for a notebook,
// or files, one by one in the size of a column of a paper, or in a [Dir]:
//
//	err := v.Print(render.SingleColumn()).Save("fig1.pdf", "fig1.png")
//	paths, err := render.Dir("out").Save(v.Named("digit-7"), render.Row(a, b).In(render.Dark))
//
// # In a browser
//
// Tables, trees, flows, maps of images, sequences and reports have more to offer in HTML
// than a picture has: rows that sort, nodes that tell more. Where a result has more than one
// face, readers choose between them, without a kernel:
//
//   - [Choice]: one of several classes or methods, from a list
//   - [Frames]: one step of a path, by a slider
//   - [Swipe]: two methods over each other, with a divider
//   - [Threshold]: a map or bars, of which only what is strong enough stays
//
// What needs a script brings it along, 1 to 5 kB, once per page; an output that stands alone
// works, and so do many on one page. Scripts ask for no network and no kernel, work with the
// keyboard, and where they are off the figure shows all the same: all faces, and in words
// what a slider would say. In a Row or Column with pictures a view is but a picture: show
// such views by themselves, or in a [Page].
//
// # Errors
//
// Drawing cannot fail. What can be wrong with the data (nothing to draw, sizes that do not
// agree, values that are not finite) is checked when the View is made and kept in it:
// [View.Err] tells, and every format returns it.
//
// # What every figure promises
//
//   - An opaque background, in two themes, with text at a contrast of 4.5:1 or more.
//   - Colours that colour-blind readers can tell apart: a blue to red diverging map with
//     zero at its neutral grey, and a sequential map whose lightness only rises. Wherever
//     colour carries meaning, so does a shape, a position or a word.
//   - A colour bar with ticks at every heat map, and a note where colours are clipped. A
//     map's colours are those of its bar, over an image too. Maps side by side that show
//     the same quantity share their colours, and each map says whether it does.
//   - Row 0 on top, and pixels with crisp edges.
//   - Alternative text and a long description made from the numbers.
//   - The same bytes at every call. (The bytes may differ between processor families,
//     whose floating point rounds differently.)
//   - At most 300 kB per figure in a notebook, see [View.Bundle]; 3 MB for a [Canvas] or a
//     [Page], which hold many.
//
// Names and titles may hold any text. Pictures use the Liberation fonts, which cover
// Latin, Greek, Cyrillic and Hebrew letters; others come out as boxes in a PNG, and right
// in the SVG, the HTML, the text and the alt text.
package render
