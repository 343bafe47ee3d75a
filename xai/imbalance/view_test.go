package imbalance_test

import (
	"os"
	"testing"

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
