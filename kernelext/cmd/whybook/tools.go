package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/whybook/whybook/kernelext"
	"github.com/whybook/whybook/kernelext/jupyter"
)

const (
	gonbPackage      = "github.com/janpfeifer/gonb"
	goimportsPackage = "golang.org/x/tools/cmd/goimports"
	toolsModule      = "golang.org/x/tools"
	linkFlags        = "-ldflags=-s"
)

// tools are the programs that a kernel needs, built from the versions the module pins.
type tools struct {
	Dir     string // holds gonb and goimports
	GOROOT  string
	Version string // of GoNB
}

// cacheRoot returns the folder of everything whybook keeps. It is absolute, since kernels
// and the go command run in other folders than the user's.
func cacheRoot() (string, error) {
	dir, err := kernelext.CacheDir()
	if err != nil {
		return "", err
	}
	return filepath.Abs(dir)
}

// cacheEnv names the cache to cells, which run in another folder.
func cacheEnv() []string {
	root, err := cacheRoot()
	if err != nil {
		return nil
	}
	return []string{"WHYBOOK_CACHE=" + root}
}

// findTools returns where the tools are or will be, and whether they are there. Without a
// cache folder Dir is empty.
func findTools(ctx context.Context, m module) (t tools, built bool, err error) {
	if runtime.GOOS == "windows" {
		return tools{}, false, errors.New("GoNB runs on Linux and macOS only; on Windows use WSL")
	}
	env, err := goCommand(ctx, m.Root, "env", "GOVERSION", "GOROOT")
	if err != nil {
		return tools{}, false, err
	}
	goVersion, goRoot, _ := strings.Cut(strings.TrimSpace(string(env)), "\n")
	t = tools{GOROOT: goRoot, Version: m.version(gonbPackage)}
	identity := strings.Join([]string{"2", t.Version, m.version(toolsModule), goVersion, runtime.GOOS, runtime.GOARCH}, "\n")
	root, err := cacheRoot()
	if err != nil {
		return t, false, nil
	}
	t.Dir = filepath.Join(root, "bin", fmt.Sprintf("%x", sha256.Sum256([]byte(identity)))[:16])
	for _, name := range programs() {
		if _, err := os.Stat(filepath.Join(t.Dir, name)); err != nil {
			return t, false, nil
		}
	}
	return t, true, nil
}

// programs are the tools that a kernel needs on its PATH.
func programs() []string { return []string{"gonb", "goimports", "go"} }

// ensureTools builds the tools unless they are there: in the cache or, where that cannot be
// written, in a temporary folder for this run.
func ensureTools(ctx context.Context, a *app, m module) (tools, error) {
	t, built, err := findTools(ctx, m)
	if err != nil || built {
		return t, err
	}
	if a.scratch != "" {
		t.Dir = filepath.Join(a.scratch, "tools")
		return t, nil
	}
	tmp, err := roomIn(t.Dir)
	if err != nil {
		if a.scratch, err = os.MkdirTemp("", "whybook-"); err != nil {
			return t, fmt.Errorf("neither the cache nor the folder for temporary files can be written: %w", err)
		}
		a.printf("the cache cannot be written, so GoNB is built for this run only; set WHYBOOK_CACHE to a folder that can\n")
		t.Dir = filepath.Join(a.scratch, "tools")
		tmp = filepath.Join(a.scratch, "build")
	}
	defer os.RemoveAll(tmp)
	a.printf("building GoNB %s and goimports\n", t.Version)
	if err := buildTools(ctx, m, tmp); err != nil {
		return t, err
	}
	if err := os.Rename(tmp, t.Dir); err != nil {
		if _, built, _ := findTools(ctx, m); built {
			return t, nil // another process was faster
		}
		// What is there is incomplete.
		if err := errors.Join(os.RemoveAll(t.Dir), os.Rename(tmp, t.Dir)); err != nil {
			return t, err
		}
	}
	return t, nil
}

