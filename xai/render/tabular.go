package render

// Tabular reports whether the view's best form is an HTML table, which does not go into a
// row of pictures.
func (v View) Tabular() bool { return v.isTable() }
