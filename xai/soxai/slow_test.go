package soxai_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/render"
	"github.com/whybook/whybook/xai/soxai"
	"gonum.org/v1/gonum/floats"
)

// TestAgainstASlowSecondWay computes regions, embeddings, effects and statistics again, image by
// image and by the definitions.
func TestAgainstASlowSecondWay(t *testing.T) {
	s := squares(40)
	s.Masks = make([]uint8, 40*64)
	for i := range 40 { // the middle of the square
		s.Masks[i*64+(i%5+1)*8+i%2*5+1] = 1
	}
	s.Labels[4] = 1 // a wrong label
	net := squareNet(t, s)
	ctx := context.Background()
	r := soxai.Of(net, s).With(brightness).At("relu1").Regions(soxai.Regions{Blur: 1, Mass: 0.9, Fill: soxai.Black}).Concepts(2, 4)
	a := must[soxai.Atlas](t)(r.Build(ctx))
	if len(a.Regions) != 40 || len(a.Skipped) != 0 {
		t.Fatalf("%d regions, %d skipped", len(a.Regions), len(a.Skipped))
	}
	softmax := func(x []float64) []float64 {
		p, sum := make([]float64, len(x)), 0.0
		for c, v := range x {
			p[c] = math.Exp(v)
			sum += p[c]
		}
		floats.Scale(1/sum, p)
		return p
	}
	var layer xai.Layer
	for _, l := range net.Layers() {
		if l.Name == "relu1" {
			layer = l
		}
	}
	features := make([][]float64, 40)
	changed := 0
	for i, g := range a.Regions {
		x := s.Batch(nil, []int{i})
		row := x.RawRowView(0)
		scores, err := net.Scores(ctx, x)
		if err != nil {
			t.Fatal(err)
		}
		p := softmax(scores.RawRowView(0))
		target := floats.MaxIdx(p)
		// A square of 9 equal pixels: 90 % of its mass are all of them.
		var want []int
		for q, v := range row {
			if v > 0 {
				want = append(want, q)
			}
		}
		if !slices.Equal(g.Area.Pixels(), want) || g.Image != i || g.Target != target || math.Abs(g.Mass-1) > 1e-12 {
			t.Fatalf("region %d: %+v, want pixels %v of class %d", i, g, want, target)
		}
		if math.Abs(g.Inside-1.0/9) > 1e-12 || math.Abs(g.Overlap-1.0/9) > 1e-12 {
			t.Errorf("region %d: inside %v, overlap %v, want 1/9", i, g.Inside, g.Overlap)
		}
		if cx, cy := (float64(i%2*5)+1.5)/8, (float64(i%5)+1.5)/8; math.Abs(g.X-cx) > 1e-12 || math.Abs(g.Y-cy) > 1e-12 {
			t.Errorf("region %d: centre (%v, %v), want (%v, %v)", i, g.X, g.Y, cx, cy)
		}
		m, err := net.Activations(ctx, "relu1", x)
		if err != nil {
			t.Fatal(err)
		}
		features[i] = make([]float64, layer.Channels)
		for n := range features[i] {
			for _, q := range want { // the layer is as large as the image, and alpha is constant
				features[i][n] += m.At(0, n*64+q) / 9
			}
		}
		for _, q := range want {
			row[q] = 0
		}
		if scores, err = net.Scores(ctx, x); err != nil {
			t.Fatal(err)
		}
		after := softmax(scores.RawRowView(0))
		flipped := floats.MaxIdx(after) != target
		if math.Abs(g.P-p[target]) > 1e-6 || math.Abs(g.Masked-after[target]) > 1e-6 || g.Flipped != flipped {
			t.Errorf("region %d: %v to %v, flipped %v; want %v to %v, %v", i, g.P, g.Masked, g.Flipped, p[target], after[target], flipped)
		}
		if flipped || after[target] <= p[target]/2 {
			changed++
		}
	}
	if want := float64(changed) / 40; a.Impact.Score.Value != want || a.Impact.Images != 40 || math.Abs(a.Impact.Coverage.Value-1.0/9) > 1e-12 {
		t.Errorf("impact %+v, want a score of %v and a coverage of 1/9", a.Impact, want)
	}
	// All components are kept, so distances are those of the features.
	k := a.Basis.K
	point := func(i int) []float64 { return a.Points[i*k : (i+1)*k] }
	for i := range features {
		for j := range i {
			if want, got := floats.Distance(features[i], features[j], 2), floats.Distance(point(i), point(j), 2); math.Abs(got-want) > 1e-6 {
				t.Fatalf("regions %d and %d: distance %v, want %v", i, j, got, want)
			}
		}
	}
	total := 0
	for c, q := range a.Concepts {
		var members []int
		for i, l := range a.Grouped.Labels {
			if l == c {
				members = append(members, i)
			}
		}
		total += len(members)
		effect, flips, labels, right, rightElse := 0.0, 0.0, [2]int{}, 0.0, 0.0
		for i := range 40 {
			ok := 0.0
			if a.Predicted[i] == s.Labels[i] {
				ok = 1
			}
			if !slices.Contains(members, i) {
				rightElse += ok / float64(40-len(members))
				continue
			}
			right += ok / float64(len(members))
			effect += (a.Regions[i].P - a.Regions[i].Masked) / float64(len(members))
			if a.Regions[i].Flipped {
				flips += 1 / float64(len(members))
			}
			labels[s.Labels[i]]++
		}
		purity := float64(max(labels[0], labels[1])) / float64(len(members))
		for name, v := range map[string][2]float64{
			"share": {q.Share.Value, float64(len(members)) / 40}, "cover": {q.Cover.Value, float64(len(members)) / 40}, "dP": {q.Effect.Value, effect}, "flips": {q.Flips.Value, flips},
			"purity": {q.Purity.Value, purity}, "right": {q.Right.Value, right}, "right elsewhere": {q.RightElsewhere.Value, rightElse},
			"mass": {q.Mass, 1}, "area": {q.Area, 9.0 / 64}, "pointing": {q.Pointing, 1.0 / 9}, "overlap": {q.Overlap, 1.0 / 9},
		} {
			if math.Abs(v[0]-v[1]) > 1e-9 {
				t.Errorf("concept %d: %s is %v, want %v", c, name, v[0], v[1])
			}
		}
		// The medoid has the least sum of distances, and the nearest regions are the nearest.
		sum := func(i int) float64 {
			d := 0.0
			for _, j := range members {
				d += floats.Distance(point(i), point(j), 2)
			}
			return d
		}
		for _, i := range members {
			if sum(i) < sum(q.Medoid)-1e-9 {
				t.Errorf("concept %d: %d is more central than the medoid %d", c, i, q.Medoid)
			}
			if far := floats.Distance(point(q.Medoid), point(q.Nearest[len(q.Nearest)-1]), 2); !slices.Contains(q.Nearest, i) && floats.Distance(point(q.Medoid), point(i), 2) < far-1e-9 {
				t.Errorf("concept %d: region %d is nearer to the medoid than one of %v", c, i, q.Nearest)
			}
		}
	}
	if total != 40 {
		t.Errorf("%d regions are in concepts", total)
	}
	for i := 1; i < len(a.Concepts); i++ {
		if a.Concepts[i].Size > a.Concepts[i-1].Size {
			t.Error("concepts are not in the order of their sizes")
		}
	}
}

