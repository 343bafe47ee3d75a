package imbalance_test

import (
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/whybook/whybook/xai/imbalance"
	"github.com/whybook/whybook/xai/render"
)

// look checks that a view can be drawn in both themes and says what it shows. With
// WHYBOOK_OUT set, the pictures are written into that folder, to be looked at.
func look(t testing.TB, name string, v render.View) {
	t.Helper()
	if err := v.Err(); err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if v.Alt() == "" || v.Title() == "" || v.Text() == "" {
		t.Errorf("%s: title %q, alt %q, text %q", name, v.Title(), v.Alt(), v.Text())
	}
	dir := os.Getenv("WHYBOOK_OUT")
	if dir == "" {
		return
	}
	for _, theme := range []render.Theme{render.Light, render.Dark} {
		if _, err := render.Dir(dir).Save(v.In(theme).Named(name + " " + theme.String())); err != nil {
			t.Fatal(err)
		}
	}
}

// The chart of rivals leaves its diagonal out, and becomes a matrix when classes are many.
func TestRivalsAreOthers(t *testing.T) {
	r := imbalance.Rivals{What: "errors", Classes: []string{"cat", "dog"}, Members: []int{90, 40}, Counts: [][]int{{77, 13}, {5, 35}}}
	text := r.View().Text()
	for _, want := range []string{"cat (13 votes)", "dog (5 votes)", "13", "5"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in %s", want, text)
		}
	}
	if strings.Contains(text, "77") || strings.Contains(text, "35") {
		t.Errorf("members that are right are in the chart: %s", text)
	}
	many := imbalance.Rivals{What: "errors", Classes: make([]string, 13), Members: make([]int, 13), Counts: make([][]int, 13)}
	for i := range many.Counts {
		many.Classes[i], many.Counts[i] = string(rune('a'+i)), make([]int, 13)
		many.Counts[i][(i+1)%13] = 1
	}
	look(t, "many", many.View())
	if !strings.Contains(many.View().Alt(), "Heat map") {
		t.Errorf("13 classes: %s", many.View().Alt())
	}
}

// The images of prototypes are those of the members.
func TestPrototypesAreTheirMembers(t *testing.T) {
	_, a := small(t)
	list, err := a.Prototypes(ctx)
	if err != nil {
		t.Fatal(err)
	}
	some := list[:imbalance.ArchetypeCount]
	draw := func(v render.View) []byte {
		png, err := v.PNG()
		if err != nil {
			t.Fatal(err)
		}
		return png
	}
	whole := draw(a.PrototypeView(some))
	at := slices.IndexFunc(some, func(p imbalance.Prototype) bool { return p.Index > 0 })
	if at < 0 {
		t.Fatalf("no prototype but the first member: %v", some)
	}
	a.Train.Set.Pixels = slices.Clone(a.Train.Set.Pixels)
	size := a.Train.Set.Shape.Size()
	clear(a.Train.Set.Pixels[some[at].Index*size : (some[at].Index+1)*size])
	if bytes.Equal(whole, draw(a.PrototypeView(some))) {
		t.Error("another image makes no other picture")
	}
	if err := a.PrototypeView(nil).Err(); err == nil {
		t.Error("no prototypes are drawn")
	}
	if err := a.PrototypeView([]imbalance.Prototype{{Class: 0, Index: 60}}).Err(); err == nil {
		t.Error("a member that is not there is drawn")
	}
}
