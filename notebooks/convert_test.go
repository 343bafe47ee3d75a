package notebooks_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whybook/whybook/kernelext/jupyter"
)

// TestConverted: of saved notebooks every output is to be seen in nbconvert's HTML, in the PDF that
// is printed from it, and when all that GitHub takes out of HTML is gone. It needs
// WHYBOOK_TEST_CONVERT=1, Chromium, and a Python with nbconvert and playwright (WHYBOOK_TEST_PYTHON).
// Pages and PDFs go to WHYBOOK_TEST_PICTURES.
func TestConverted(t *testing.T) {
	if os.Getenv("WHYBOOK_TEST_CONVERT") == "" {
		t.Skip("takes minutes; set WHYBOOK_TEST_CONVERT=1 to convert notebooks by nbconvert")
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	python := os.Getenv("WHYBOOK_TEST_PYTHON")
	if python == "" {
		python = "python3"
	}
	if out, err := exec.Command(python, "-c", "import playwright, nbconvert").CombinedOutput(); err != nil {
		t.Skipf("%s has no playwright or no nbconvert (pip install playwright==1.65.2 nbconvert==7.17.2): %s", python, out)
	}
	pages := os.Getenv("WHYBOOK_TEST_PICTURES")
	if pages == "" {
		pages = t.TempDir()
	}
	folder := t.TempDir()
	args, want := []string{"testdata/convert.py", chromium, pages}, make(map[string]converted)
	for _, path := range notebooks(t) {
		nb, err := jupyter.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		full := expected(nb)
		for i := range nb.Cells {
			for k := range nb.Cells[i].Outputs {
				if page, ok := nb.Cells[i].Outputs[k].Data["text/html"].(string); ok {
					nb.Cells[i].Outputs[k].Data["text/html"] = asGitHub(page)
				}
			}
		}
		data, err := nb.Encode()
		if err != nil {
			t.Fatal(err)
		}
		stripped := filepath.Join(folder, "github-"+path)
		if err := os.WriteFile(stripped, data, 0o644); err != nil {
			t.Fatal(err)
		}
		args = append(args, path, stripped)
		want[path], want[stripped] = full, full
	}
	cmd := exec.CommandContext(t.Context(), python, args...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("convert.py: %v\n%s", err, complaint.String())
	}
	var reports []struct {
		Notebook        string
		Outputs         []seenOutput
		Pages, Pictures int
	}
	if err := json.Unmarshal(out, &reports); err != nil || len(reports) != len(want) {
		t.Fatalf("%d reports, %v:\n%s", len(reports), err, out)
	}
	for _, r := range reports {
		name, seen, pictures := filepath.Base(r.Notebook), 0, 0
		for k, s := range r.Outputs {
			if s.Height == 0 && s.Text+s.Images+s.Drawings == 0 { // what a progress bar leaves
				continue
			}
			seen++
			pictures += min(s.Images+s.Drawings, 1)
			if s.Width <= 50 || s.Height <= 10 || s.Broken > 0 || s.Text+s.Images+s.Drawings == 0 {
				t.Errorf("%s: output %d is not visible: %+v", name, k, s)
			}
		}
		t.Logf("%s: %d outputs, %d of them with pictures; a PDF of %d pages with %d raster images", name, seen, pictures, r.Pages, r.Pictures)
		if w := want[r.Notebook]; seen < w.outputs || pictures < w.pictures {
			t.Errorf("%s: %d outputs and %d with pictures are to be seen, want %d and %d", name, seen, pictures, w.outputs, w.pictures)
		}
		if r.Pages == 0 || r.Pictures == 0 {
			t.Errorf("%s: the PDF has %d pages and %d raster images", name, r.Pages, r.Pictures)
		}
	}
}

// converted is what is to be seen of a notebook at least.
type converted struct{ outputs, pictures int }

// expected counts the outputs of a notebook, and those that are pictures and not tables, in whatever form.
func expected(nb *jupyter.Notebook) (c converted) {
	for _, cell := range nb.Cells {
		for _, o := range cell.Outputs {
			page, _ := o.Data["text/html"].(string)
			_, picture := o.Data["image/png"]
			text, _ := o.Data["text/plain"].(string)
			if o.Type == jupyter.Stream || picture || strings.TrimSpace(page+text) != "" {
				c.outputs++
			}
			if picture && (page == "" || strings.Contains(page, "<img")) {
				c.pictures++
			}
		}
	}
	return c
}
