package soxai

import (
	"fmt"

	"github.com/go-gota/gota/dataframe"
	"github.com/go-gota/gota/series"
)

// Table returns a row for each concept, in order: columns concept, regions, images, cover,
// class, purity, mass, area, x, y, spread, dp, dp_low, dp_high, flips, right, right_elsewhere,
// sure, sure_elsewhere, silhouette, stability, pointing, overlap, sameness, transfer,
// suggestion, verdict and by. Shares are from 0 to 1; NaN is gota's missing value. An
// atlas that is not whole gives a frame with an error.
func (a Atlas) Table() dataframe.DataFrame {
	if err := a.check(); err != nil {
		return dataframe.DataFrame{Err: fmt.Errorf("soxai.Atlas.Table: not a whole atlas: %w", err)}
	}
	texts, ints, floats := map[string][]string{}, map[string][]int{}, map[string][]float64{}
	for _, q := range a.Concepts {
		verdict, by := "", ""
		if q.Judgement != nil {
			verdict, by = q.Judgement.Verdict.String(), q.Judgement.By
		}
		for name, v := range map[string]string{"concept": q.Name, "class": a.Set.Classes[q.Class], "suggestion": q.Suggestion.Verdict.String(), "verdict": verdict, "by": by} {
			texts[name] = append(texts[name], v)
		}
		for name, v := range map[string]int{"regions": q.Size, "images": q.Images} {
			ints[name] = append(ints[name], v)
		}
		for name, v := range map[string]float64{
			"cover": q.Cover.Value, "purity": q.Purity.Value, "mass": q.Mass, "area": q.Area, "x": q.X, "y": q.Y, "spread": q.Spread,
			"dp": q.Effect.Value, "dp_low": q.Effect.Low, "dp_high": q.Effect.High, "flips": q.Flips.Value,
			"right": q.Right.Value, "right_elsewhere": q.RightElsewhere.Value, "sure": q.Sure.Value, "sure_elsewhere": q.SureElsewhere.Value,
			"silhouette": q.Silhouette, "stability": q.Stability, "pointing": q.Pointing, "overlap": q.Overlap, "sameness": q.Sameness, "transfer": q.Transfer.Value,
		} {
			floats[name] = append(floats[name], v)
		}
	}
	var columns []series.Series
	for _, name := range []string{"concept", "regions", "images", "cover", "class", "purity", "mass", "area", "x", "y", "spread", "dp", "dp_low", "dp_high", "flips",
		"right", "right_elsewhere", "sure", "sure_elsewhere", "silhouette", "stability", "pointing", "overlap", "sameness", "transfer", "suggestion", "verdict", "by"} {
		switch {
		case texts[name] != nil:
			columns = append(columns, series.New(texts[name], series.String, name))
		case ints[name] != nil:
			columns = append(columns, series.New(ints[name], series.Int, name))
		case floats[name] != nil:
			columns = append(columns, series.New(floats[name], series.Float, name))
		}
	}
	return dataframe.New(columns...)
}

// Table returns the numbers of a trial in long form, by arm, then measure: columns arm, control,
// measure, images, mean, change, change_low, change_high, beyond, beyond_low and beyond_high.
func (o Outcome) Table() dataframe.DataFrame {
	var (
		arms, measures []string
		control        []bool
		images         []int
		values         [7][]float64
	)
	for _, arm := range o.Arms {
		for _, m := range arm.Measures {
			arms, control, measures, images = append(arms, arm.Name), append(control, arm.Control), append(measures, m.Name), append(images, m.N)
			for i, v := range []float64{m.Value.Value, m.Change.Value, m.Change.Low, m.Change.High, m.Beyond.Value, m.Beyond.Low, m.Beyond.High} {
				values[i] = append(values[i], v)
			}
		}
	}
	columns := []series.Series{series.New(arms, series.String, "arm"), series.New(control, series.Bool, "control"), series.New(measures, series.String, "measure"), series.New(images, series.Int, "images")}
	for i, name := range []string{"mean", "change", "change_low", "change_high", "beyond", "beyond_low", "beyond_high"} {
		columns = append(columns, series.New(values[i], series.Float, name))
	}
	return dataframe.New(columns...)
}
