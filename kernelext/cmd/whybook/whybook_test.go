//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/whybook/whybook/kernelext/jupyter"
)

// whybook runs one command line and returns its exit code and all it prints.
func whybook(t *testing.T, ctx context.Context, args ...string) (code int, printed string) {
	t.Helper()
	var out bytes.Buffer
	code = run(ctx, args, &out, &out)
	return code, out.String()
}

// check compares the exit code and looks for texts in what was printed.
func check(t *testing.T, code int, printed string, wantCode int, wants ...string) {
	t.Helper()
	if code != wantCode {
		t.Errorf("exit code %d, want %d", code, wantCode)
	}
	for _, want := range wants {
		if !strings.Contains(printed, want) {
			t.Errorf("output lacks %q", want)
		}
	}
	if t.Failed() {
		t.Logf("printed:\n%s", printed)
	}
}

func write(t *testing.T, path, content string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestCommandLine(t *testing.T) {
	tests := []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--help"}, exitOK, "Exit codes: 0 all went well"},
		{[]string{"run", "--help"}, exitOK, "--timeout"},
		{nil, exitUsage, "expected one of"},
		{[]string{"dance"}, exitUsage, "unexpected argument dance"},
		{[]string{"run"}, exitUsage, "expected \"<notebook> ...\""},
		{[]string{"cache", "clear", "everything"}, exitUsage, "must be one of"},
	}
	for _, tt := range tests {
		code, printed := whybook(t, t.Context(), tt.args...)
		check(t, code, printed, tt.code, tt.want)
	}
}

func TestRunRefusesBadInput(t *testing.T) {
	dir := t.TempDir()
	readOnly := filepath.Join(dir, "read-only")
	if err := os.Mkdir(readOnly, 0o555); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"missing", []string{filepath.Join(dir, "none.ipynb")}, "no such file"},
		{"truncated", []string{write(t, filepath.Join(dir, "cut.ipynb"), `{"cells": [`)}, "not a usable notebook"},
		{"no kernel", []string{write(t, filepath.Join(dir, "any.ipynb"), `{"nbformat":4,"metadata":{},"cells":[]}`)}, `set metadata.kernelspec.name to "gonb"`},
		{"Python", []string{write(t, filepath.Join(dir, "py.ipynb"),
			`{"nbformat":4,"metadata":{"kernelspec":{"name":"python3","language":"python"}},"cells":[]}`)}, "is a python notebook"},
		{"another Go kernel", []string{write(t, filepath.Join(dir, "gophernotes.ipynb"),
			`{"nbformat":4,"metadata":{"kernelspec":{"name":"gophernotes","language":"go"}},"cells":[]}`)}, `is for the kernel "gophernotes"`},
		{"same name twice", []string{"a/x.ipynb", "b/x.ipynb"}, "would write the same files"},
		{"a file where the folder should be", []string{filepath.Join("testdata", "hello.ipynb"), "--out", filepath.Join(dir, "cut.ipynb")}, "choose another folder with --out"},
		{"no module", []string{filepath.Join("testdata", "hello.ipynb"), "--module", dir}, "no go.mod"},
	}
	if os.Getuid() != 0 { // root may write anywhere
		tests = append(tests, struct {
			name string
			args []string
			want string
		}{"read-only folder", []string{filepath.Join("testdata", "hello.ipynb"), "--out", readOnly}, "choose another folder with --out"})
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, printed := whybook(t, t.Context(), append([]string{"run", "--out", filepath.Join(dir, "out")}, tt.args...)...)
			check(t, code, printed, exitFailed, tt.want)
		})
	}
}

