package render

// Wide reports whether the view fills a line by itself: a table or another kind with an
// HTML form of its own, a grid of more images than fit beside another figure, or several
// figures together. A caller that lays out views shows it on its own rather than in a Row.
func (v View) Wide() bool {
	grid, ok := v.fig.(gridFigure)
	return v.isHTML() || len(v.parts) > 1 || ok && len(grid.images) > 4
}
