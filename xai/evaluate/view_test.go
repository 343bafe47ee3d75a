package evaluate

import (
	"os"
	"strings"
	"testing"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/render"
	"github.com/whybook/whybook/xai/saliency"
)

func TestGridViews(t *testing.T) {
	c, g := spotGrid(t)
	table := g.View()
	text := table.Text()
	for _, want := range []string{"Deletion AUC ↓", "Relevance mass ↑", "(Random)", "(Oracle)", "Methods on 6 samples of spots", "90 % bootstrap", "(5 of 6)", "–"} {
		if !strings.Contains(text, want) {
			t.Errorf("the table does not say %q:\n%s", want, text)
		}
	}
	bars := g.BarsView("Deletion AUC")
	if text := bars.Text(); bars.Err() != nil || !strings.Contains(text, "above Random (") || !strings.Contains(text, "above Sobel (") || strings.Contains(text, "MPRT") {
		t.Errorf("%v: %s", bars.Err(), text)
	}
	if v := g.BarsView(); v.Err() != nil || strings.Count(v.Alt(), "Bar chart") != 6 {
		t.Errorf("%v: %s", v.Err(), v.Alt())
	}
	for _, v := range []render.View{g.BarsView("nonsense"), Grid{}.View(), Grid{}.BarsView(), Curves{}.View()} {
		if v.Err() == nil {
			t.Error("nothing to draw, and no error")
		}
	}
	curves, err := c.Curves(ctx, MPRT{})
	if err != nil {
		t.Fatal(err)
	}
	v := curves.View()
	if alt := v.Alt(); v.Err() != nil || !strings.Contains(alt, "Sobel: from 1 to 1") || strings.Contains(alt, "Constant") || !strings.Contains(v.Text(), "fc1") {
		t.Errorf("%v: %s\n%s", v.Err(), alt, v.Text())
	}
}

// TestLook writes pictures to look at, into the folder that WHYBOOK_LOOK names.
func TestLook(t *testing.T) {
	folder := os.Getenv("WHYBOOK_LOOK")
	if folder == "" {
		t.Skip("WHYBOOK_LOOK names no folder for pictures")
	}
	net, _ := digits()

	c := Compare(net, digitSet(t)).Methods(saliency.Gradient{}, saliency.InputGradient{}, saliency.IntegratedGradients{}, saliency.Smooth{Samples: 20}).
		Metrics(Deletion{Probability: true}, Insertion{Probability: true}, MPRT{}, Sparseness{}, ROAD{})
	g, err := c.Run(ctx)
	if err != nil {
		t.Fatal(err)
	}
	views := []render.View{g.View().Named("table"), g.BarsView("MPRT").Named("bars"), g.BarsView().Named("all bars")}
	for name, metric := range map[string]Traced{"deletion": Deletion{Probability: true}, "insertion": Insertion{Probability: true}, "mprt": MPRT{}} {
		curves, err := c.Curves(ctx, metric)
		if err != nil {
			t.Fatal(err)
		}
		views = append(views, curves.View().Named(name))
	}
	for i, n := 0, len(views); i < n; i++ {
		views = append(views, views[i].In(render.Dark).Named(views[i].Name()+" dark"))
	}
	if _, err := render.Dir(folder).Save(views...); err != nil {
		t.Fatal(err)
	}
}

func digitSet(t *testing.T) datasets.Set {
	t.Helper()
	set, err := datasets.MNIST().Test().Take(20).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return set
}
