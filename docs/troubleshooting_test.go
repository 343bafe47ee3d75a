package docs_test

import (
	"errors"
	"fmt"
	"image"
	"image/png"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/kernelext/jupyter"
	"github.com/whybook/whybook/xai"
	"github.com/whybook/whybook/xai/imbalance"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/nn/onnx"
	"github.com/whybook/whybook/xai/saliency"
)

// messages are the quoted pieces of docs/troubleshooting.md.
func messages(t *testing.T) (list []string) {
	t.Helper()
	text, err := os.ReadFile("troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	_, blocks, err := parse("docs/troubleshooting.md", string(text))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		if b.kind == "text" {
			list = append(list, strings.TrimSpace(b.code))
		}
	}
	return list
}

// blank writes an image.
func blank(t *testing.T, path string, w, h int) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(png.Encode(f, image.NewRGBA(image.Rect(0, 0, w, h))), f.Close()); err != nil {
		t.Fatal(err)
	}
}

// mistakes are what people do wrong, in the packages: every one returns its error.
func mistakes(t *testing.T) []error {
	ctx := t.Context()
	t.Chdir(t.TempDir())
	write := func(name, text string) {
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), 0o644)); err != nil {
			t.Fatal(err)
		}
	}
	images := func(folder string) (datasets.Set, error) {
		return datasets.ReadImages(ctx, os.DirFS(folder), datasets.Images{})
	}
	blank(t, "sizes/a/1.png", 8, 8)
	blank(t, "sizes/a/2.png", 9, 8)
	blank(t, "flat/1.png", 8, 8)
	blank(t, "empty/b/1.png", 8, 8)
	blank(t, "small/a/1.png", 8, 8)
	if err := os.MkdirAll("empty/a", 0o755); err != nil {
		t.Fatal(err)
	}
	write("broken/a/1.jpg", "hello")
	write("bad.onnx", "hello, this is not onnx")

	var made []error
	is := func(_ any, err error) { made = append(made, err) }
	is(images("sizes"))
	is(images("flat"))
	is(images("empty"))
	is(images("broken"))
	is(datasets.File("photos.zip", datasets.Images{}).Build(ctx))
	is(datasets.ReadCSV(strings.NewReader("a,b\n1,2\n"), datasets.CSV{Label: "label"}))
	is(datasets.MNIST().Train().Take(100000).Build(ctx))
	is(datasets.MNIST().Train().Only("0", "ten").Build(ctx))

	is(onnx.ReadFile("model.onnx"))
	is(onnx.ReadFile("bad.onnx"))

	set, err := datasets.MNIST().Train().Take(200).Build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	net, err := nn.LeNet(set.Shape, 10).Init(1)
	if err != nil {
		t.Fatal(err)
	}
	small, err := images("small")
	if err != nil {
		t.Fatal(err)
	}
	is(net.Evaluate(ctx, small))
	is(net.WithClasses("a", "b"))
	is(nn.LeNet(set.Shape, 10).Fit(set, nn.Training{Epochs: 3, Optimizer: nn.SGD{Rate: 1e6}}).Build(ctx))
	is(nn.LeNet(set.Shape, 3).Fit(set, nn.Training{Epochs: 1}).Build(ctx))
	is(nn.Image(set.Shape).Conv(8, 4).Dense(10).Init(1))

	x := set.At(0)
	explain := func(r saliency.Recipe) { is(r.Explain(ctx)) }
	explain(saliency.Of(net, x).Target(10))
	explain(saliency.Of(net, small.At(0)))
	explain(saliency.Of(net, x).With(saliency.GradCAM{Layer: "conv9"}))
	explain(saliency.Of(net, x).With(saliency.GradCAM{Layer: "fc1"}))
	function := xai.Function{Inputs: 784, Outputs: 2, Func: func(x []float64) []float64 { return x[:2] }}
	explain(saliency.Of(function, x).With(saliency.GradCAM{Layer: "relu2"}))
	explain(saliency.Of(net, x).With(saliency.IntegratedGradients{Baseline: make([]float64, 3)}))
	flat := xai.Function{Inputs: 784, Outputs: 2, Func: func(x []float64) []float64 { return []float64{x[0] * x[1], 1} }}
	zero := x
	zero.X = make([]float64, 784)
	explain(saliency.Of(flat, zero).With(saliency.GradientFlow{}).Target(0))
	m, err := saliency.Of(net, x).Explain(ctx)
	if err != nil {
		t.Fatal(err)
	}
	other, err := net.Randomized(1, "fc3")
	if err != nil {
		t.Fatal(err)
	}
	is(saliency.Replay(ctx, other, m))

	is(imbalance.Of(set).Embed(net, "fc9").Build(ctx))
	is(imbalance.Of(set).Neighbors(1000).Build(ctx))
	is(jupyter.Read("missing.ipynb"))
	return made
}

