// Package notebooks_test runs the notebooks of this folder and looks at what is committed.
package notebooks_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/whybook/whybook/kernelext/jupyter"
)

func notebooks(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("*.ipynb")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no notebooks here: %v", err)
	}
	return paths
}

// TestCommittedOutputs: people read notebooks on the web, so they are committed with
// their outputs, every picture has alternative text, nothing comes from the network, and
// no trace of the machine that ran them is left.
func TestCommittedOutputs(t *testing.T) {
	foreign := regexp.MustCompile(`(src|href)=\\?"https?://|/(root|home|Users|tmp|work)/`)
	for _, path := range notebooks(t) {
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(raw) > 2_000_000 {
			t.Errorf("%s has %d bytes, more than 2 MB", path, len(raw))
		}
		if m := foreign.Find(raw); m != nil {
			t.Errorf("%s holds %q", path, m)
		}
		nb, err := jupyter.Parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		shown, count := 0, 0
		for i, c := range nb.Cells {
			if c.Type != jupyter.Code {
				continue
			}
			count++
			if c.ExecutionCount != count {
				t.Errorf("%s: cell %d was executed as number %d, want %d: run the notebook from top to bottom", path, i, c.ExecutionCount, count)
			}
			for _, o := range c.Outputs {
				shown++
				if o.Type == jupyter.ErrorOutput {
					t.Errorf("%s: cell %d ends with %s", path, i, o.ErrValue)
				}
				if _, picture := o.Data["image/png"]; picture {
					meta, _ := o.Metadata["image/png"].(map[string]any)
					if alt, _ := meta["alt"].(string); alt == "" {
						t.Errorf("%s: cell %d shows a picture without alternative text", path, i)
					}
				}
			}
		}
		if shown == 0 {
			t.Errorf("%s is committed without outputs", path)
		}
	}
}

// TestNotebooksRun runs every notebook in GoNB's kernel, twice: the second run finds the
// trained network in the cache, must show the same outputs, and shows an explanation in
// less than two and a half seconds.
func TestNotebooksRun(t *testing.T) {
	if testing.Short() {
		t.Skip("builds GoNB and runs notebooks in it")
	}
	prefix := t.TempDir()
	install := exec.Command("go", "run", "../kernelext/cmd/whybook", "install", "--prefix", prefix)
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("install: %v\n%s", err, out)
	}
	spec, err := jupyter.ReadSpec(filepath.Join(prefix, "share", "jupyter", "kernels", "gonb"))
	if err != nil {
		t.Fatal(err)
	}
	options := jupyter.Options{CellTimeout: 3 * time.Minute}
	options.Env = []string{"WHYBOOK_CACHE=" + t.TempDir(), "WHYBOOK_OUT="}
	for _, path := range notebooks(t) {
		t.Run(path, func(t *testing.T) {
			nb, err := jupyter.Read(path)
			if err != nil {
				t.Fatal(err)
			}
			first, _, err := jupyter.Run(t.Context(), nb, spec, options)
			if err != nil {
				t.Fatal(err)
			}
			fastest := time.Hour
			options := options
			options.Progress = func(p jupyter.Progress) {
				if p.Done && strings.Contains(p.Source, "saliency.Of(net(), x)") {
					fastest = min(fastest, p.Elapsed)
				}
			}
			second, _, err := jupyter.Run(t.Context(), nb, spec, options)
			if err != nil {
				t.Fatal(err)
			}
			for i := range first.Cells {
				a, b := shown(t, first.Cells[i]), shown(t, second.Cells[i])
				if !reflect.DeepEqual(a, b) {
					t.Errorf("cell %d shows something else in the second run:\n%s\n%s", i, a, b)
				}
			}
			t.Logf("an explanation of a cached network took %v", fastest.Round(time.Millisecond))
			if fastest > 2500*time.Millisecond {
				t.Errorf("an explanation took %v from execute to idle, want less than 2.5 s", fastest)
			}
		})
	}
}

// shown is what a cell displays, without the place that a progress bar has left.
func shown(t *testing.T, c jupyter.Cell) string {
	t.Helper()
	var list []any
	for _, o := range c.Outputs {
		list = append(list, o.Data, o.Text)
	}
	text, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
