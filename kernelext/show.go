package kernelext

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/render"
)

// result is a finished result that can be drawn.
type result interface{ View() render.View }

// recipe is a description that must be computed before it can be drawn.
type recipe interface {
	View(ctx context.Context) (render.View, error)
}

// Show displays its arguments in the cell's output. Pictures given together stand side by
// side; tables, text and what fills a line by itself follow each other. An argument may be
//
//   - a render.View,
//   - a result (it has View() render.View), or a recipe (View(ctx) (render.View, error)),
//     which is computed first,
//   - a datasets.Set or another datasets.Source, which is built first (its first images or
//     rows; where these are all of one class, some from all over it), or a datasets.Sample,
//   - an error, which is shown and ends the cell,
//   - anything else: printed as text.
//
// Outside a notebook the text form is printed. With WHYBOOK_OUT set, every figure is
// also written into that folder.
func Show(items ...any) { current().show(items) }

func (s *session) show(items []any) {
	var row []render.View // pictures waiting to be shown side by side
	flushRow := func() {
		switch len(row) {
		case 0:
			return
		case 1:
			s.display(row[0])
		default:
			s.display(render.Row(row...))
		}
		row = nil
	}
	for _, item := range items {
		view, text, err := s.view(item)
		switch {
		case err != nil:
			flushRow()
			s.fail(err)
			return
		case text != "":
			flushRow()
			s.out.text(text)
		case view.Wide():
			flushRow()
			s.display(view)
		default:
			row = append(row, view)
		}
	}
	flushRow()
	s.out.flush()
}

// view turns an item into a view, or into text where it cannot be drawn.
func (s *session) view(item any) (v render.View, text string, err error) {
	switch item := item.(type) {
	case render.View:
		v = item
	case result:
		v = item.View()
	case recipe:
		v, err = item.View(s.ctx)
		s.bar.erase()
	case datasets.Set:
		v = setView(item)
	case datasets.Sample:
		v = sampleView(item)
	case datasets.Source:
		var set datasets.Set
		if set, err = item.Build(s.ctx); err == nil {
			v = setView(set)
		}
		s.bar.erase()
	case error:
		return v, "", item
	default:
		return v, fmt.Sprintln(item), nil
	}
	if err == nil {
		err = v.Err()
	}
	return v, "", err
}

// display shows one figure and, if asked for, saves it.
func (s *session) display(v render.View) {
	bundle, err := v.Bundle()
	if err != nil {
		s.fail(err)
		return
	}
	s.out.figure(bundle)
	if s.saveTo != "" {
		if err := save(s.saveTo, v); err != nil {
			fmt.Fprintf(s.stderr, "whybook: the figure is not saved: %v\n", err)
		}
	}
}

// save writes a figure under the next number in the folder, so that the figures of a
// notebook, whose cells are programs of their own, stay in order and do not replace each
// other.
func save(folder string, v render.View) error {
	last := 0
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	for _, e := range entries {
		number, _, _ := strings.Cut(e.Name(), "-")
		if n, err := strconv.Atoi(number); err == nil {
			last = max(last, n)
		}
	}
	_, err = render.Dir(folder).Save(v.Named(fmt.Sprintf("%02d-%s", last+1, v.Name())))
	return err
}