// TestRegionsOfAnImage: two squares are two regions, or one with PerImage, and what is small is
// left out.
func TestRegionsOfAnImage(t *testing.T) {
	s := squares(20)
	for i := range 20 {
		at := i*64 + (i%5)*8 + (1-i%2)*5 // a second, darker square of 2 x 2 on the other side
		for _, p := range []int{0, 1, 8, 9} {
			s.Pixels[at+p] = 150
		}
	}
	net := squareNet(t, s)
	for _, c := range []struct {
		o    soxai.Regions
		want int
	}{
		{soxai.Regions{Blur: 1, Mass: 1}, 40},
		{soxai.Regions{Blur: 1, Mass: 1, PerImage: true}, 20},
		{soxai.Regions{Blur: 1, Mass: 1, Least: 0.1}, 20},
		{soxai.Regions{Blur: 1, Area: 9.0 / 64}, 20}, // the brighter one only
	} {
		a, err := soxai.Of(net, s).With(brightness).Regions(c.o).Build(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Regions) != c.want {
			t.Errorf("%+v: %d regions, want %d", c.o, len(a.Regions), c.want)
		}
	}
}

// TestViews: every view can be drawn, also where a class has no name or a concept no mask.
func TestViews(t *testing.T) {
	s := squares(40)
	net := squareNet(t, s)
	ctx := context.Background()
	r := soxai.Of(net, s).With(brightness)
	a := must[soxai.Atlas](t)(r.Build(ctx))
	impacts := must[soxai.Impacts](t)(soxai.Compare(ctx, r, r))
	views := map[string]render.View{
		"atlas": a.View(), "canvas": a.CanvasView(), "statistics": a.StatisticsView(), "reasons": a.ReasonsView(), "shares": a.ShareView(),
		"choice": a.ChoiceView(), "sheet": a.SheetView("concept 1"), "pair": a.PairView("concept 1"), "report": a.Report(), "impact": a.Impact.View(), "impacts": impacts.View(),
	}
	for name, v := range views {
		if v.Err() != nil || v.Alt() == "" {
			t.Errorf("%s: %v, alt %q", name, v.Err(), v.Alt())
		}
		if name != "atlas" && name != "report" && name != "pair" { // the others are parts of these
			continue
		}
		if b, err := v.In(render.Dark).Bundle(); err != nil || len(b.PNG) == 0 || len(b.PNG) > 300_000 || len(b.HTML) > 3_000_000 {
			t.Errorf("%s: %d bytes of PNG, %d of HTML, %v", name, len(b.PNG), len(b.HTML), err)
		}
	}
	if v, err := r.View(ctx); err != nil || v.Err() != nil {
		t.Errorf("recipe: %v, %v", err, v.Err())
	}
	table := a.Table()
	if table.Err != nil || table.Nrow() != len(a.Concepts) || table.Col("concept").Records()[0] != "concept 1" {
		t.Errorf("table: %v", table)
	}
	if len(impacts) != 2 || impacts[0].Score != impacts[1].Score || impacts[0].Elsewhere != impacts[1].Elsewhere {
		t.Errorf("the same recipe twice: %+v", impacts)
	}
	if _, err := soxai.Compare(ctx); err == nil {
		t.Error("nothing can be compared")
	}
}

