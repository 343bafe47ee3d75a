package render

import (
	"strings"
	"testing"
)

// The text of a grid is a list to read, in the rows of the picture where they fit.
func TestTextOfImages(t *testing.T) {
	one := slash(10)
	one.Caption = "7"
	if got, want := one.View().Text(), "Grey image of 10 by 10 pixels, mean brightness 10 %, captioned “7”.\n"; got != want {
		t.Errorf("one image reads %q, want %q", got, want)
	}
	var images []Image
	for _, caption := range []string{"cat", "dog, predicted cat", "", "猫"} {
		m := rainbow(4)
		m.Caption, m.Marked = caption, strings.Contains(caption, "predicted")
		images = append(images, m)
	}
	want := "4 colour images of 4 by 4 pixels, 1 marked (✗).\n" +
		"0: cat                    1: dog, predicted cat ✗\n" +
		"2:                        3: 猫\n"
	if got := (ImageGrid{Images: images, Columns: 2}).View().Text(); got != want {
		t.Errorf("the grid reads\n%swant\n%s", got, want)
	}
	images[1], images[3] = slash(9), slash(9)
	images[0].Caption = ""
	if got, want := (ImageGrid{Images: images}).View().Text(), "4 images.\n"; got != want {
		t.Errorf("a grid without captions reads %q, want %q", got, want)
	}
	images = images[:0]
	for range 250 {
		images = append(images, one)
	}
	got := ImageGrid{Images: images}.View().Text()
	if !strings.HasSuffix(got, "… 50 more, 250 images in all.\n") {
		t.Errorf("the text does not say that captions are left out:\n%s", got)
	}
	for line := range strings.Lines(got) {
		if columns(line) > 81 {
			t.Errorf("line of %d columns: %s", columns(line), line)
		}
	}
}
