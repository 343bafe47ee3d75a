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

// cacheRoot returns the folder of everything whybook keeps.
func cacheRoot() (string, error) {
	if dir := os.Getenv("WHYBOOK_CACHE"); dir != "" {
		return filepath.Abs(dir)
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("no cache folder, set WHYBOOK_CACHE to one: %w", err)
	}
	return filepath.Join(dir, "whybook"), nil
}

// findTools returns where the tools are or will be, and whether they are there.
func findTools(ctx context.Context, m module) (t tools, built bool, err error) {
	if runtime.GOOS == "windows" {
		return tools{}, false, errors.New("GoNB runs on Linux and macOS only; on Windows use WSL")
	}
	root, err := cacheRoot()
	if err != nil {
		return tools{}, false, err
	}
	env, err := goCommand(ctx, m.Root, "env", "GOVERSION", "GOROOT")
	if err != nil {
		return tools{}, false, err
	}
	goVersion, goRoot, _ := strings.Cut(strings.TrimSpace(string(env)), "\n")
	t = tools{GOROOT: goRoot, Version: m.version(gonbPackage)}
	identity := strings.Join([]string{"1", t.Version, m.version(toolsModule), goVersion, runtime.GOOS, runtime.GOARCH}, "\n")
	t.Dir = filepath.Join(root, "bin", fmt.Sprintf("%x", sha256.Sum256([]byte(identity)))[:16])
	for _, name := range []string{"gonb", "goimports"} {
		if _, err := os.Stat(filepath.Join(t.Dir, name)); err != nil {
			return t, false, nil
		}
	}
	return t, true, nil
}

// ensureTools builds the tools unless they are there.
func ensureTools(ctx context.Context, a *app, m module) (tools, error) {
	t, built, err := findTools(ctx, m)
	if err != nil || built {
		return t, err
	}
	a.printf("building GoNB %s and goimports (once)\n", t.Version)
	parent := filepath.Dir(t.Dir)
	if err := os.MkdirAll(parent, 0o755); err != nil {
		return t, fmt.Errorf("the cache cannot be written, set WHYBOOK_CACHE to another folder: %w", err)
	}
	tmp, err := os.MkdirTemp(parent, ".build-")
	if err != nil {
		return t, fmt.Errorf("the cache cannot be written, set WHYBOOK_CACHE to another folder: %w", err)
	}
	defer os.RemoveAll(tmp)
	if _, err := goCommand(ctx, m.Root, "build", "-o", tmp, gonbPackage, goimportsPackage); err != nil {
		return t, fmt.Errorf("building GoNB: %w", err)
	}
	// GoNB starts gopls, which loads all code a second time, wherever it finds it. Without
	// a person at the keyboard there is nothing to complete: this one ends at once.
	quiet := filepath.Join(tmp, "quiet")
	if err := os.Mkdir(quiet, 0o755); err != nil {
		return t, err
	}
	if err := os.WriteFile(filepath.Join(quiet, "gopls"), []byte("#!/bin/sh\nexit 1\n"), 0o755); err != nil {
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
