package jupyter

import (
	"context"
	"maps"
	"strings"
	"time"
)

// Options are the circumstances of a run. The zero value is usable.
type Options struct {
	StartOptions
	CellTimeout time.Duration // per cell that has no tag of its own, see Cell.Timeout; 0 is no limit
	MaxOutput   int           // bytes of output kept of a cell; default 16 MiB

	// Progress is called before and after each code cell.
	Progress func(Progress)
	// Rewrite changes every text that a cell shows before it is kept, for instance to
	// remove the names of temporary folders.
	Rewrite func(string) string
}

// Progress says how far a run is.
type Progress struct {
	Index         int // of the cell in the notebook, from 0
	Number, Total int // of the code cell among the code cells that will run, from 1
	Source        string
	Done          bool          // false before the cell, true after it
	Elapsed       time.Duration // of the cell, when done
	Err           error         // what the cell ended with, when done
}

// Report says what a run did, for people; the times are not in the notebook.
type Report struct {
	Ran, Total int           // code cells run, and to be run
	Start      time.Duration // until the kernel answered
	Elapsed    time.Duration // of everything
}

// Run runs the code cells of a notebook in a new kernel, in order, and returns a copy of
// the notebook with their outputs. It stops at the first cell that fails unless the cell
// is tagged "raises-exception"; cells tagged "skip-execution" are passed over, as in
// Jupyter's nbclient.
//
// The error is a *CellError, or wraps ErrKernelStart, or ErrNotebook for a tag that cannot
// be understood. The notebook is returned in any
// case, with the outputs so far.
func Run(ctx context.Context, nb *Notebook, spec Spec, opt Options) (*Notebook, Report, error) {
	began := time.Now()
	nb = nb.Clone()
	todo := make([]int, 0, len(nb.Cells))
	for i := range nb.Cells {
		cell := &nb.Cells[i]
		if cell.Type != Code {
			continue
		}
		cell.Outputs, cell.ExecutionCount = nil, 0
		if _, _, err := cell.Timeout(); err != nil {
			return nb, Report{}, err
		}
		if strings.TrimSpace(cell.Source) != "" && !cell.Tagged("skip-execution") {
			todo = append(todo, i)
		}
	}
	report := Report{Total: len(todo)}
	k, err := Start(ctx, spec, opt.StartOptions)
	if err != nil {
		return nb, report, err
	}
	defer k.Shutdown()
	report.Start = time.Since(began)
	if info := k.LanguageInfo(); info != nil {
		nb.Metadata = orEmpty(maps.Clone(nb.Metadata))
		nb.Metadata["language_info"] = info
	}
	for n, i := range todo {
		if err = runCell(ctx, k, &nb.Cells[i], Progress{Index: i, Number: n + 1, Total: len(todo)}, opt); err != nil {
			break
		}
		report.Ran++
	}
	tidy(nb, opt.Rewrite)
	report.Elapsed = time.Since(began)
	return nb, report, err
}

func runCell(ctx context.Context, k *Kernel, cell *Cell, p Progress, opt Options) error {
	tell := opt.Progress
	if tell == nil {
		tell = func(Progress) {}
	}
	p.Source = cell.Source
	tell(p)
	began := time.Now()
	limit := opt.CellTimeout
	if own, ok, _ := cell.Timeout(); ok { // Run has looked for errors
		limit = own
	}
	e, err := k.Execute(ctx, cell.Source, ExecuteOptions{Timeout: limit, MaxOutput: opt.MaxOutput})
	cell.Outputs, cell.ExecutionCount = e.Outputs, e.Count
	switch {
	case err != nil:
		err = &CellError{Index: p.Index, Source: cell.Source, Err: err}
	case e.Failed && !cell.Tagged("raises-exception"):
		err = &CellError{Index: p.Index, Source: cell.Source, Name: e.Name, Value: e.Value, Traceback: e.Traceback}
	}
	p.Done, p.Elapsed, p.Err = true, time.Since(began), err
	tell(p)
	return err
}

// tidy removes what a run leaves behind by accident: displays that were erased, and
// texts that differ from run to run.
func tidy(nb *Notebook, rewrite func(string) string) {
	for i := range nb.Cells {
		kept := nb.Cells[i].Outputs[:0]
		for _, out := range nb.Cells[i].Outputs {
			if out.blank() {
				continue
			}
			if rewrite != nil {
				out.rewrite(rewrite)
			}
			kept = append(kept, out)
		}
		nb.Cells[i].Outputs = kept
	}
}

func (o *Output) rewrite(f func(string) string) {
	o.Text, o.ErrValue = f(o.Text), f(o.ErrValue)
	for i, line := range o.Traceback {
		o.Traceback[i] = f(line)
	}
	for mime, content := range o.Data {
		if text, ok := content.(string); ok && isTextType(mime) {
			o.Data[mime] = f(text)
		}
	}
}
