package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/whybook/whybook/kernelext/jupyter"
)

type installCommand struct {
	Prefix string `help:"Install below DIR/share/jupyter, for instance a virtual environment, instead of the user's Jupyter folder." type:"path" placeholder:"DIR"`
	Force  bool   `help:"Replace a kernel of the same name that whybook did not install."`
}

// Help is what install --help says besides the flags.
func (installCommand) Help() string {
	return `Examples:
  whybook install                    for the Jupyter and the VS Code of this user
  whybook install --prefix .venv     for the Jupyter of one virtual environment`
}

// Run installs the kernel and says how to use it.
func (c installCommand) Run(ctx context.Context, a *app) error {
	m, err := findModule(ctx, a.module)
	if err != nil {
		return err
	}
	if err := c.install(ctx, a, m); err != nil {
		return err
	}
	folder := filepath.Join(m.Work, "notebooks")
	if _, err := os.Stat(folder); err != nil {
		folder = m.Work
	}
	a.printf("Notebooks import the code in the module's folder.\n  Jupyter  jupyter lab %s\n", shellQuote(folder))
	a.printf("  VS Code  with the extension Jupyter (ms-toolsai.jupyter): open a notebook, Select Kernel, Jupyter Kernel, %s\n", kernelTitle)
	return nil
}

// install installs the kernel with copies of its programs, so that it works without the cache.
func (c installCommand) install(ctx context.Context, a *app, m module) error {
	data := filepath.Join(c.Prefix, "share", "jupyter")
	if c.Prefix == "" {
		var err error
		if data, err = jupyter.DataDir(); err != nil {
			return err
		}
	}
	dir := filepath.Join(data, "kernels", kernelName)
	if err := c.makeRoom(a, dir); err != nil {
		return err
	}
	t, err := ensureTools(ctx, a, m)
	if err != nil {
		return err
	}
	start, err := installPrograms(dir, t)
	if err != nil {
		return err
	}
	spec := jupyter.Spec{
		Argv:          []string{start, "--kernel", "{connection_file}", "-go_work=" + m.Work},
		DisplayName:   kernelTitle,
		Language:      "go",
		InterruptMode: "message",
		Metadata:      map[string]any{"whybook": map[string]any{"gonb": t.Version, "module": m.Work}},
	}
	if err := spec.Install(dir); err != nil {
		return err
	}
	a.printf("installed the kernel %q (GoNB %s)\n\n  kernel   %s\n  module   %s\n\n", kernelTitle, t.Version, dir, m.Work)
	return nil
}

// ours reports whether whybook installed the kernel in dir.
func ours(dir string) (jupyter.Spec, bool) {
	spec, err := jupyter.ReadSpec(dir)
	return spec, err == nil && spec.Metadata["whybook"] != nil
}

// makeRoom refuses to replace another kernel unless forced, and keeps its description.
func (c installCommand) makeRoom(a *app, dir string) error {
	file := filepath.Join(dir, "kernel.json")
	if _, err := os.Stat(file); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	spec, mine := ours(dir)
	if mine {
		return nil
	}
	if !c.Force {
		return fmt.Errorf("%s holds a kernel of that name which whybook did not install (%s); --force replaces it and keeps its kernel.json, --prefix installs elsewhere",
			dir, strings.Join(spec.Argv, " "))
	}
	kept := file + ".before-whybook"
	if err := os.Rename(file, kept); err != nil {
		return err
	}
	a.printf("kept the earlier kernel's description as %s\n", kept)
	return nil
}

// installPrograms copies the tools and writes the script that starts the kernel. Jupyter
// may have been started from a desktop, with a PATH on which neither the tools nor Go are.
func installPrograms(dir string, t tools) (script string, err error) {
	bin := filepath.Join(dir, "bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return "", err
	}
	for _, name := range programs() {
		if err := copyProgram(filepath.Join(t.Dir, name), filepath.Join(bin, name)); err != nil {
			return "", err
		}
	}
	script = filepath.Join(bin, "start")
	text := fmt.Sprintf(startScript, shellQuote(bin), shellQuote(filepath.Join(t.GOROOT, "bin")), linkFlags, shellQuote(filepath.Join(bin, "gonb")))
	return script, replaceFile(script, strings.NewReader(text))
}

// startScript does for a kernel under Jupyter what tools.spec does for ours.
const startScript = `#!/bin/sh
# Written by whybook install.
PATH=%s:"$PATH":%s
GOWORK=
flags=%s
for flag in $GOFLAGS; do
	case $flag in
	-mod=* | --mod=*) ;;
	*) flags="$flags $flag" ;;
	esac
done
GOFLAGS=$flags
export PATH GOWORK GOFLAGS
exec %s "$@"
`

func copyProgram(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	return replaceFile(to, src)
}

// replaceFile writes a program by way of a temporary file: a running kernel keeps the
// file it was started from.
func replaceFile(path string, content io.Reader) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // fails after the rename, as it should
	_, err = io.Copy(tmp, content)
	if err == nil {
		err = tmp.Chmod(0o755)
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), path)
	}
	return err
}