// The real thing: the pinned GoNB, built once for the subtests.
func TestRunNotebooks(t *testing.T) {
	if testing.Short() {
		t.Skip("builds GoNB and runs notebooks in it")
	}
	t.Setenv("WHYBOOK_CACHE", t.TempDir())
	t.Setenv("GOFLAGS", "-mod=mod") // must not reach the workspace that GoNB makes

	t.Run("that succeed", func(t *testing.T) {
		out := t.TempDir()
		path := filepath.Join("testdata", "hello.ipynb")
		code, printed := whybook(t, t.Context(), "run", path, "--out", out)
		check(t, code, printed, exitOK, "[2/2]", "all 2 cells", "jupyter lab ")
		first, err := os.ReadFile(filepath.Join(out, "hello.ipynb"))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(first, []byte("shape 1x28x28 trace 5")) || !bytes.Contains(first, []byte(`"image/png"`)) {
			t.Errorf("the outputs are not in the notebook:\n%s", first)
		}
		if page, err := os.ReadFile(filepath.Join(out, "hello.html")); err != nil || !bytes.Contains(page, []byte("<h1>Hello</h1>")) {
			t.Errorf("page: %v", err)
		}
		if code, printed = whybook(t, t.Context(), "run", path, "--out", out); strings.Contains(printed, "building GoNB") {
			t.Error("GoNB was built again")
		}
		check(t, code, printed, exitOK)
		if second, _ := os.ReadFile(filepath.Join(out, "hello.ipynb")); !bytes.Equal(first, second) {
			t.Error("a second run gave other bytes")
		}
		if left, _ := filepath.Glob(filepath.Join(out, ".*")); len(left) > 0 {
			t.Errorf("left behind: %q", left)
		}
	})
	t.Run("that fail", func(t *testing.T) {
		out := t.TempDir()
		code, printed := whybook(t, t.Context(), "run", filepath.Join("testdata", "fails.ipynb"), "--out", out)
		check(t, code, printed, exitFailed, "stopped after 2 of 4 cells", "cell 3:", "   3 | os.Exit(1)", "no layer conv9", "exit status 1")
		nb, err := jupyter.Read(filepath.Join(out, "fails.ipynb"))
		if err != nil || len(nb.Cells[1].Outputs) != 1 || len(nb.Cells[3].Outputs) != 0 {
			t.Errorf("what came before the failure is not kept: %v", err)
		}
	})
	t.Run("that hang", func(t *testing.T) {
		code, printed := whybook(t, t.Context(), "run", filepath.Join("testdata", "hangs.ipynb"), "--out", t.TempDir(), "--timeout", "3s")
		check(t, code, printed, exitFailed, "took too long: stopped after 3s", "time.Sleep")
	})
	t.Run("until interrupted", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(4*time.Second, cancel)
		code, printed := whybook(t, ctx, "run", filepath.Join("testdata", "hangs.ipynb"), "--out", t.TempDir())
		check(t, code, printed, exitInterrupted, "interrupted: 1 of 2 cells were done")
	})
	t.Run("install", func(t *testing.T) {
		prefix := t.TempDir()
		code, printed := whybook(t, t.Context(), "install", "--prefix", prefix)
		check(t, code, printed, exitOK, "installed the kernel")
		spec, err := jupyter.ReadSpec(filepath.Join(prefix, "share", "jupyter", "kernels", "gonb"))
		if err != nil {
			t.Fatal(err)
		}
		nb, err := jupyter.Read(filepath.Join("testdata", "hello.ipynb"))
		if err != nil {
			t.Fatal(err)
		}
		t.Setenv("WHYBOOK_CACHE", t.TempDir()) // the installed kernel does not need it
		if _, _, err := jupyter.Run(t.Context(), nb, spec, jupyter.Options{}); err != nil {
			t.Errorf("the installed kernel: %v", err)
		}
	})
	t.Run("cache", func(t *testing.T) {
		code, printed := whybook(t, t.Context(), "cache")
		check(t, code, printed, exitOK, "bin: GoNB and goimports", "in all")
		code, printed = whybook(t, t.Context(), "cache", "clear")
		check(t, code, printed, exitOK, "removed 1 entries")
		code, printed = whybook(t, t.Context(), "cache", "list")
		check(t, code, printed, exitOK, "is empty")
	})
}

func TestInstallSparesOtherKernels(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "kernels", "gonb")
	file := write(t, filepath.Join(dir, "kernel.json"), `{"argv": ["/home/ada/go/bin/gonb", "--kernel", "{connection_file}"], "display_name": "Go"}`)
	var out bytes.Buffer
	a := &app{out: &out}
	if err := (installCommand{}).makeRoom(a, dir); err == nil || !strings.Contains(err.Error(), "/home/ada/go/bin/gonb") || !strings.Contains(err.Error(), "--force") {
		t.Errorf("error is %v, want the other kernel's command and the remedy", err)
	}
	if err := (installCommand{Force: true}).makeRoom(a, dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file + ".before-whybook"); err != nil {
		t.Errorf("the other kernel's description is gone: %v", err)
	}
	mine := jupyter.Spec{Argv: []string{"gonb"}, Metadata: map[string]any{"whybook": map[string]any{}}}
	if err := mine.Install(dir); err != nil {
		t.Fatal(err)
	}
	if err := (installCommand{}).makeRoom(a, dir); err != nil {
		t.Errorf("our own kernel is not replaced: %v", err)
	}
}

func TestCacheClearRemovesOnlyOurs(t *testing.T) {
	root := t.TempDir()
	t.Setenv("WHYBOOK_CACHE", root)
	entry := write(t, filepath.Join(root, "build", "0a1b.entry"), "built")
	notes := write(t, filepath.Join(root, "build", "notes.txt"), "mine")
	data := write(t, filepath.Join(root, "data", "train.gz"), "downloaded")
	tool := write(t, filepath.Join(root, "bin", "0123456789abcdef", "gonb"), "program")
	script := write(t, filepath.Join(root, "bin", "backup.sh"), "mine")

	code, printed := whybook(t, t.Context(), "cache", "clear", "build")
	check(t, code, printed, exitOK, "removed 1 entries, 5 B")
	exists(t, entry, false)
	exists(t, data, true)

	home := write(t, filepath.Join(root, "thesis.tex"), "mine")
	code, printed = whybook(t, t.Context(), "cache", "clear")
	check(t, code, printed, exitFailed, "thesis.tex", "nothing is removed")
	exists(t, data, true)

	if err := os.Remove(home); err != nil {
		t.Fatal(err)
	}
	code, printed = whybook(t, t.Context(), "cache", "clear")
	check(t, code, printed, exitOK, "removed 2 entries")
	exists(t, data, false)
	exists(t, tool, false)
	exists(t, notes, true)
	exists(t, script, true)
}

