package docs_test

import (
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/whybook/whybook/kernelext/jupyter"
)

// block is a fenced piece of a page.
type block struct {
	page string
	line int    // of its first fence
	kind string // what the fence says: "go"
	code string
}

var fence = regexp.MustCompile("^[ \t]*(`{3,})(.*)$")

// parse divides a page into its prose, with empty lines where blocks are, and its blocks.
func parse(page, text string) (prose string, blocks []block, err error) {
	open := ""
	var current block
	for i, line := range strings.Split(text, "\n") {
		m := fence.FindStringSubmatch(line)
		switch {
		case open == "" && m == nil:
			prose += line
		case open == "":
			open, current = m[1], block{page: page, line: i + 1, kind: strings.TrimSpace(m[2])}
		case m != nil && len(m[1]) >= len(open) && strings.TrimSpace(m[2]) == "":
			open = ""
			blocks = append(blocks, current)
		default:
			current.code += line + "\n"
		}
		prose += "\n"
	}
	if open != "" {
		return "", nil, fmt.Errorf("%s:%d: this block does not end", page, current.line)
	}
	return prose, blocks, nil
}

// cells are the Go cells of a page, in their order. A fence "```go" opens a cell: the cells of
// a page are those of one notebook. A fence "```go fragment" opens a piece that does not
// stand by itself.
func cells(page, text string) (list []block, err error) {
	_, blocks, err := parse(page, text)
	if err != nil {
		return nil, err
	}
	for _, b := range blocks {
		switch {
		case b.kind == "go":
			list = append(list, b)
		case strings.HasPrefix(b.kind, "go") && b.kind != "go fragment":
			return nil, fmt.Errorf("%s:%d: a fence %q, want \"go\" or \"go fragment\"", page, b.line, b.kind)
		}
	}
	return list, nil
}

// pages are the pages with cells. Those of the README are run by the tests of the notebooks.
func pages(t *testing.T) map[string][]block {
	t.Helper()
	made := make(map[string][]block)
	for _, path := range markdown(t) {
		if !strings.HasPrefix(path, "docs/") {
			continue
		}
		text, err := os.ReadFile(filepath.Join("..", path))
		if err != nil {
			t.Fatal(err)
		}
		list, err := cells(path, string(text))
		if err != nil {
			t.Fatal(err)
		}
		if len(list) > 0 {
			made[path] = list
		}
	}
	if len(made) < 3 {
		t.Fatalf("only %d pages have Go cells", len(made))
	}
	return made
}

var importBlock = regexp.MustCompile(`(?s)import \((.*?)\n\)`)

// program is what the cells of a page are together: declarations, and a function for each
// cell that runs.
func program(list []block) string {
	imports, body := "", ""
	for _, b := range list {
		code := strings.ReplaceAll(b.code, "%noautoget\n", "")
		if m := importBlock.FindStringSubmatch(code); m != nil {
			imports += m[1] + "\n"
			code = strings.Replace(code, m[0], "", 1)
		}
		before, run, runs := strings.Cut(code, "%%\n")
		body += before
		if runs {
			body += fmt.Sprintf("func _() {\n//line %s:%d\n%s}\n", b.page, b.line+2, run)
		}
	}
	return "package cells\n\nimport (\n" + imports + ")\n\n" + body
}

// TestCellsCompile: what the pages show is Go that this version of Whybook accepts.
func TestCellsCompile(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the compiler")
	}
	overlay := struct{ Replace map[string]string }{make(map[string]string)}
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	args := []string{"build", "-overlay", filepath.Join(dir, "overlay.json")}
	n := 0
	for _, list := range pages(t) {
		n++
		name := fmt.Sprint("page", n)
		file := filepath.Join(dir, name+".go")
		if err := os.WriteFile(file, []byte(program(list)), 0o644); err != nil {
			t.Fatal(err)
		}
		overlay.Replace[filepath.Join(root, "docs", "internal", name, "cells.go")] = file
		args = append(args, "./docs/internal/"+name)
	}
	raw, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), raw, 0o644); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", args...)
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Errorf("go build: %v\n%s", err, out)
	}
}

// TestPagesRun runs the cells of every page in GoNB's kernel, in a folder with a model from
// PyTorch and a folder of images, as the guides have them.
func TestPagesRun(t *testing.T) {
	if testing.Short() || os.Getenv("WHYBOOK_TEST_LONG") == "" {
		t.Skip("builds GoNB and runs all cells of the documentation; set WHYBOOK_TEST_LONG=1 to do so")
	}
	spec := kernel(t)
	cache := t.TempDir()
	for page, list := range pages(t) {
		t.Run(page, func(t *testing.T) {
			folder := t.TempDir()
			stripes(t, filepath.Join(folder, "images"))
			model, err := os.ReadFile("guides/stripes.onnx")
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, "model.onnx"), model, 0o644); err != nil {
				t.Fatal(err)
			}
			sources := make([]string, len(list))
			for i, b := range list {
				sources[i] = b.code
			}
			options := jupyter.Options{CellTimeout: 3 * time.Minute}
			options.Dir = folder
			options.Env = []string{"WHYBOOK_CACHE=" + cache, "WHYBOOK_OUT="}
			done, _, err := jupyter.Run(t.Context(), notebook(sources...), spec, options)
			if err != nil {
				t.Error(err)
			}
			for i, c := range done.Cells {
				if strings.HasPrefix(c.Source, "%%") && len(c.Outputs) == 0 {
					t.Errorf("%s:%d: this cell shows nothing", page, list[i].line)
				}
			}
		})
	}
}

// stripes writes the images of docs/guides/stripes.py, some of them, by the same rule and
// with other noise: bright stripes across, and upright.
func stripes(t *testing.T, folder string) {
	t.Helper()
	for class, name := range []string{"across", "upright"} {
		if err := os.MkdirAll(filepath.Join(folder, name), 0o755); err != nil {
			t.Fatal(err)
		}
		for i := range 8 {
			img := image.NewRGBA(image.Rect(0, 0, 32, 32))
			period := 4 + i%5
			for y := range 32 {
				for x := range 32 {
					v := uint8((x*7919 + y*104729 + i*31) % 90)
					if at := []int{y, x}[class]; (at+i)%period < period/2 {
						v += 130
					}
					img.Set(x, y, color.RGBA{v, v, v, 255})
				}
			}
			f, err := os.Create(filepath.Join(folder, name, fmt.Sprintf("%03d.png", i)))
			if err != nil {
				t.Fatal(err)
			}
			if err := png.Encode(f, img); err != nil {
				t.Fatal(err)
			}
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}
