package render

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// axeVersion is the release of axe-core by which accessibility is judged.
const axeVersion = "4.10.3"

// axe returns the source of axe-core: the file $WHYBOOK_AXE, or what npm downloads once into
// the user's cache.
func axe(t *testing.T) string {
	t.Helper()
	if os.Getenv("WHYBOOK_TEST_BROWSER") == "" && os.Getenv("WHYBOOK_AXE") == "" {
		t.Skip("WHYBOOK_TEST_BROWSER is not set: needs Chromium, and axe-core from npm")
	}
	if file := os.Getenv("WHYBOOK_AXE"); file != "" {
		return string(must(os.ReadFile(file)))
	}
	cache := filepath.Join(must(os.UserCacheDir()), "whybook", "axe-core-"+axeVersion+".js")
	if source, err := os.ReadFile(cache); err == nil {
		return string(source)
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		t.Skip("no npm on this machine, and WHYBOOK_AXE does not name axe.min.js")
	}
	folder := t.TempDir()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, npm, "pack", "axe-core@"+axeVersion)
	cmd.Dir = folder
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("npm does not bring axe-core: %v\n%s", err, out)
	}
	source := unpacked(t, filepath.Join(folder, "axe-core-"+axeVersion+".tgz"), "package/axe.min.js")
	if err := errors.Join(os.MkdirAll(filepath.Dir(cache), 0o755), os.WriteFile(cache, source, 0o644)); err != nil {
		t.Log(err)
	}
	return string(source)
}

// unpacked returns one file of an archive.
func unpacked(t *testing.T, archive, name string) []byte {
	t.Helper()
	f := must(os.Open(archive))
	defer f.Close()
	r := tar.NewReader(must(gzip.NewReader(f)))
	for {
		h, err := r.Next()
		if err != nil {
			t.Fatalf("%s holds no %s: %v", archive, name, err)
		}
		if h.Name == name {
			return must(io.ReadAll(r))
		}
	}
}

// TestAccessible lets axe-core look for what bars readers with disabilities, in every kind of
// figure, in light and dark: nothing serious or critical may be found.
func TestAccessible(t *testing.T) {
	source := axe(t)
	views := kinds("")
	for _, dark := range []bool{false, true} {
		theme := Light
		if dark {
			theme = Dark
		}
		names := slices.Sorted(maps.Keys(views))
		const lot = 8 // pages of some figures each: all in one would take axe too long
		for from := 0; from < len(names); from += lot {
			part := names[from:min(from+lot, len(names))]
			t.Run(fmt.Sprintf("%v/%s", theme, part[0]), func(t *testing.T) {
				var figures []View
				for _, name := range part {
					figures = append(figures, views[name].In(theme))
				}
				page := must(Page{Title: "all figures", Sections: []Section{{Heading: "figures", Views: figures}}}.View().In(theme).page())
				found := browseAs(t, dark, strings.Replace(page, "</body>", "<script>"+source+"</script>", 1), `
var r=await axe.run({resultTypes:['violations']});
r.violations.forEach(function(v){if(v.impact==='serious'||v.impact==='critical')say(v.impact+' '+v.id+': '+v.help+' | '+v.nodes.slice(0,3).map(function(n){return n.html.slice(0,200)+' '+n.failureSummary.slice(0,300)}).join(' | '))});
say(r.passes.length+' rules passed');`)
				if len(found) != 1 || strings.HasPrefix(found[0], "0 ") {
					t.Errorf("axe-core says\n%s", strings.Join(found, "\n"))
				}
			})
		}
	}
}