// TestAtlasByHand: what is not a whole atlas is an error, in whatever form.
func TestRelativesByHand(t *testing.T) {
	s := squares(4)
	s.Masks = make([]uint8, 4*64)
	for i := range 2 { // images 0 and 1 have masks of four pixels
		s.Masks[i*64], s.Masks[i*64+1], s.Masks[i*64+2], s.Masks[i*64+3] = 1, 1, 1, 1
	}
	crop := func(image int, area soxai.Area) soxai.Crop { return soxai.Crop{Image: image, Area: area} }
	c := soxai.Crafted{Set: s, Class: "left", Concepts: []soxai.Craft{
		{Importance: 0.5, Crops: []soxai.Crop{crop(2, soxai.Area{0, 4}), crop(3, soxai.Area{0, 4})}},
		{Importance: 0.3, Crops: []soxai.Crop{crop(0, soxai.Area{0, 8}), crop(1, soxai.Area{3, 7}), crop(2, soxai.Area{0, 4})}},
		{Importance: 0.4, Crops: []soxai.Crop{crop(0, soxai.Area{3, 9})}},
	}}
	r := must[soxai.Relative](t)(c.Relative())
	want := soxai.Relative{Way: "CRAFT, class left", Unit: "crops", Concepts: 3, Concept: 1, Overlap: (4.0/8 + 1.0/7) / 2, On: 1, Typical: 3, Importance: 0.3, Measure: "total Sobol index", Rank: 3}
	if math.Abs(r.Overlap-want.Overlap) > 1e-12 {
		t.Errorf("overlap %v, want %v", r.Overlap, want.Overlap)
	}
	if r.Overlap = want.Overlap; r != want {
		t.Errorf("%+v, want %+v", r, want)
	}
	clear(s.Masks)
	if r := must[soxai.Relative](t)(c.Relative()); r.Concept != -1 || !math.IsNaN(r.Overlap) || (soxai.Relatives{r}).View().Err() != nil {
		t.Errorf("without anything marked: %+v", r)
	}
	c.Set.Masks = nil
	if _, err := c.Relative(); err == nil {
		t.Error("without masks: no error")
	}
	c.Set = s
	c.Concepts[0].Crops[0].Image = 9
	if _, err := c.Relative(); !errors.Is(err, soxai.ErrOtherSet) {
		t.Errorf("a crop of no image: %v", err)
	}
	if _, err := (soxai.Atlas{}).Relative("x"); err == nil {
		t.Error("an empty atlas: no error")
	}
	if (soxai.Relatives{}).View().Err() == nil {
		t.Error("nothing has a view")
	}
}

