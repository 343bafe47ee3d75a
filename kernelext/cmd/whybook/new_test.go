//go:build unix

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/whybook/whybook/kernelext/jupyter"
	"golang.org/x/mod/modfile"
	modpath "golang.org/x/mod/module"
)

func TestNewNeverOverwrites(t *testing.T) {
	dir := t.TempDir()
	taken := write(t, filepath.Join(dir, "mine.ipynb"), "mine")
	code, printed := whybook(t, t.Context(), "new", filepath.Join(dir, "mine"))
	check(t, code, printed, exitFailed, "exists; choose another name")
	if text, _ := os.ReadFile(taken); string(text) != "mine" {
		t.Errorf("the notebook is %q", text)
	}
	code, printed = whybook(t, t.Context(), "new", filepath.Join(taken, "below"))
	check(t, code, printed, exitFailed, "is not a folder")

	sums := write(t, filepath.Join(dir, "go.sum"), "mine")
	code, printed = whybook(t, t.Context(), "new", filepath.Join(dir, "other"))
	check(t, code, printed, exitFailed, "exists without a go.mod")
	if text, _ := os.ReadFile(sums); string(text) != "mine" {
		t.Errorf("go.sum is %q", text)
	}
	exists(t, filepath.Join(dir, "go.mod"), false)

	stranger := write(t, filepath.Join(t.TempDir(), "go.mod"), "module example.org/stranger\n\ngo 1.26\n")
	code, printed = whybook(t, t.Context(), "new", filepath.Join(filepath.Dir(stranger), "a"))
	check(t, code, printed, exitFailed, "does not require it")

	for _, whence := range []string{dir, "v1", filepath.Join(dir, "none")} {
		fresh := filepath.Join(t.TempDir(), "a", "b", "c")
		code, printed = whybook(t, t.Context(), "new", fresh, "--whybook", whence)
		check(t, code, printed, exitFailed, "neither a version such as v0.2.0 nor the folder of a checkout")
		exists(t, filepath.Dir(filepath.Dir(fresh)), false)
	}
	if os.Getuid() != 0 {
		closed := filepath.Join(dir, "closed")
		if err := os.Mkdir(closed, 0o555); err != nil {
			t.Fatal(err)
		}
		code, printed = whybook(t, t.Context(), "new", filepath.Join(closed, "a"))
		check(t, code, printed, exitFailed, "permission denied")
	}
}

func TestModuleName(t *testing.T) {
	for dir, want := range map[string]string{
		"/x/study": "example.org/study", "/x/My Study!": "example.org/my-study", "/x/日本": "example.org/study", "/": "example.org/study", "/x/v2.0": "example.org/v2-0",
	} {
		if got := moduleName(dir); got != want || modpath.CheckPath(got) != nil {
			t.Errorf("moduleName(%q) = %q, want %q", dir, got, want)
		}
	}
}

// A version that is released is required as it is; a checkout by a replace line.
func TestNewModuleSource(t *testing.T) {
	here, err := findModule(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	a := &app{out: new(bytes.Buffer)}
	for _, tt := range []struct{ whybook, want string }{
		{"v0.2.0", "-require=" + modulePath + "@v0.2.0"},
		{"", "-require=" + modulePath + "@v0.0.0 -replace=" + modulePath + "=" + here.Root},
		{here.Root, "-require=" + modulePath + "@v0.0.0 -replace=" + modulePath + "=" + here.Root},
	} {
		s, err := newCommand{Whybook: tt.whybook}.source(t.Context(), a)
		if got := strings.Join(s.edits, " "); err != nil || got != tt.want {
			t.Errorf("%q: %s, error %v; want %s", tt.whybook, got, err, tt.want)
		}
	}
}

// From an empty folder to figures, with this checkout and nothing from the network.
func TestNewThenRun(t *testing.T) {
	if testing.Short() {
		t.Skip("builds GoNB, trains a network and runs a notebook")
	}
	empty := t.TempDir()
	here, err := findModule(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOPROXY", "off")
	t.Chdir(empty)
	code, printed := whybook(t, t.Context(), "new", "My Study/first.ipynb", "--whybook", here.Root)
	if strings.Contains(printed, "module lookup disabled") {
		t.Skip("the modules that Whybook needs are not all in the module cache")
	}
	check(t, code, printed, exitOK, "making the module example.org/my-study", "go tool whybook run first.ipynb", "go tool whybook lab first.ipynb")
	text, err := os.ReadFile("My Study/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	file, err := modfile.Parse("go.mod", text, nil)
	if err != nil || len(file.Tool) != 1 || file.Tool[0].Path != commandPath || len(file.Replace) != 1 {
		t.Errorf("go.mod is, error %v:\n%s", err, text)
	}
	t.Chdir("My Study")
	code, printed = whybook(t, t.Context(), "new", "second")
	check(t, code, printed, exitOK, "second.ipynb")
	if strings.Contains(printed, "making the module") {
		t.Errorf("the module is made again:\n%s", printed)
	}
	code, printed = whybook(t, t.Context(), "run", "first.ipynb", "-p", "epochs=1", "--figures", "fig")
	check(t, code, printed, exitOK, "all 5 cells", "figures   "+filepath.Join(empty, "My Study", "fig")+" (1)")
	for _, kind := range []string{"png", "svg"} {
		if found, _ := filepath.Glob("fig/01-*." + kind); len(found) != 1 {
			t.Errorf("figures as %s: %q", kind, found)
		}
	}
	nb, err := jupyter.Read("whybook-out/first.ipynb")
	if err != nil || nb.Cells[0].Source[:7] != "# first" || !nb.Cells[3].Tagged(injectedTag) {
		t.Errorf("the executed notebook is not the new one: %v", err)
	}
}
