package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/whybook/whybook/kernelext/jupyter"
)

// meter prints a line for each cell: on a terminal when it starts, to be completed with
// its time, elsewhere when it is done.
type meter struct {
	out      io.Writer
	terminal bool
}

func newMeter(out io.Writer) meter {
	m := meter{out: out}
	if f, ok := out.(*os.File); ok {
		info, err := f.Stat()
		m.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return m
}

func (m meter) show(p jupyter.Progress) {
	width := len(fmt.Sprint(p.Total))
	place := fmt.Sprintf("[%*d/%d]", width, p.Number, p.Total)
	switch {
	case !p.Done && m.terminal:
		fmt.Fprintf(m.out, "%s    ...  %s", place, headline(p.Source))
	case p.Done:
		state := fmt.Sprintf("%5.1f s", p.Elapsed.Seconds())
		if m.terminal {
			place = "\r" + place
		}
		failed := ""
		switch {
		case errors.Is(p.Err, context.Canceled):
			failed = "  interrupted"
		case p.Err != nil:
			failed = "  FAILED"
		}
		fmt.Fprintf(m.out, "%s %s  %s%s\n", place, state, headline(p.Source), failed)
	}
}

// headline returns the first line of a cell that says something: not a special command,
// an import or a bracket.
func headline(source string) string {
	first, inImports := "", false
	for line := range strings.Lines(source) {
		line = strings.TrimSpace(line)
		if first == "" {
			first = line
		}
		switch {
		case strings.HasPrefix(line, "import ("):
			inImports = true
		case inImports:
			inImports = line != ")"
		case line == "" || strings.HasPrefix(line, "%") || strings.HasPrefix(line, "!") || strings.HasPrefix(line, "import "):
		default:
			return shorten(line)
		}
	}
	return shorten(first)
}

func shorten(line string) string {
	const width = 60
	if r := []rune(line); len(r) > width {
		return string(r[:width-1]) + "…"
	}
	return line
}
