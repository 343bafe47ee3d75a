package evaluate

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/whybook/whybook/xai/render"
)

// metricsAcross is how many metrics stand side by side in a table.
const metricsAcross = 4

// View draws the summaries as tables, methods by metrics: the mean with its confidence
// interval, and how it compares with Random.
func (g Grid) View() render.View {
	list := g.Summaries()
	if len(list) == 0 {
		return render.Failed(fmt.Errorf("evaluate: the grid is empty"))
	}
	n := len(g.Attributors)
	var tables []render.View
	for from := 0; from < len(g.Questions); from += metricsAcross {
		to := min(from+metricsAcross, len(g.Questions))
		t := render.Table{Columns: []string{"method"}}
		for _, q := range g.Questions[from:to] {
			t.Columns = append(t.Columns, q.Name+arrow(q.Card.Better))
		}
		for a, attributor := range g.Attributors {
			name := attributor.Name
			if attributor.Reference {
				name = "(" + name + ")"
			}
			row := []any{name}
			for q := from; q < to; q++ {
				row = append(row, list[q*n+a].cell())
			}
			t.Rows = append(t.Rows, row)
		}
		if from == 0 { // the widest
			t.Note = g.note()
			t.Title = fmt.Sprintf("Methods on %d samples of %s", len(g.Cases), g.DataName)
		}
		tables = append(tables, t.View())
	}
	if len(tables) == 1 {
		return tables[0]
	}
	return render.Column(tables...)
}

func arrow(d Direction) string {
	switch d {
	case Lower:
		return " ↓"
	case Higher:
		return " ↑"
	}
	return ""
}

// cell writes a summary in short: "3.12 [2.9, 3.3] +".
func (s Summary) cell() string {
	if s.N == 0 {
		return "–"
	}
	text := short(s.Mean)
	if s.N > 1 {
		text += fmt.Sprintf(" [%s, %s]", short(s.Low), short(s.High))
	}
	switch s.Against() {
	case "better":
		text += " +"
	case "worse":
		text += " −"
	case "different":
		text += " ≠"
	}
	if s.Missing > 0 {
		text += fmt.Sprintf(" (%d of %d)", s.N, s.N+s.Missing)
	}
	return text
}

func short(v float64) string { return strings.Replace(fmt.Sprintf("%.3g", v), "-", "−", 1) }

func (g Grid) note() string {
	return fmt.Sprintf("Mean [%g %% bootstrap interval, %d resamples, seed %d]. ↓ less, ↑ more is better; + better, − worse than Random on the same samples. In parentheses: references.",
		100*g.Level, g.Resamples, g.Seed)
}

// BarsView draws the means of the named metrics, all if none is named: the methods as bars
// with their intervals, the references as lines across them. In a notebook, readers choose
// the metric.
func (g Grid) BarsView(metrics ...string) render.View {
	var views []render.View
	list := g.Summaries()
	n := len(g.Attributors)
	for q, question := range g.Questions {
		if len(metrics) > 0 && !slices.Contains(metrics, question.Name) {
			continue
		}
		b := render.Bars{Title: titled(question), Label: "mean"}
		for _, s := range list[q*n : (q+1)*n] {
			switch {
			case s.N == 0:
			case s.Attributor.Reference:
				b.References = append(b.References, render.Reference{Name: s.Attributor.Name, At: s.Mean})
			default:
				b.Labels, b.Values = append(b.Labels, s.Attributor.Name), append(b.Values, s.Mean)
				low, high := s.Low, s.High
				if s.N == 1 { // no interval
					low, high = s.Mean, s.Mean
				}
				b.Low, b.High = append(b.Low, min(low, s.Mean)), append(b.High, max(high, s.Mean))
			}
		}
		if len(b.Values) == 0 {
			continue
		}
		views = append(views, b.View())
	}
	switch len(views) {
	case 0:
		return render.Failed(fmt.Errorf("evaluate: no method has a value in any of the metrics %q; the grid has %q", metrics, g.names()))
	case 1:
		return views[0]
	}
	return render.Choice{Axis: "metric", Views: views}.View()
}

func (g Grid) names() []string {
	names := make([]string, len(g.Questions))
	for i, q := range g.Questions {
		names[i] = q.Name
	}
	return names
}

func titled(q Question) string {
	if q.Card.Better == Neither {
		return q.Name
	}
	return fmt.Sprintf("%s (%s is better)", q.Name, q.Card.Better)
}

// View computes the grid and draws its tables.
func (c Comparison) View(ctx context.Context) (render.View, error) {
	g, err := c.Run(ctx)
	if err != nil {
		return render.View{}, err
	}
	return g.View(), nil
}

// View computes the curves and draws them.
func (t Tracing) View(ctx context.Context) (render.View, error) {
	c, err := t.of.Curves(ctx, t.metric)
	if err != nil {
		return render.View{}, err
	}
	return c.View(), nil
}

// View draws the curves: the methods with the band of their interval, the references as
// dotted lines without one.
func (c Curves) View() render.View {
	l := render.Lines{Title: titled(c.Metric), XLabel: c.XLabel, YLabel: c.YLabel, XNames: c.Names}
	for _, line := range c.Lines {
		if line.N == 0 {
			continue
		}
		s := render.Series{Name: line.Attributor.Name, X: c.X, Y: line.Mean, Reference: line.Attributor.Reference}
		if !s.Reference && line.N > 1 && !math.IsNaN(line.Low[0]) {
			s.Low, s.High = line.Low, line.High
		}
		l.Series = append(l.Series, s)
	}
	if len(l.Series) == 0 {
		return render.Failed(fmt.Errorf("evaluate: no method has a curve of %s", c.Metric.Name))
	}
	return l.View()
}
