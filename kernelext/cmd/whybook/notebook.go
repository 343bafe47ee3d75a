package main

import (
	"bytes"
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
	j := &job{notebook: filepath.Join(m.Root, filepath.FromSlash(tourPath)), out: c.Out, page: true,
		figures: filepath.Join(c.Out, "figures"), timeout: c.Timeout}
	if err := j.prepare(); err != nil {
		return err
	}
	t, err := ensureTools(ctx, a, m)
	if err != nil {
		return err
	}
	if err := j.run(ctx, a, m, t); err != nil {
		return err
	}
	a.tellHowToOpen(m, j.written)
	return nil
}

func stem(path string) string {
	return strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
}

// job is one notebook to run.
type job struct {
	notebook string
	out      string // folder for the results
	page     bool   // whether a page is wanted
	figures  string // folder for the figures, or ""
	inPlace  bool
	timeout  time.Duration
	set      []string // parameters

	before  []byte            // the notebook's file
	nb      *jupyter.Notebook // as it will run
	written results
	suite   junitSuite
}

// prepare reads the notebook and finds out whether it can run and its results be written.
func (j *job) prepare() error {
	var err error
	if j.nb, err = jupyter.Read(j.notebook); err != nil {
		return err
	}
	if err := checkKernel(j.notebook, j.nb); err != nil {
		return err
	}
	if j.nb, err = setParameters(j.nb, j.set); err != nil {
		return fmt.Errorf("%s: %w", j.notebook, err)
	}
	for _, cell := range j.nb.Cells {
		if _, _, err := cell.Timeout(); err != nil {
			return fmt.Errorf("%s: %w", j.notebook, err)
		}
	}
	if j.inPlace {
		if j.before, err = os.ReadFile(j.notebook); err != nil {
			return err
		}
		real, err := filepath.EvalSymlinks(j.notebook)
		if err == nil {
			err = writable(filepath.Dir(real))
		}
		if err != nil {
			return fmt.Errorf("%s cannot be replaced; run it without --inplace: %w", j.notebook, err)
		}
	}
	if !j.inPlace || j.page {
		if err := writable(j.out); err != nil {
			return fmt.Errorf("results cannot be written, choose another folder with --out: %w", err)
		}
	}
	if j.figures != "" {
		if err := writable(filepath.Dir(j.figures)); err != nil {
			return fmt.Errorf("figures cannot be written, choose another folder with --figures: %w", err)
		}
	}
	return nil
}

