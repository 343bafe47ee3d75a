package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"
)

type runCommand struct {
	Notebooks []string      `arg:"" name:"notebook" help:"Notebook files (.ipynb)." type:"path"`
	Set       []string      `short:"p" name:"parameter" sep:"none" help:"Set a parameter: a constant or variable that the notebook's cell with the tag \"parameters\" declares. Repeatable." placeholder:"NAME=VALUE"`
	Out       string        `help:"Folder for the results." default:"whybook-out" type:"path"`
	InPlace   bool          `name:"inplace" help:"Replace each notebook by the executed one, if all its cells succeed, and write nothing else but what --html and --figures ask for."`
	HTML      *bool         `name:"html" negatable:"" help:"Write a page besides the notebook. Default: yes, with --inplace no."`
	Figures   string        `help:"Folder for the figures. Default: figures in the folder for the results, with --inplace none. Of several notebooks each has its folder in it." type:"path" placeholder:"DIR"`
	Timeout   time.Duration `help:"Longest time for one cell; 0 is no limit. A cell's own tag, such as timeout=90s, goes before." default:"10m"`
	Jobs      int           `short:"j" help:"How many notebooks run at once, each in a kernel of its own." default:"1" placeholder:"N"`
	KeepGoing bool          `short:"k" help:"Run the other notebooks also after one has failed."`
	JUnit     string        `name:"junit" help:"Write a report for CI servers: a test suite for each notebook, a test case for each cell." type:"path" placeholder:"FILE"`
}

// Help is what run --help says besides the flags.
func (runCommand) Help() string {
	return `Examples:
  whybook run my.ipynb                           notebook, page and figures in whybook-out
  whybook run -p seed=3 -p name=ada my.ipynb     with other parameters
  whybook run --inplace notebooks/*.ipynb        outputs into the notebooks themselves
  whybook run -j 2 -k --junit report.xml *.ipynb in CI, two at a time
  whybook run --no-html --figures fig my.ipynb   the figures for a paper

Tags of cells: parameters (what -p may set), timeout=90s (its own limit), skip-execution, raises-exception.`
}

// Validate refuses what no run could mean.
func (c runCommand) Validate() error {
	if c.Jobs < 1 {
		return fmt.Errorf("--jobs=%d: want 1 or more", c.Jobs)
	}
	if c.Timeout < 0 {
		return fmt.Errorf("--timeout=%v: want 0 or more", c.Timeout)
	}
	return nil
}

// plan makes the jobs, which must not write to the same files.
func (c runCommand) plan() ([]*job, error) {
	jobs := make([]*job, len(c.Notebooks))
	seen := map[string]string{}
	page := !c.InPlace
	if c.HTML != nil {
		page = *c.HTML
	}
	for i, path := range c.Notebooks {
		key := stem(path)
		if c.InPlace && !page && c.Figures == "" {
			key = path
		}
		if other, ok := seen[key]; ok {
			return nil, fmt.Errorf("%s and %s would write the same files; give them different names or run them with different --out", other, path)
		}
		seen[key] = path
		j := &job{notebook: path, out: c.Out, page: page, inPlace: c.InPlace, timeout: c.Timeout, set: c.Set}
		switch {
		case c.Figures == "" && !c.InPlace:
			j.figures = filepath.Join(c.Out, "figures", stem(path))
		case c.Figures != "" && len(c.Notebooks) > 1:
			j.figures = filepath.Join(c.Figures, stem(path))
		default:
			j.figures = c.Figures
		}
		jobs[i] = j
	}
	return jobs, nil
}