// roomIn makes a folder beside dir, to be renamed to it.
func roomIn(dir string) (string, error) {
	if dir == "" {
		return "", errors.New("no cache folder")
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return "", err
	}
	return os.MkdirTemp(filepath.Dir(dir), ".build-")
}

// buildTools fills a folder with the tools.
func buildTools(ctx context.Context, m module, dir string) error {
	// The separator makes the go command take it for a folder even where there is none.
	if _, err := goCommand(ctx, m.Root, "build", "-o", dir+string(os.PathSeparator), gonbPackage, goimportsPackage); err != nil {
		return fmt.Errorf("building GoNB: %w", err)
	}
	// GoNB starts gopls, which loads all code a second time, wherever it finds it. Without
	// a person at the keyboard there is nothing to complete: this one ends at once.
	quiet := filepath.Join(dir, "quiet")
	if err := os.Mkdir(quiet, 0o755); err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(quiet, "gopls"), []byte("#!/bin/sh\nexit 1\n"), 0o755),
		os.WriteFile(filepath.Join(dir, "go"), []byte(goScript), 0o755))
}

// goScript stands before the go command in a kernel. Before it compiles a cell, GoNB runs
// "go get" in the cell's module, which does not look at the workspace and so fails for
// packages that are only there: the user's own, and those that the user's module
// replaces. When the workspace has everything that the cell imports, nothing need be got.
const goScript = `#!/bin/sh
# Written by whybook.
here=${0%/*}
path=:$PATH
go=$(PATH=${path##*":$here:"}; command -v go) || { echo "the go command is not on the PATH" >&2; exit 127; }
case $# in
1 | 2)
	case "$*" in
	get | "get -t") "$go" list -deps -test . >/dev/null 2>&1 && exit 0 ;;
	esac ;;
esac
exec "$go" "$@"
`

// spec describes the kernel for runs without Jupyter. Errors come as text rather than as
// HTML, since they are shown on a terminal.
func (t tools) spec(m module) jupyter.Spec {
	path := strings.Join([]string{filepath.Join(t.Dir, "quiet"), t.Dir, "${PATH}", filepath.Join(t.GOROOT, "bin")},
		string(os.PathListSeparator))
	return jupyter.Spec{
		Argv:          []string{filepath.Join(t.Dir, "gonb"), "--kernel", "{connection_file}", "-go_work=" + m.Work, "-raw_error"},
		DisplayName:   kernelTitle,
		Language:      "go",
		InterruptMode: "message",
		Env:           map[string]string{"PATH": path, "GOWORK": "", "GOFLAGS": workspaceFlags(os.Getenv("GOFLAGS"))},
	}
}

// workspaceFlags makes the GOFLAGS of a kernel of the user's. Cells are linked without
// debugging tables, which takes a third off the time that a cell needs (0.9 s to 0.6 s of
// processor time with kernelext); stack traces stay. -mod goes: GoNB compiles in a
// workspace, where the go command refuses it.
func workspaceFlags(flags string) string {
	kept := []string{linkFlags}
	for _, flag := range strings.Fields(flags) {
		if !strings.HasPrefix(strings.TrimLeft(flag, "-"), "mod=") {
			kept = append(kept, flag)
		}
	}
	return strings.Join(kept, " ")
}

// scrub takes the names of GoNB's temporary folders out of texts, for they differ from
// run to run.
func scrub() func(string) string {
	folder := regexp.MustCompile(`[^\s"'()]*/jupyter-[0-9]+/t/gonb_[0-9a-f]{8}`)
	name := regexp.MustCompile(`\bgonb_[0-9a-f]{8}\b`)
	return func(s string) string {
		if !strings.Contains(s, "gonb_") {
			return s
		}
		return name.ReplaceAllString(folder.ReplaceAllString(s, "$$GONB_TMP_DIR"), "gonb")
	}
}