// writable makes the folder and tries to write to it.
func writable(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	probe, err := os.CreateTemp(dir, ".whybook-")
	if err != nil {
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

func (j *job) run(ctx context.Context, a *app, m module, t tools) (err error) {
	done := map[int]jupyter.Progress{}
	nb := j.nb
	var failure error
	defer func() {
		if failure == nil {
			failure = err
		}
		j.suite = suiteOf(j.notebook, nb, done, failure)
	}()
	env := []string{"WHYBOOK_OUT="}
	staged := ""
	if j.figures != "" {
		// Figures are numbered by what is in their folder, so it must be empty at first.
		if staged, err = os.MkdirTemp(filepath.Dir(j.figures), ".figures-"); err != nil {
			return err
		}
		defer os.RemoveAll(staged)
		env[0] += staged
	}
	env = append(env, cacheEnv()...)
	if err := compileAhead(ctx, a, m, j.nb); err != nil {
		return err
	}
	meter := newMeter(a.out)
	var report jupyter.Report
	nb, report, failure = jupyter.Run(ctx, j.nb, t.spec(m), jupyter.Options{
		StartOptions: jupyter.StartOptions{Dir: filepath.Dir(j.notebook), Env: env},
		CellTimeout:  j.timeout,
		Progress: func(p jupyter.Progress) {
			meter.show(p)
			if p.Done {
				done[p.Index] = p
			}
		},
		Rewrite: scrub(),
	})
	if failure != nil && !errors.As(failure, new(*jupyter.CellError)) {
		return failure // no cell has run
	}
	// Also after a failure: what came before it is worth seeing.
	if err := j.write(nb, staged, failure); err != nil {
		return err
	}
	return j.tell(a, nb, report, failure)
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

// write writes what was asked for. A notebook is replaced only when all went well, and only
// if nobody has changed it meanwhile.
func (j *job) write(nb *jupyter.Notebook, staged string, failure error) error {
	r := &j.written
	switch {
	case j.inPlace && failure != nil:
	case j.inPlace:
		now, err := os.ReadFile(j.notebook)
		if err != nil {
			return err
		}
		if !bytes.Equal(now, j.before) {
			return fmt.Errorf("%s was changed while it ran, so it is left as it is now; run it again", j.notebook)
		}
		r.notebook = j.notebook
	default:
		r.notebook = filepath.Join(j.out, stem(j.notebook)+".ipynb")
	}
	if r.notebook != "" {
		if err := nb.Write(r.notebook); err != nil {
			return err
		}
	}
	if j.page {
		r.page = filepath.Join(j.out, stem(j.notebook)+".html")
		if err := page.Write(r.page, nb, stem(j.notebook)); err != nil {
			return err
		}
	}
	if j.figures == "" {
		return nil
	}
	var err error
	r.figures = j.figures
	r.count, err = moveFigures(staged, r.figures)
	return err
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
func (j *job) tell(a *app, nb *jupyter.Notebook, report jupyter.Report, failure error) error {
	switch {
	case failure == nil:
		a.printf("all %d cells in %.1f s\n", report.Total, report.Elapsed.Seconds())
	case errors.Is(failure, context.Canceled):
		a.printf("\ninterrupted: %d of %d cells were done\n", report.Ran, report.Total)
	default:
		a.printf("\nstopped after %d of %d cells\n", report.Ran, report.Total)
		var cell *jupyter.CellError
		if errors.As(failure, &cell) {
			a.printf("%s", describe(nb, cell))
		}
	}
	a.printf("\n")
	if j.inPlace && failure != nil {
		a.printf("  notebook  %s, left as it was\n", j.notebook)
	} else {
		a.printf("  notebook  %s\n", j.written.notebook)
	}
	if j.written.page != "" {
		a.printf("  page      %s\n", j.written.page)
	}
	if j.written.count > 0 {
		a.printf("  figures   %s (%d)\n", j.written.figures, j.written.count)
	}
	if failure != nil {
		return reported{failure}
	}
	return nil
}

// tellHowToOpen ends the output of a run that went well.
func (a *app) tellHowToOpen(m module, w results) {
	if w.page != "" {
		a.printf("\nOpen the page in any browser. To open the notebook in JupyterLab (needs Python):\n")
	} else {
		a.printf("\nOpen the notebook in JupyterLab (needs Python):\n")
	}
	for _, line := range m.command("lab " + shellQuote(w.notebook)) {
		a.printf("  %s\n", line)
	}
}

// describe returns the cell that stopped the run, with line numbers, and why.
func describe(nb *jupyter.Notebook, cell *jupyter.CellError) string {
	var b strings.Builder
	fmt.Fprintf(&b, "cell %d:\n\n", cell.Index+1)
	for n, line := range strings.Split(strings.TrimRight(cell.Source, "\n"), "\n") {
		fmt.Fprintf(&b, "%4d | %s\n", n+1, line)
	}
	b.WriteString("\n")
	for _, text := range explain(nb.Cells[cell.Index], cell) {
		gap := false
		for line := range strings.SplitSeq(strings.TrimSpace(page.Plain(text)), "\n") {
			line = strings.TrimRight(line, " \t\r")
			if line != "" || !gap {
				fmt.Fprintf(&b, "%s\n", strings.TrimRight("  "+line, " "))
			}
			gap = line == ""
		}
	}
	return b.String()
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
	return quoteAlways(s)
}

func quoteAlways(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
