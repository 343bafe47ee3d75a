package flint

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/whybook/whybook/xai/render"
	"github.com/whybook/whybook/xai/saliency"
)

// Sheet is what there is to see of an attribute.
type Sheet struct {
	Attribute int
	Pairs     []Pair       // the classes that it is relevant to, strongest first
	Samples   [][]int      // for each of them, its samples in Global.Set with the largest value, at most three
	Made      []*Maximised // and what Maximise makes of these

	g       *Global
	tau     float64
	pixels  saliency.Map // of the first sample
	decoded []float64    // what the attribute adds to the decoder's image of it
}

// Sheets gathers, for each attribute that is relevant to a class (r_{j,c} > 1/tau), what shows its
// meaning: the samples of the class that it is largest for, and what Maximise makes of them. An
// attribute that is relevant to nothing has no sheet.
func (in *Interpreter) Sheets(ctx context.Context, g *Global, tau float64, m Maximisation) ([]Sheet, error) {
	pairs, err := g.Pairs(tau)
	if err != nil {
		return nil, err
	}
	sortPairs(pairs)
	var list []Sheet
	var rows, attributes []int
	for j := range in.Settings.Attributes {
		s := Sheet{Attribute: j, g: g, tau: tau}
		for _, p := range pairs {
			if p.Attribute != j {
				continue
			}
			samples, err := g.Activating(p.Class, j, top)
			if err != nil {
				return nil, err
			}
			if len(samples) == 0 {
				continue // g says this class of no sample of it
			}
			s.Pairs, s.Samples = append(s.Pairs, p), append(s.Samples, samples)
			for _, i := range samples {
				rows, attributes = append(rows, i), append(attributes, j)
			}
		}
		if len(s.Pairs) > 0 {
			list = append(list, s)
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	all, err := in.Maximise(ctx, g.Set.Batch(nil, rows), attributes, m)
	if err != nil {
		return nil, err
	}
	at := 0
	for i := range list {
		s := &list[i]
		for _, samples := range s.Samples {
			s.Made = append(s.Made, all.part(at, at+len(samples)))
			at += len(samples)
		}
		if err := s.look(ctx, in); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// look adds the saliency map and the decoder's view of the first sample.
func (s *Sheet) look(ctx context.Context, in *Interpreter) error {
	x := s.g.Set.At(s.Samples[0][0])
	r, err := in.Saliency(x, s.Attribute)
	if err != nil {
		return err
	}
	if s.pixels, err = r.With(saliency.InputGradient{}).Explain(ctx); err != nil {
		return fmt.Errorf("flint: the saliency of %s: %w", attributeName(s.Attribute), err)
	}
	decoded, err := in.DecodeAttributes(ctx, x.X)
	if err != nil {
		return err
	}
	s.decoded = decoded.Parts.RawRowView(s.Attribute)
	return nil
}

// View draws the sheet: for each class that the attribute is relevant to, its samples and the images
// that make it larger; its relevance to all classes; and for the first sample, which pixels it
// depends on (gradient times input) and what it adds to the decoder's image.
func (s Sheet) View() render.View {
	if s.g == nil {
		return render.Failed(fmt.Errorf("flint.Sheet.View: there is no sheet; it is made by Interpreter.Sheets"))
	}
	grid := render.ImageGrid{Title: "Its largest samples, and images made of them to enlarge it (brightness scaled)", Columns: 2 * top}
	image := s.g.Set.Shape
	blank := picture(make([]float64, image.Size()), image, "no sample")
	var classes []string
	for i, p := range s.Pairs {
		name := class(s.g.Classes, p.Class)
		classes = append(classes, fmt.Sprintf("%s (r %.2f)", name, p.R))
		samples, made := make([]render.Image, top), make([]render.Image, top)
		for k := range top {
			samples[k], made[k] = blank, blank // keep the columns
			if k < len(s.Samples[i]) {
				at := s.Samples[i][k]
				samples[k] = picture(s.g.Set.At(at).X, image, name+": "+decimals(s.g.Phi.At(at, s.Attribute)))
				made[k] = scaled(s.Made[i].Images.RawRowView(k), image, "made: "+decimals(s.Made[i].After[k]))
			}
		}
		grid.Images = append(append(grid.Images, samples...), made...)
	}
	looks := render.Row(s.pixels.View(), part(s.decoded, image, "What it adds to the decoder's image"))
	return render.Column(grid.View(), s.classesView(), looks).Titled(fmt.Sprintf("Attribute %d speaks for %s", s.Attribute, strings.Join(classes, ", ")))
}

// classesView draws the attribute's relevance, to two decimals, to the classes of which g says a
// sample.
func (s Sheet) classesView() render.View {
	bars := render.Bars{
		Title: "Its relevance to the classes", Label: "mean relevance r", Vertical: true, References: []render.Reference{{Name: "relevant", At: 1 / s.tau}},
	}
	for c := range s.g.Classes {
		if r := s.g.R.At(c, s.Attribute); !math.IsNaN(r) {
			bars.Labels, bars.Values = append(bars.Labels, class(s.g.Classes, c)), append(bars.Values, math.Round(100*r)/100)
		}
	}
	return bars.View()
}

// SheetsView shows the sheets of attributes, one at a time in HTML.
func SheetsView(list []Sheet) render.View {
	if len(list) == 0 {
		return render.Failed(fmt.Errorf("flint.SheetsView: no attribute is relevant to a class; raise tau: %w", render.ErrEmpty))
	}
	if len(list) == 1 {
		return list[0].View()
	}
	c := render.Choice{Title: "Attributes", Axis: "attribute"}
	for _, s := range list {
		c.Views, c.Labels = append(c.Views, s.View()), append(c.Labels, s.label())
	}
	return c.View()
}

// label names an attribute with the class that it is most relevant to.
func (s Sheet) label() string {
	return fmt.Sprintf("%d, for %s", s.Attribute, class(s.g.Classes, s.Pairs[0].Class))
}