// imports are models that PyTorch wrote and that are not read as they are.
func imports() (made []error) {
	for _, name := range []string{"axes", "two", "opset9", "amax"} {
		_, err := onnx.ReadFile(filepath.Join("testdata", name+".onnx"))
		made = append(made, err)
	}
	return made
}

// cellMistakes are cells of which the last fails, and what is said then. That needs the kernel.
var cellMistakes = []struct {
	cells []string
	says  string
	limit time.Duration
}{
	{[]string{"%%\nx := 3\nfmt.Println(x)", "%%\nfmt.Println(x)"}, "undefined: x", time.Minute},
	{[]string{"x := 3"}, "expected declaration, found x", time.Minute},
	{[]string{"%%\nx := 3\n"}, "declared and not used: x", time.Minute},
	{[]string{"%%\nx := 1 +\n"}, "expected operand, found '}'", time.Minute},
	{[]string{"%noautoget\nimport \"github.com/nobody/nothing\"", "%%\nnothing.Do()"}, "no required module provides package github.com/nobody/nothing; to add it:", time.Minute},
	{[]string{"%%\nvar p []int\nfmt.Println(p[3])"}, "panic: runtime error: index out of range [3] with length 0", time.Minute},
	{[]string{"%%\nfor {\n}"}, "jupyter: the cell took too long: stopped after 5s", 5 * time.Second},
}

// commandMistakes are what people do wrong with the command, and what it says. The folder that
// they are given holds an environment without JupyterLab, none, and one with an old one, old; and
// a file or, for who is not root, a folder that nobody may write to, closed.
var commandMistakes = []struct {
	args []string
	says string
}{
	{[]string{"run", "--out", "closed/out", "empty.ipynb"}, "results cannot be written, choose another folder with --out:"},
	{[]string{"lab", "--port", "PORT"}, "cannot be used (address already in use); leave out --port to take the first free one"},
	{[]string{"lab", "--python", "python3.99"}, "on the PATH; JupyterLab needs it: install Python 3.10 or later from https://www.python.org (or your system's package manager), or name one with --python"},
	{[]string{"lab", "--venv", "none"}, "holds no JupyterLab:"},
	{[]string{"lab", "--venv", "old"}, "holds JupyterLab 3.6.8, want 4.0 or later:"},
}

// TestTroubleshootingCommand provokes what the command says.
func TestTroubleshootingCommand(t *testing.T) {
	if testing.Short() || runtime.GOOS == "windows" {
		t.Skip("builds the command and runs shell scripts")
	}
	folder := t.TempDir()
	whybook := filepath.Join(folder, "whybook")
	if out, err := exec.Command("go", "build", "-o", whybook, "../kernelext/cmd/whybook").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	module, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	write := func(mode os.FileMode, name, text string) {
		t.Helper()
		name = filepath.Join(folder, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(name), 0o755), os.WriteFile(name, []byte(text), mode)); err != nil {
			t.Fatal(err)
		}
	}
	write(0o644, "empty.ipynb", `{"cells": [], "metadata": {"kernelspec": {"name": "gonb", "language": "go", "display_name": "Go"}}, "nbformat": 4, "nbformat_minor": 5}`)
	write(0o755, "none/bin/python", "#!/bin/sh\nexit 1\n")
	write(0o755, "old/bin/python", "#!/bin/sh\necho 3.6.8\n")
	if os.Getuid() == 0 { // who may write anywhere
		write(0o644, "closed", "")
	} else if err := os.Mkdir(filepath.Join(folder, "closed"), 0o555); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := fmt.Sprint(taken.Addr().(*net.TCPAddr).Port)
	for _, m := range commandMistakes {
		args := append(slices.Clone(m.args), "--module", module)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "PORT", port)
		}
		cmd := exec.CommandContext(t.Context(), whybook, args...)
		cmd.Dir = folder
		cmd.Env = append(os.Environ(), "VIRTUAL_ENV=", "WHYBOOK_CACHE="+filepath.Join(folder, "cache"))
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), m.says) {
			t.Errorf("whybook %q: %v\n%s\nwant %q in it", args, err, out, m.says)
		}
	}
}

