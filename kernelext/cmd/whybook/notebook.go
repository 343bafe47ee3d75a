package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/whybook/whybook/kernelext/cmd/whybook/internal/page"
	"github.com/whybook/whybook/kernelext/jupyter"
)

const (
	kernelName  = "gonb"
	kernelTitle = "Go (gonb)"
	tourPath    = "notebooks/00-tour.ipynb"
)

type tourCommand struct {
	Out     string        `help:"Folder for the results." default:"whybook-out" type:"path"`
	Timeout time.Duration `help:"Longest time for one cell." default:"10m"`
}

// Run runs the tour.
func (c tourCommand) Run(ctx context.Context, a *app) error {
	m, err := findModule(ctx, a.module)
	if err != nil {
		return err
	}
	job := job{notebook: filepath.Join(m.Root, filepath.FromSlash(tourPath)), out: c.Out, figures: "figures", timeout: c.Timeout}
	return job.run(ctx, a, m)
}

type runCommand struct {
	Notebooks []string      `arg:"" name:"notebook" help:"Notebook files (.ipynb)." type:"path"`
	Out       string        `help:"Folder for the results." default:"whybook-out" type:"path"`
	Timeout   time.Duration `help:"Longest time for one cell." default:"10m"`
}

// Run runs the notebooks in turn and stops at the first that fails.
func (c runCommand) Run(ctx context.Context, a *app) error {
	seen := map[string]string{}
	for _, path := range c.Notebooks {
		if other, ok := seen[stem(path)]; ok {
			return fmt.Errorf("%s and %s would write the same files; give them different names or run them with different --out", other, path)
		}
		seen[stem(path)] = path
	}
	m, err := findModule(ctx, a.module)
	if err != nil {
		return err
	}
	for _, path := range c.Notebooks {
		job := job{notebook: path, out: c.Out, figures: filepath.Join("figures", stem(path)), timeout: c.Timeout}
		if err := job.run(ctx, a, m); err != nil {
			return err
		}
	}
	return nil
}

func stem(path string) string {
	return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
}

// job is one notebook to run.
type job struct {
	notebook string
	out      string // folder for the results
	figures  string // folder in it
	timeout  time.Duration
}

func (j job) run(ctx context.Context, a *app, m module) error {
	nb, err := jupyter.Read(j.notebook)
	if err != nil {
		return err
	}
	if err := checkKernel(j.notebook, nb); err != nil {
		return err
	}
	if err := os.MkdirAll(j.out, 0o755); err != nil {
		return fmt.Errorf("results cannot be written, choose another folder with --out: %w", err)
	}
	// Figures are numbered by what is in their folder, so it must be empty at first.
	staged, err := os.MkdirTemp(j.out, ".figures-")
	if err != nil {
		return fmt.Errorf("results cannot be written, choose another folder with --out: %w", err)
	}
	defer os.RemoveAll(staged)
	t, err := ensureTools(ctx, a, m)
	if err != nil {
		return err
	}
	env := []string{"WHYBOOK_OUT=" + staged}
	if root, err := cacheRoot(); err == nil {
		env = append(env, "WHYBOOK_CACHE="+root) // cells run in another folder
	}
	if err := compileAhead(ctx, a, m, nb); err != nil {
		return err
	}
	done, report, failure := jupyter.Run(ctx, nb, t.spec(m), jupyter.Options{
		StartOptions: jupyter.StartOptions{Dir: filepath.Dir(j.notebook), Env: env},
		CellTimeout:  j.timeout,
		Progress:     newMeter(a.out).show,
		Rewrite:      scrub(),
	})
	if errors.Is(failure, jupyter.ErrKernelStart) {
		return failure
	}
	// Also after a failure: what came before it is worth seeing.
	files, err := j.write(done, staged)
	if err != nil {
		return err
	}
	return j.tell(a, m, done, report, files, failure)
}

// checkKernel refuses notebooks that are not for GoNB.
func checkKernel(path string, nb *jupyter.Notebook) error {
	name := nb.KernelName()
	if name == kernelName {
		return nil
	}
	remedy := fmt.Sprintf(`open it in Jupyter and choose the kernel "%s", or set metadata.kernelspec.name to %q`, kernelTitle, kernelName)
	if name == "" {
		return fmt.Errorf("%s does not say which kernel it is for; %s", path, remedy)
	}
	if language := nb.Language(); language != "" && language != "go" {
		return fmt.Errorf("%s is a %s notebook (kernel %q); whybook runs Go notebooks", path, language, name)
	}
	return fmt.Errorf("%s is for the kernel %q, whybook runs %q; %s", path, name, kernelName, remedy)
}

// compileAhead compiles the packages that the notebook imports, which takes a minute or
// two the first time, so that it is not counted as a cell's time. Packages that do not
// compile are left for the cell that imports them to complain of.
func compileAhead(ctx context.Context, a *app, m module, nb *jupyter.Notebook) error {
	quoted := regexp.MustCompile(`"` + regexp.QuoteMeta(modulePath) + `(/[\w./-]+)?"`)
	packages := map[string]bool{}
	for _, cell := range nb.Cells {
		if cell.Type == jupyter.Code {
			for _, path := range quoted.FindAllString(cell.Source, -1) {
				packages[strings.Trim(path, `"`)] = true
			}
		}
	}
	if len(packages) == 0 {
		return nil
	}
	args := []string{"build"}
	for path := range packages {
		args = append(args, path)
	}
	sort.Strings(args[1:])
	slow := time.AfterFunc(3*time.Second, func() { a.printf("compiling the packages it uses (longer the first time)\n") })
	defer slow.Stop()
	_, _ = goCommand(ctx, m.Work, args...)
	return ctx.Err()
}

