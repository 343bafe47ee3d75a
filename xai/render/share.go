package render

// heat returns the heat map that the view shows, if it shows one.
func (v View) heat() (f heatFigure, ok bool) {
	switch fig := v.fig.(type) {
	case heatFigure:
		return fig, true
	case pictured:
		return fig.heatFigure, true
	}
	return f, false
}

// quantity is what maps must have in common to share their colours.
type quantity struct {
	label, unit, scale string
	signed             bool
	clip               float64
}

// shareScales gives maps that show the same quantity the same colours, and makes every
// map say whether its colours mean the same as those of its neighbours.
func shareScales(views []View) []View {
	views = append([]View(nil), views...)
	maps := make(map[int]heatFigure)
	values := make(map[quantity][]float64)
	members := make(map[quantity]int)
	alike := make(map[bool]int) // maps by kind of colours
	for i, v := range views {
		f, ok := v.heat()
		if !ok {
			continue
		}
		maps[i] = f
		alike[f.Signed]++
		if q, ok := f.comparable(); ok {
			values[q] = append(values[q], f.Values...)
			members[q]++
		}
	}
	reach := make(map[quantity]stats)
	for q, all := range values {
		reach[q] = measure(all, q.clip)
	}
	for i := range views {
		f, ok := maps[i]
		if !ok {
			continue
		}
		f.alike = alike[f.Signed]
		if q, ok := f.comparable(); ok && members[q] > 1 {
			f.reach, f.shared = reach[q], members[q]
			f.scale = f.colourScale()
		}
		views[i] = views[i].ofHeat(f)
	}
	return views
}

// comparable returns what the map shows; ok is false if it is not said, or if the ends of
// the colours are fixed.
func (f heatFigure) comparable() (q quantity, ok bool) {
	return quantity{f.Label, f.Unit, f.Scale, f.Signed, f.Clip}, f.Limit == 0 && (f.Label != "" || f.Scale != "")
}