// fromCommand is what the command says of a notebook in Python.
const fromCommand = `python.ipynb is a python notebook (kernel "python3"); whybook runs Go notebooks`

// TestTroubleshooting: every message that the page quotes is one that people get, and every
// mistake that is provoked here is on the page.
func TestTroubleshooting(t *testing.T) {
	quoted := messages(t)
	provoked := append(imports(), mistakes(t)...)
	found := map[string]bool{fromCommand: true}
	for _, m := range cellMistakes {
		found[m.says] = true
	}
	for i, err := range provoked {
		if err == nil {
			t.Errorf("mistake %d is none", i)
			continue
		}
		said := strings.ReplaceAll(err.Error(), "\u00a0", " ") // protobuf writes either, lest anybody compare
		on := slices.IndexFunc(quoted, func(q string) bool { return strings.Contains(said, q) })
		if on < 0 {
			t.Errorf("docs/troubleshooting.md does not quote\n%v", err)
			continue
		}
		found[quoted[on]] = true
	}
	for _, m := range commandMistakes {
		found[m.says] = true
	}
	for _, q := range quoted {
		if !found[q] {
			t.Errorf("docs/troubleshooting.md quotes what nothing says:\n%s", q)
		}
	}
}

// TestTroubleshootingCells provokes what is said of cells, in the kernel.
func TestTroubleshootingCells(t *testing.T) {
	if testing.Short() || os.Getenv("WHYBOOK_TEST_LONG") == "" {
		t.Skip("builds GoNB and runs cells that fail; set WHYBOOK_TEST_LONG=1 to do so")
	}
	spec := kernel(t)
	for _, m := range cellMistakes {
		done, _, err := jupyter.Run(t.Context(), notebook(m.cells...), spec, jupyter.Options{CellTimeout: m.limit})
		if err == nil {
			t.Errorf("%q runs", m.cells)
			continue
		}
		said := err.Error()
		for _, c := range done.Cells {
			for _, o := range c.Outputs {
				said += fmt.Sprintln("", o.Text, o.ErrValue, o.Traceback, o.Data)
			}
		}
		if !strings.Contains(said, m.says) {
			t.Errorf("%q says\n%s\nwant %q in it", m.cells, said, m.says)
		}
	}
	file := filepath.Join(t.TempDir(), "python.ipynb")
	text := `{"cells": [], "metadata": {"kernelspec": {"name": "python3", "language": "python", "display_name": "Python"}}, "nbformat": 4, "nbformat_minor": 5}`
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("go", "run", "../kernelext/cmd/whybook", "run", "--out", t.TempDir(), file).CombinedOutput()
	if err == nil || !strings.Contains(string(out), fromCommand) {
		t.Errorf("a Python notebook: %v\n%s", err, out)
	}
}

// notebook is one of Go cells.
func notebook(sources ...string) *jupyter.Notebook {
	nb := &jupyter.Notebook{Minor: 5, Metadata: map[string]any{"kernelspec": map[string]any{"name": "gonb", "language": "go"}}}
	for i, source := range sources {
		nb.Cells = append(nb.Cells, jupyter.Cell{Type: jupyter.Code, ID: fmt.Sprint("cell-", i), Source: strings.TrimSpace(source), Metadata: map[string]any{}})
	}
	return nb
}

// kernel installs the kernel for this test.
func kernel(t *testing.T) jupyter.Spec {
	t.Helper()
	prefix := t.TempDir()
	install := exec.Command("go", "run", "../kernelext/cmd/whybook", "install", "--prefix", prefix)
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("install: %v\n%s", err, out)
	}
	spec, err := jupyter.ReadSpec(filepath.Join(prefix, "share", "jupyter", "kernels", "gonb"))
	if err != nil {
		t.Fatal(err)
	}
	return spec
}
