package render

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// TestGallery writes every kind of figure as a page into the folder $WHYBOOK_GALLERY, to look
// at in a browser.
func TestGallery(t *testing.T) {
	folder := os.Getenv("WHYBOOK_GALLERY")
	if folder == "" {
		t.Skip("WHYBOOK_GALLERY names no folder")
	}
	views := kinds("")
	for _, name := range slices.Sorted(maps.Keys(views)) {
		for _, theme := range []Theme{Light, Dark} {
			if err := os.WriteFile(filepath.Join(folder, name+"_"+theme.String()+".html"), []byte(must(views[name].In(theme).page())), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
