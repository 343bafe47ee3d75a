// Package notebooks_test runs the notebooks of this folder and looks at what is committed.
package notebooks_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
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
// their outputs, every picture has alternative text with its numbers, nothing comes from the network, and
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
				if o.Type == jupyter.Stream && o.Name == "stderr" {
					t.Errorf("%s: cell %d complains: %s", path, i, o.Text)
				}
				if _, picture := o.Data["image/png"]; picture {
					if alt := alternative(o); !strings.ContainsAny(alt, "0123456789") {
						t.Errorf("%s: cell %d shows a picture whose alternative text %q names no number", path, i, alt)
					}
				}
			}
		}
		if shown == 0 {
			t.Errorf("%s is committed without outputs", path)
		}
	}
}

// alternative is the alternative text of an output's picture, or nothing.
func alternative(o *jupyter.Output) string {
	meta, _ := o.Metadata["image/png"].(map[string]any)
	alt, _ := meta["alt"].(string)
	return alt
}

// TestNotebooksRun runs the README's first cells and the first notebook in GoNB's kernel, the
// notebook twice: the second run finds the trained network in the cache and must show the
// same outputs. With WHYBOOK_TEST_LONG set it does so with every notebook, which takes
// minutes. With WHYBOOK_TEST_TIMES set, on a machine that does nothing else, it must
// also show an explanation in less than two and a half seconds.
func TestNotebooksRun(t *testing.T) {
	if testing.Short() {
		t.Skip("builds GoNB and runs notebooks in it")
	}
	spec, options := kernel(t)
	t.Run("README", func(t *testing.T) {
		done, _, err := jupyter.Run(t.Context(), readme(t), spec, options)
		if err != nil {
			t.Fatal(err)
		}
		if last := done.Cells[len(done.Cells)-1]; !strings.Contains(shown(t, last), "image/png") {
			t.Error("the README's last cell shows no picture")
		}
	})
	t.Run("live without a browser", func(t *testing.T) {
		nb := notebook("%noautoget\nimport (\n\"context\"\n\"github.com/whybook/whybook/kernelext\"\n\"github.com/whybook/whybook/xai/render\"\n)",
			"%%\nkernelext.Live(func(_ context.Context, at kernelext.Settings) (any, error) {\n"+
				"return render.Bars{Labels: []string{\"a\"}, Values: []float64{at.Float(\"v\")}}.View(), nil\n}, kernelext.Slider(\"v\", 0, 1, 0.5))\nkernelext.Printf(\"goes on\")")
		options := options
		options.Env = append(slices.Clip(options.Env), "JPY_SESSION_NAME=")
		done, _, err := jupyter.Run(t.Context(), nb, spec, options)
		if err != nil {
			t.Fatal(err)
		}
		last := done.Cells[1]
		if text := shown(t, last); len(last.Outputs) != 2 || !strings.Contains(text, "image/png") || strings.Contains(text, "input type") || // no slider
			!strings.Contains(text, "goes on") {
			t.Errorf("a live cell without a browser shows %d outputs: %.400s", len(last.Outputs), text)
		}
	})
	for i, path := range notebooks(t) {
		t.Run(path, func(t *testing.T) {
			if i > 0 && os.Getenv("WHYBOOK_TEST_LONG") == "" {
				t.Skip("takes a minute; set WHYBOOK_TEST_LONG=1 to run it")
			}
			nb, err := jupyter.Read(path)
			if err != nil {
				t.Fatal(err)
			}
			first, _, err := jupyter.Run(t.Context(), nb, spec, options)
			if err != nil {
				t.Fatal(err)
			}
			var took []time.Duration
			options := options
			options.Progress = func(p jupyter.Progress) {
				if p.Done && strings.Contains(p.Source, "saliency.Of(") {
					took = append(took, p.Elapsed)
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
				for _, o := range first.Cells[i].Outputs {
					if _, picture := o.Data["image/png"]; picture && alternative(o) == "" {
						t.Errorf("cell %d shows a picture without alternative text", i)
					}
				}
				if first.Cells[i].ID != nb.Cells[i].ID {
					t.Errorf("cell %d has the id %q after a run, %q before it", i, first.Cells[i].ID, nb.Cells[i].ID)
				}
			}
			if solved := solutions(nb); len(solved.Cells) > 0 {
				if _, _, err := jupyter.Run(t.Context(), solved, spec, options); err != nil {
					t.Errorf("a solution: %v", err)
				}
			}
			if len(took) == 0 {
				return
			}
			slices.Sort(took)
			median := took[len(took)/2]
			t.Logf("cells that explain a cached network took %v", took)
			if os.Getenv("WHYBOOK_TEST_TIMES") != "" && median > 2500*time.Millisecond {
				t.Errorf("half of the explanations took %v or more from execute to idle, want less than 2.5 s", median)
			}
		})
	}
}

// kernel installs the kernel for a test, with a cache of its own.
func kernel(t *testing.T) (jupyter.Spec, jupyter.Options) {
	t.Helper()
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
	if data, err := filepath.Abs("../../shared/data"); err == nil { // real data beside the repository, where there is some
		if _, err := os.Stat(data); err == nil {
			options.Env = append(options.Env, "WHYBOOK_DATA="+data)
		}
	}
	return spec, options
}

// TestTimeOfACell compares what a cell takes that explains with a cached network, from execute to
// idle, with a cell that does nothing but use gonum/plot, in kernels of their own.
func TestTimeOfACell(t *testing.T) {
	if os.Getenv("WHYBOOK_TEST_TIMES") == "" {
		t.Skip("measures times; set WHYBOOK_TEST_TIMES=1 on a machine that does nothing else")
	}
	const cells, most = 6, 6.0 // on two processors with little else to do the factor was 3.6
	plain := []string{"%noautoget\nimport \"gonum.org/v1/plot\""}
	ours := []string{`%noautoget
import (
	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/kernelext"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/saliency"
)

func digits() datasets.Set { return kernelext.Build(datasets.MNIST().Train().Take(500)) }
func net() *nn.Net         { return kernelext.Build(nn.LeNet(digits().Shape, 10).Fit(digits(), nn.Training{Epochs: 1})) }`}
	for i := range cells + 1 {
		plain = append(plain, fmt.Sprintf("%%%%\nplot.New().Title.Text = \"%d\"", i))
		ours = append(ours, fmt.Sprintf("%%%%\nkernelext.Show(saliency.Of(net(), digits().At(%d)))", i))
	}
	spec, options := kernel(t)
	median := func(sources []string) time.Duration {
		var took []time.Duration
		options := options
		options.Progress = func(p jupyter.Progress) {
			if p.Done && strings.HasPrefix(p.Source, "%%") {
				took = append(took, p.Elapsed)
			}
		}
		if _, _, err := jupyter.Run(t.Context(), notebook(sources...), spec, options); err != nil {
			t.Fatal(err)
		}
		took = took[1:] // which compiles packages, and trains
		slices.Sort(took)
		return took[len(took)/2]
	}
	var factors []float64
	for range 3 {
		empty, explains := median(plain), median(ours)
		factors = append(factors, explains.Seconds()/empty.Seconds())
		if explains > 2500*time.Millisecond {
			t.Errorf("half of the explanations took %v or more, want less than 2.5 s", explains)
		}
		t.Logf("median of %d cells: %v with an explanation, %v with gonum/plot alone, factor %.2f", cells, explains, empty, factors[len(factors)-1])
	}
	slices.Sort(factors)
	if factors[1] > most {
		t.Errorf("a cell that explains takes %.1f times as long as one that imports gonum/plot, want at most %v times", factors[1], most)
	}
}

// notebook is one of Go cells.
func notebook(sources ...string) *jupyter.Notebook {
	nb := &jupyter.Notebook{Minor: 5, Metadata: map[string]any{"kernelspec": map[string]any{"name": "gonb", "language": "go"}}}
	for i, source := range sources {
		nb.Cells = append(nb.Cells, jupyter.Cell{Type: jupyter.Code, ID: fmt.Sprint("cell-", i), Source: source, Metadata: map[string]any{}})
	}
	return nb
}

// solutions makes a notebook of what another one declares and of the solutions to its exercises,
// or one without cells where there are none.
func solutions(nb *jupyter.Notebook) *jupyter.Notebook {
	var declared, solved []string
	for _, c := range nb.Cells {
		if c.Type == jupyter.Code && !strings.HasPrefix(c.Source, "%%") {
			declared = append(declared, c.Source)
		}
		if c.Type == jupyter.Markdown {
			for _, s := range hidden.FindAllStringSubmatch(c.Source, -1) {
				solved = append(solved, strings.TrimSpace(goBlock.FindStringSubmatch(s[1])[1]))
			}
		}
	}
	if len(solved) == 0 {
		return notebook()
	}
	return notebook(append(declared, solved...)...)
}

// readme makes a notebook of the Go blocks of the README's section on the first cells.
func readme(t *testing.T) *jupyter.Notebook {
	t.Helper()
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "## The first cells")
	section, _, _ = strings.Cut(section, "\n## ")
	var sources []string
	for _, block := range strings.Split(section, "```go\n")[1:] {
		code, _, closed := strings.Cut(block, "```")
		if !closed {
			t.Fatal("a code block of the README does not end")
		}
		sources = append(sources, strings.TrimSpace(code))
	}
	if !found || len(sources) < 2 {
		t.Fatalf("%d code blocks in the README's section on the first cells", len(sources))
	}
	return notebook(sources...)
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