// results are the files of a run.
type results struct {
	notebook, page, figures string
	count                   int // of figures
}

func (j job) write(nb *jupyter.Notebook, staged string) (results, error) {
	r := results{
		notebook: filepath.Join(j.out, stem(j.notebook)+".ipynb"),
		page:     filepath.Join(j.out, stem(j.notebook)+".html"),
		figures:  filepath.Join(j.out, j.figures),
	}
	if err := nb.Write(r.notebook); err != nil {
		return r, err
	}
	if err := page.Write(r.page, nb, stem(j.notebook)); err != nil {
		return r, err
	}
	var err error
	r.count, err = moveFigures(staged, r.figures)
	return r, err
}

// moveFigures replaces the numbered figures of an earlier run by those of this one.
func moveFigures(from, to string) (int, error) {
	fresh, err := os.ReadDir(from)
	if err != nil {
		return 0, err
	}
	if old, err := os.ReadDir(to); err == nil {
		ours := regexp.MustCompile(`^[0-9]{2,}-.*\.(png|svg|html|txt)$`)
		for _, e := range old {
			if ours.MatchString(e.Name()) {
				if err := os.Remove(filepath.Join(to, e.Name())); err != nil {
					return 0, err
				}
			}
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return 0, err
	}
	stems := map[string]bool{}
	for _, e := range fresh {
		if err := os.MkdirAll(to, 0o755); err != nil {
			return 0, err
		}
		if err := os.Rename(filepath.Join(from, e.Name()), filepath.Join(to, e.Name())); err != nil {
			return 0, err
		}
		stems[stem(e.Name())] = true
	}
	return len(stems), nil
}

// tell says how the run ended and where its files are.
func (j job) tell(a *app, m module, nb *jupyter.Notebook, report jupyter.Report, files results, failure error) error {
	switch {
	case failure == nil:
		a.printf("all %d cells in %.1f s\n", report.Total, report.Elapsed.Seconds())
	case errors.Is(failure, context.Canceled):
		a.printf("\ninterrupted: %d of %d cells were done\n", report.Ran, report.Total)
	default:
		a.printf("\nstopped after %d of %d cells\n", report.Ran, report.Total)
		showFailure(a, nb, failure)
	}
	a.printf("\n  notebook  %s\n  page      %s\n", files.notebook, files.page)
	if files.count > 0 {
		a.printf("  figures   %s (%d)\n", files.figures, files.count)
	}
	if failure != nil {
		return reported{failure}
	}
	a.printf("\nOpen the page in any browser. To open the notebook in JupyterLab:\n")
	for _, line := range append(m.command("install"), "jupyter lab "+shellQuote(files.notebook)) {
		a.printf("  %s\n", line)
	}
	return nil
}

// showFailure prints the cell that stopped the run, with line numbers, and why.
func showFailure(a *app, nb *jupyter.Notebook, failure error) {
	var cell *jupyter.CellError
	if !errors.As(failure, &cell) {
		a.printf("%v\n", failure)
		return
	}
	a.printf("cell %d:\n\n", cell.Index+1)
	for n, line := range strings.Split(strings.TrimRight(cell.Source, "\n"), "\n") {
		a.printf("%4d | %s\n", n+1, line)
	}
	a.printf("\n")
	for _, text := range explain(nb.Cells[cell.Index], cell) {
		gap := false
		for line := range strings.SplitSeq(strings.TrimSpace(page.Plain(text)), "\n") {
			line = strings.TrimRight(line, " \t\r")
			if line != "" || !gap {
				a.printf("%s\n", strings.TrimRight("  "+line, " "))
			}
			gap = line == ""
		}
	}
}

// explain gathers what the cell said about its failure.
func explain(cell jupyter.Cell, failure *jupyter.CellError) []string {
	const most = 4000 // bytes of a text that are worth a terminal
	var texts []string
	for _, out := range cell.Outputs {
		text := out.Text
		if out.Type == jupyter.DisplayData && out.Data["image/png"] == nil {
			text, _ = out.Data["text/plain"].(string)
		}
		if out.Name != "stdout" && text != "" {
			texts = append(texts, text[max(0, len(text)-most):])
		}
	}
	if failure.Err != nil {
		return append(texts, failure.Err.Error())
	}
	value := failure.Value
	if len(failure.Traceback) > 0 {
		value = strings.Join(failure.Traceback, "\n")
	}
	value = compact(scrub()(page.Plain(value[:min(len(value), most)])))
	if len(texts) > 0 && strings.HasSuffix(strings.TrimSpace(texts[len(texts)-1]), strings.TrimSpace(value)) {
		return texts // GoNB says "exit status 1" twice
	}
	return append(texts, value)
}

// compact takes blank lines and the name of the cell's package out of a compiler's
// message, in which GoNB leaves much room for HTML.
func compact(message string) string {
	var kept []string
	for line := range strings.SplitSeq(message, "\n") {
		if line = strings.TrimRight(line, " \t\r"); line != "" && line != "# gonb" {
			kept = append(kept, line)
		}
	}
	return strings.Join(kept, "\n")
}

func shellQuote(s string) string {
	if regexp.MustCompile(`^[\w./=:@%+-]+$`).MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
