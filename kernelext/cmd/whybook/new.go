package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/whybook/whybook/kernelext/jupyter"
	modpath "golang.org/x/mod/module"
	"golang.org/x/mod/semver"
)

type newCommand struct {
	Name    string `arg:"" help:"The notebook's name, or a path whose last part it is. Folders are made." type:"path"`
	Whybook string `help:"Which Whybook a new module uses: a version such as v0.2.0, or the folder of a checkout. Default: the one that this command comes from." placeholder:"VERSION|DIR"`
}

// Help is what new --help says besides the flags.
func (newCommand) Help() string {
	return `Writes a notebook with its first cells. Where no Go module is around it, a go.mod is made that
requires Whybook and has a tool line, so that go tool whybook works there. Nothing is overwritten.

Examples:
  whybook new study/first            study/first.ipynb, study/go.mod
  whybook new study/first --whybook ~/src/whybook`
}

// Run writes the notebook, and the module if there is none.
func (c newCommand) Run(ctx context.Context, a *app) error {
	path := strings.TrimSuffix(c.Name, ".ipynb") + ".ipynb"
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s exists; choose another name", path)
	}
	dir := filepath.Dir(path)
	nb, err := starter(stem(path))
	if err != nil {
		return err
	}
	made, err := missingFolders(dir)
	if err != nil {
		return err
	}
	m, err := moduleAround(ctx, dir)
	fresh := errors.Is(err, errNoGoMod)
	switch {
	case fresh:
		if m, err = c.makeModule(ctx, a, dir); err != nil {
			return errors.Join(err, os.RemoveAll(made)) // of "" nothing
		}
	case err != nil:
		return err
	case c.Whybook != "":
		return fmt.Errorf("--whybook is for a new module, and %s is in the module of %s; change its go.mod instead", dir, m.Work)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := nb.Write(path); err != nil {
		return err
	}
	if fresh {
		a.printf("  module    %s\n", filepath.Join(dir, "go.mod"))
	}
	a.printf("  notebook  %s\n\n", path)
	tellWhatNext(a, m, path)
	return nil
}

// tellWhatNext prints the commands for a new notebook. The go command must be in the module.
func tellWhatNext(a *app, m module, path string) {
	if here, err := os.Getwd(); err == nil && m.Work != m.Root && !within(m.Work, here) {
		a.printf("  cd %s\n", shellQuote(m.Work))
		if relative, err := filepath.Rel(m.Work, path); err == nil {
			path = relative
		}
	}
	for i, verb := range []string{"run ", "lab "} {
		lines := m.command(verb + shellQuote(path))
		if i > 0 {
			lines = lines[len(lines)-1:] // the tool line is there by then
		}
		a.printf("  %s\n", strings.Join(lines, "\n  "))
	}
}

//go:embed starter.ipynb
var starterFile []byte

// starter is the notebook to start from, with its title.
func starter(name string) (*jupyter.Notebook, error) {
	nb, err := jupyter.Parse(starterFile)
	if err != nil {
		return nil, err
	}
	for i := range nb.Cells {
		nb.Cells[i].Source = strings.ReplaceAll(nb.Cells[i].Source, "NAME", name)
	}
	return nb, nil
}

// missingFolders returns the outermost folder that would have to be made for dir, or "".
func missingFolders(dir string) (string, error) {
	missing := ""
	for ; ; dir = filepath.Dir(dir) {
		info, err := os.Stat(dir)
		switch {
		case err == nil && !info.IsDir():
			return "", fmt.Errorf("%s is not a folder", dir)
		case err == nil:
			return missing, nil
		case !errors.Is(err, fs.ErrNotExist):
			return "", err
		}
		missing = dir
	}
}

// makeModule makes the module of a user's in dir.
func (c newCommand) makeModule(ctx context.Context, a *app, dir string) (m module, err error) {
	source, err := c.source(ctx, a)
	if err != nil {
		return m, err
	}
	if strings.Contains(dir, ",") {
		return m, fmt.Errorf("the folder %s has a comma in its name, which GoNB cannot handle; choose another", dir)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return m, err
	}
	file, sums := filepath.Join(dir, "go.mod"), filepath.Join(dir, "go.sum")
	if _, err := os.Lstat(sums); err == nil {
		return m, fmt.Errorf("%s exists without a go.mod; choose another folder", sums)
	}
	defer func() {
		if err != nil {
			_, _ = os.Remove(file), os.Remove(sums)
		}
	}()
	a.printf("making the module %s, which requires Whybook %s\n", moduleName(dir), source.label)
	if _, err := goCommand(ctx, dir, "mod", "init", moduleName(dir)); err != nil {
		return m, err
	}
	edit := append([]string{"mod", "edit", "-tool=" + commandPath}, source.edits...)
	if _, err := goCommand(ctx, dir, edit...); err != nil {
		return m, err
	}
	if _, err := goCommand(ctx, dir, "mod", "tidy"); err != nil {
		return m, fmt.Errorf("the new module's requirements: %w", err)
	}
	return moduleAround(ctx, dir)
}

// source says where a new module gets Whybook from.
type source struct {
	label string
	edits []string // arguments of go mod edit
}

func (c newCommand) source(ctx context.Context, a *app) (source, error) {
	if c.Whybook != "" && semver.Canonical(c.Whybook) == c.Whybook {
		return released(c.Whybook), nil
	}
	var m module
	var err error
	if c.Whybook == "" {
		m, err = findModule(ctx, a.module)
	} else if _, err = os.Stat(c.Whybook); err == nil {
		m, err = moduleAround(ctx, c.Whybook)
	}
	if err != nil && c.Whybook != "" {
		err = fmt.Errorf("--whybook %s is neither a version such as v0.2.0 nor the folder of a checkout: %w", c.Whybook, err)
	}
	if err != nil {
		return source{}, err
	}
	if _, version, ok := strings.Cut(filepath.Base(m.Root), "@"); ok && semver.IsValid(version) { // in the module cache
		return released(version), nil
	}
	return source{"in " + m.Root, []string{"-require=" + modulePath + "@v0.0.0", "-replace=" + modulePath + "=" + m.Root}}, nil
}

func released(version string) source {
	return source{version, []string{"-require=" + modulePath + "@" + version}}
}

// moduleName makes a module path of a folder's name.
func moduleName(dir string) string {
	name := regexp.MustCompile(`[^a-z0-9]+`).ReplaceAllString(strings.ToLower(filepath.Base(dir)), "-")
	if name = strings.Trim(name, "-"); name == "" {
		name = "study"
	}
	if path := "example.org/" + name; modpath.CheckPath(path) == nil {
		return path
	}
	return "example.org/study"
}