// Run runs the notebooks, up to Jobs at a time, and prints what each says in the order of
// the command line.
func (c runCommand) Run(ctx context.Context, a *app) error {
	jobs, err := c.plan()
	if err != nil {
		return err
	}
	m, err := findModule(ctx, a.module)
	if err != nil {
		return err
	}
	failure := c.runAll(ctx, a, m, jobs)
	if c.JUnit != "" {
		suites := make([]junitSuite, len(jobs))
		for i, j := range jobs {
			suites[i] = j.suite
			if suites[i].Name == "" { // never begun
				suites[i] = suiteOf(c.Notebooks[i], nil, nil, nil)
			}
		}
		if err := writeJUnit(c.JUnit, suites); err != nil {
			return errors.Join(failure, fmt.Errorf("the JUnit report: %w", err))
		}
	}
	if failure != nil {
		return failure
	}
	if len(jobs) == 1 {
		a.tellHowToOpen(m, jobs[0].written)
	}
	return nil
}

// runAll returns the first failure, in order. All that can be wrong with the command line
// and the notebooks is found before the first kernel starts.
func (c runCommand) runAll(ctx context.Context, a *app, m module, jobs []*job) error {
	var ready []*job
	var failures []error
	for _, j := range jobs {
		err := j.prepare()
		if err == nil {
			ready = append(ready, j)
			continue
		}
		j.suite = suiteOf(j.notebook, nil, nil, err)
		if !c.KeepGoing {
			return err
		}
		a.complain(err)
		failures = append(failures, reported{err})
	}
	if len(ready) > 0 {
		t, err := ensureTools(ctx, a, m)
		if err != nil {
			return err
		}
		failures = append(failures, c.runReady(ctx, a, m, t, ready)...)
	}
	if len(failures) > 0 {
		return failures[0]
	}
	return nil
}

func (c runCommand) runReady(ctx context.Context, a *app, m module, t tools, jobs []*job) []error {
	var wg sync.WaitGroup
	var lock sync.Mutex
	failed := make([]error, len(jobs))
	stopped := false
	out := newInTurn(a.out, len(jobs))
	slots := make(chan struct{}, c.Jobs)
	for i, j := range jobs {
		slots <- struct{}{} // before the next is begun, so that they begin in order
		lock.Lock()
		stop := stopped || ctx.Err() != nil
		lock.Unlock()
		if stop {
			<-slots
			out.done(i)
			j.suite = suiteOf(j.notebook, j.nb, nil, nil)
			failed[i] = ctx.Err()
			continue
		}
		wg.Go(func() {
			defer func() { <-slots }()
			defer out.done(i)
			mine := *a
			if len(jobs) > 1 {
				mine.out = out.writer(i)
				mine.printf("%s\n", j.notebook)
			}
			err := j.run(ctx, &mine, m, t)
			if len(jobs) > 1 {
				if told := (reported{}); err != nil && !errors.As(err, &told) {
					mine.complain(err)
					err = reported{err}
				}
				mine.printf("\n")
			}
			lock.Lock()
			defer lock.Unlock()
			failed[i] = err
			stopped = stopped || err != nil && !c.KeepGoing
		})
	}
	wg.Wait()
	var all []error
	for _, err := range failed {
		if err != nil {
			all = append(all, err)
		}
	}
	return all
}

// inTurn lets several writers share an output: what the first unfinished one writes is
// passed on at once, what the others write waits.
type inTurn struct {
	lock     sync.Mutex
	out      io.Writer
	turn     int
	waiting  []bytes.Buffer
	finished []bool
}

func newInTurn(out io.Writer, n int) *inTurn {
	return &inTurn{out: out, waiting: make([]bytes.Buffer, n), finished: make([]bool, n)}
}

func (s *inTurn) writer(i int) io.Writer {
	return writerFunc(func(p []byte) (int, error) {
		s.lock.Lock()
		defer s.lock.Unlock()
		if i == s.turn {
			return s.out.Write(p)
		}
		return s.waiting[i].Write(p)
	})
}

// done ends a writer.
func (s *inTurn) done(i int) {
	s.lock.Lock()
	defer s.lock.Unlock()
	s.finished[i] = true
	for s.turn < len(s.finished) && s.finished[s.turn] {
		s.turn++
		if s.turn < len(s.finished) {
			_, _ = s.waiting[s.turn].WriteTo(s.out)
		}
	}
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