func exists(t *testing.T, path string, want bool) {
	t.Helper()
	if _, err := os.Stat(path); (err == nil) != want {
		t.Errorf("%s exists: %v, want %v", path, err == nil, want)
	}
}

func TestDoctor(t *testing.T) {
	t.Setenv("WHYBOOK_CACHE", t.TempDir())
	_, printed := whybook(t, t.Context(), "doctor")
	check(t, exitOK, printed, exitOK, "module ", "GoNB v", "jupyter")

	t.Setenv("WHYBOOK_CACHE", write(t, filepath.Join(t.TempDir(), "file"), ""))
	code, printed := whybook(t, t.Context(), "doctor")
	check(t, code, printed, exitFailed, "MISSING  cache", "export WHYBOOK_CACHE=DIR")

	t.Setenv("PATH", t.TempDir())
	code, printed = whybook(t, t.Context(), "doctor")
	check(t, code, printed, exitFailed, "MISSING  go ", "https://go.dev/dl")
}

func TestFindModule(t *testing.T) {
	here, err := findModule(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if here.Root != here.Work || here.version(gonbPackage) == "(none)" {
		t.Errorf("in a checkout: root %s, work %s, GoNB %s", here.Root, here.Work, here.version(gonbPackage))
	}
	mine := t.TempDir()
	write(t, filepath.Join(mine, "go.mod"), "module example.org/mine\n\ngo 1.26\n\nrequire "+modulePath+" v0.1.0\n\nreplace "+modulePath+" => "+here.Root+"\n")
	sub := filepath.Join(mine, "notebooks")
	if err := os.Mkdir(sub, 0o755); err != nil {
		t.Fatal(err)
	}
	user, err := findModule(t.Context(), sub)
	if err != nil || user.Root != here.Root || user.Work != mine {
		t.Errorf("in a user's module: root %s, work %s, error %v; want %s and %s", user.Root, user.Work, err, here.Root, mine)
	}
	stranger := t.TempDir()
	write(t, filepath.Join(stranger, "go.mod"), "module example.org/stranger\n\ngo 1.26\n")
	for _, dir := range []string{stranger, filepath.Dir(mine)} {
		if _, err := findModule(t.Context(), dir); !errors.Is(err, errNoModule) {
			t.Errorf("in %s: error is %v, want errNoModule", dir, err)
		}
	}
}

func TestMoveFiguresReplacesEarlierOnes(t *testing.T) {
	from, to := t.TempDir(), t.TempDir()
	write(t, filepath.Join(from, "01-new.png"), "")
	write(t, filepath.Join(from, "01-new.svg"), "")
	old := write(t, filepath.Join(to, "07-old.png"), "")
	mine := write(t, filepath.Join(to, "holiday.png"), "")
	n, err := moveFigures(from, to)
	if err != nil || n != 1 {
		t.Errorf("%d figures, error %v; want 1", n, err)
	}
	exists(t, filepath.Join(to, "01-new.svg"), true)
	exists(t, old, false)
	exists(t, mine, true)
}

func TestHeadline(t *testing.T) {
	tests := []struct{ give, want string }{
		{"%noautoget", "%noautoget"},
		{"%noautoget\nimport (\n\t\"fmt\"\n)\n\n// net is small.\nfunc net() {}", "// net is small."},
		{"import \"os\"\n%%\nShow(x)", "Show(x)"},
		{strings.Repeat("ä", 80), strings.Repeat("ä", 59) + "…"},
	}
	for _, tt := range tests {
		if got := headline(tt.give); got != tt.want {
			t.Errorf("headline(%q) = %q, want %q", tt.give, got, tt.want)
		}
	}
}

func TestWorkspaceFlags(t *testing.T) {
	if got, want := workspaceFlags("-mod=mod -tags=x --mod=vendor -ldflags=-w"), "-ldflags=-s -tags=x -ldflags=-w"; got != want {
		t.Errorf("flags are %q, want %q", got, want)
	}
}

func TestScrub(t *testing.T) {
	give := "built /tmp/x/jupyter-123/t/gonb_0a1b2c3d/main.go:3 in gonb_0a1b2c3d, not gonb_data"
	want := "built $GONB_TMP_DIR/main.go:3 in gonb, not gonb_data"
	if got := scrub()(give); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
