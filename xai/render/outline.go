package render

import (
	"gonum.org/v1/plot/vg"
)

// brightness returns the luma of every pixel, in [0,1] but for rounding.
func (m Image) brightness() []float64 {
	if m.Channels == 1 {
		return m.Pixels
	}
	plane := m.Height * m.Width
	y := make([]float64, plane)
	for i := range y {
		y[i] = 0.299*m.Pixels[i] + 0.587*m.Pixels[plane+i] + 0.114*m.Pixels[2*plane+i]
	}
	return y
}

// isDrawing reports whether the image is ink on paper, with few shades between: its
// outline says what it shows.
func (m Image) isDrawing() bool {
	const few = 0.2
	between := 0
	for _, y := range m.Pixels {
		if y > 0.25 && y < 0.75 {
			between++
		}
	}
	return m.Channels == 1 && float64(between) < few*float64(len(m.Pixels))
}

// threshold returns the brightness that parts values into dark and bright with the least
// variance within both (N. Otsu, A threshold selection method from gray-level histograms,
// IEEE Transactions on Systems, Man, and Cybernetics 9, 1979).
func threshold(values []float64) float64 {
	const bins = 256
	var count, sum [bins]float64
	var all float64
	for _, v := range values {
		b := min(max(int(v*bins), 0), bins-1)
		count[b]++
		sum[b] += v
		all += v
	}
	n := float64(len(values))
	var below, belowSum, best, at float64
	for b := range bins - 1 {
		below += count[b]
		belowSum += sum[b]
		if below == 0 || below == n {
			continue
		}
		d := belowSum/below - (all-belowSum)/(n-below)
		if between := below * (n - below) * d * d; between > best {
			best, at = between, float64(b+1)/bins
		}
	}
	return at
}

// outline returns the border between the dark and the bright pixels of a w x h plane as
// lines along pixel edges: x0, y0, x1, y1 in pixels from the top left corner.
func outline(plane []float64, h, w int) (lines [][4]int) {
	at := threshold(plane)
	bright := func(y, x int) bool { return plane[y*w+x] >= at }
	runs := func(n, m int, edge func(i, j int) bool, add func(i, from, to int)) {
		for i := 1; i < n; i++ {
			from := -1
			for j := 0; j <= m; j++ {
				switch on := j < m && edge(i, j); {
				case on && from < 0:
					from = j
				case !on && from >= 0:
					add(i, from, j)
					from = -1
				}
			}
		}
	}
	runs(h, w, func(y, x int) bool { return bright(y, x) != bright(y-1, x) },
		func(y, from, to int) { lines = append(lines, [4]int{from, y, to, y}) })
	runs(w, h, func(x, y int) bool { return bright(y, x) != bright(y, x-1) },
		func(x, from, to int) { lines = append(lines, [4]int{x, from, x, to}) })
	return lines
}

// coarse averages blocks of k x k pixels, those at the right and lower edge being smaller.
func coarse(plane []float64, h, w, k int) (out []float64, rows, columns int) {
	rows, columns = (h+k-1)/k, (w+k-1)/k
	out = make([]float64, rows*columns)
	for i := range out {
		y0, x0 := i/columns*k, i%columns*k
		y1, x1 := min(y0+k, h), min(x0+k, w)
		for y := y0; y < y1; y++ {
			for x := x0; x < x1; x++ {
				out[i] += plane[y*w+x] / float64((y1-y0)*(x1-x0))
			}
		}
	}
	return out, rows, columns
}

// drawOutline draws dark lines in a light halo, which show on every colour of the maps.
// Where pixels are too small for lines between them, it takes blocks of pixels.
func (p *pen) drawOutline(frame vg.Rectangle, m Image) {
	cw, ch := (frame.Max.X-frame.Min.X)/vg.Length(m.Width), (frame.Max.Y-frame.Min.Y)/vg.Length(m.Height)
	k := 1
	for vg.Length(k)*min(cw, ch) < 4*px && k < max(m.Width, m.Height) {
		k++
	}
	plane, rows, columns := coarse(m.brightness(), m.Height, m.Width, k)
	lines := outline(plane, rows, columns)
	cw, ch = cw*vg.Length(k), ch*vg.Length(k)
	for _, stroke := range []struct {
		ink  uint32
		half vg.Length // of the width
	}{{0xffffff, 1.5 * px}, {0x1f2328, 0.5 * px}} {
		for _, l := range lines {
			p.fillRect(rgb(stroke.ink), rect(
				max(frame.Min.X+cw*vg.Length(l[0])-stroke.half, frame.Min.X),
				max(frame.Max.Y-ch*vg.Length(l[3])-stroke.half, frame.Min.Y),
				min(frame.Min.X+cw*vg.Length(l[2])+stroke.half, frame.Max.X),
				min(frame.Max.Y-ch*vg.Length(l[1])+stroke.half, frame.Max.Y)))
		}
	}
}