func TestAtlasByHand(t *testing.T) {
	s := squares(20)
	net := squareNet(t, s)
	r := soxai.Of(net, s).With(brightness)
	whole := must[soxai.Atlas](t)(r.Build(context.Background()))
	short := whole
	short.Points = whole.Points[:3]
	for name, a := range map[string]soxai.Atlas{"empty": {}, "half": short} {
		for what, err := range map[string]error{
			"view": a.View().Err(), "canvas": a.CanvasView().Err(), "statistics": a.StatisticsView().Err(), "shares": a.ShareView().Err(),
			"sheet": a.SheetView("concept 1").Err(), "pair": a.PairView("concept 1").Err(), "report": a.Report().Err(), "table": a.Table().Err,
		} {
			if err == nil {
				t.Errorf("%s: %s has no error", name, what)
			}
		}
		if _, err := a.Members("concept 1"); err == nil {
			t.Errorf("%s: members", name)
		}
		if _, err := r.Detect(context.Background(), a, s, "concept 1"); err == nil {
			t.Errorf("%s: detection", name)
		}
	}
	if err := (soxai.Outcome{Seeds: 1, Arms: []soxai.Arm{{}, {Measures: make([]soxai.Measure, 1)}}}).View().Err(); err == nil {
		t.Error("arms of different measures are drawn")
	}
}

// TestHeatMapsAreWholeMaps: one row for each image, its map divided by its sum, not the critical
// part alone.
func TestHeatMapsAreWholeMaps(t *testing.T) {
	s := squares(20)
	for i := range 20 { // something brighter on the other side, so that the critical part is in two
		at := i*64 + 6*8 + (1-i%2)*6
		s.Pixels[at], s.Pixels[at+1], s.Pixels[at+8], s.Pixels[at+9] = 255, 255, 255, uint8(150+5*i)
	}
	a := must[soxai.Atlas](t)(soxai.Of(squareNet(t, s), s).With(brightness).Regions(soxai.Regions{Blur: 1, Mass: 0.5}).HeatMaps(8).Build(context.Background()))
	if len(a.Regions) != 20 || a.Layer != "" || a.Basis.D != 64 {
		t.Fatalf("%d regions, layer %q, %d features", len(a.Regions), a.Layer, a.Basis.D)
	}
	k := a.Basis.K
	row := func(i int) []float64 {
		x := s.Batch(nil, []int{i}).RawRowView(0)
		floats.Scale(1/floats.Sum(x), x)
		return x
	}
	for i := range 20 {
		for j := range i {
			if want, got := floats.Distance(row(i), row(j), 2), floats.Distance(a.Points[i*k:(i+1)*k], a.Points[j*k:(j+1)*k], 2); math.Abs(got-want) > 1e-9 {
				t.Fatalf("maps %d and %d: distance %v, want %v", i, j, got, want)
			}
		}
	}
}
