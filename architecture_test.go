// Package whybook_test holds the rules about the module as a whole.
package whybook_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/whybook/whybook/"

// rule says what the files of one folder may import. Paths inside the module are written
// without its name; a trailing slash or "..." is not needed, subfolders are folders of
// their own. The standard library and gonum's numerics are always allowed.
type rule struct {
	inside  []string // packages of this module
	outside []string // prefixes of other modules
	tests   []string // allowed in tests only
	view    []string // allowed in view.go, in files named *_view.go and in tests only, beside the others
	table   []string // allowed in the file table.go only
}

// rules is the table of docs/architecture.md: imports point one way, from data to model to
// explanation to rendering to notebook, and each outside library has one owner.
var rules = map[string]rule{
	"datasets":                     {inside: []string{"xai/seed", "datasets/internal/fetch"}, outside: []string{"github.com/go-gota/gota", "github.com/sbinet/npyio"}},
	"datasets/internal/fetch":      {},
	"datasets/internal/mnistslice": {inside: []string{"datasets", "datasets/internal/fetch", "xai/seed"}},

	"xai":          {inside: []string{"xai/seed"}},
	"xai/seed":     {},
	"xai/progress": {},

	"xai/internal/gemm":     {outside: []string{"golang.org/x/sys/cpu"}, tests: []string{"xai/seed"}},
	"xai/internal/gemm/asm": {outside: []string{"github.com/mmcloughlin/avo"}},
	"xai/internal/graph":    {inside: []string{"xai/internal/gemm"}, tests: []string{"xai/seed"}, outside: []string{"gorgonia.org/", "github.com/chewxy/hm", "go4.org/unsafe/assume-no-moving-gc"}},

	"xai/internal/parallel": {},
	"xai/internal/store":    {},

	"xai/neighbors": {inside: []string{"xai", "xai/seed", "xai/progress", "xai/internal/gemm", "xai/internal/parallel"}},
	"xai/cluster":   {inside: []string{"xai", "xai/seed", "xai/progress", "xai/neighbors", "xai/internal/gemm", "xai/internal/parallel", "xai/internal/store"}},
	"xai/tree":      {inside: []string{"xai", "xai/seed", "xai/progress", "xai/internal/parallel"}, view: []string{"xai/render"}},
	"xai/forest":    {inside: []string{"xai", "xai/seed", "xai/progress", "xai/tree", "xai/internal/parallel"}, view: []string{"xai/render"}, tests: []string{"datasets"}},
	"xai/project":   {inside: []string{"xai", "xai/seed", "xai/progress", "xai/neighbors", "xai/internal/gemm", "xai/internal/parallel"}},

	"xai/nn":                  {inside: []string{"datasets", "xai", "xai/seed", "xai/progress", "xai/internal/gemm", "xai/internal/graph", "xai/internal/parallel"}, view: []string{"xai/render"}, tests: []string{"golang.org/x/sys/cpu"}},
	"xai/nn/onnx":             {inside: []string{"datasets", "xai", "xai/nn", "xai/nn/onnx/internal/pb", "xai/nn/onnx/internal/ir"}, tests: []string{"xai/seed"}},
	"xai/nn/onnx/internal/ir": {inside: []string{"xai", "xai/nn/onnx/internal/pb"}, tests: []string{"xai/seed"}},
	"xai/nn/onnx/internal/pb": {outside: []string{"google.golang.org/protobuf"}},
	"xai/saliency":            {inside: []string{"datasets", "xai", "xai/seed", "xai/progress", "xai/internal/store"}, view: []string{"xai/render"}, table: []string{"github.com/go-gota/gota"}, tests: []string{"xai/nn", "xai/nn/onnx", "xai/xaitest"}},
	"xai/evaluate":            {inside: []string{"datasets", "xai", "xai/seed", "xai/progress", "xai/saliency", "xai/internal/store"}, view: []string{"xai/render"}, table: []string{"github.com/go-gota/gota"}, tests: []string{"xai/nn", "xai/xaitest"}},
	"xai/xaitest":             {inside: []string{"datasets", "xai", "xai/seed", "xai/nn", "xai/saliency", "xai/evaluate"}},
	"xai/imbalance":           {inside: []string{"datasets", "xai", "xai/seed", "xai/progress", "xai/saliency", "xai/neighbors", "xai/cluster", "xai/internal/gemm", "xai/internal/parallel", "xai/internal/store"}, view: []string{"xai/render"}, table: []string{"github.com/go-gota/gota"}, tests: []string{"xai/nn", "xai/nn/onnx"}},
	"xai/cnninte":             {inside: []string{"datasets", "xai", "xai/seed", "xai/progress", "xai/saliency", "xai/neighbors", "xai/cluster", "xai/tree", "xai/forest", "xai/project", "xai/internal/parallel", "xai/internal/store"}, view: []string{"xai/render"}, table: []string{"github.com/go-gota/gota"}, tests: []string{"xai/nn"}},
	"xai/soxai":               {inside: []string{"datasets", "xai", "xai/seed", "xai/progress", "xai/saliency", "xai/neighbors", "xai/cluster", "xai/project", "xai/internal/gemm", "xai/internal/parallel", "xai/internal/store"}, view: []string{"xai/render"}, table: []string{"github.com/go-gota/gota"}, tests: []string{"xai/nn"}},
	"xai/flint":               {inside: []string{"datasets", "xai", "xai/seed", "xai/progress", "xai/saliency", "xai/nn", "xai/internal/graph", "xai/internal/parallel", "xai/internal/store"}, view: []string{"xai/render"}, table: []string{"github.com/go-gota/gota"}, tests: []string{"xai/nn/onnx"}},
	"xai/render":              {inside: []string{"xai/render/html"}, outside: []string{"gonum.org/v1/plot", "codeberg.org/go-pdf/fpdf", "golang.org/x/image", "golang.org/x/text"}},

	"kernelext":         {inside: []string{"datasets", "xai", "xai/seed", "xai/progress", "xai/nn", "xai/saliency", "xai/evaluate", "xai/imbalance", "xai/cnninte", "xai/soxai", "xai/flint", "xai/render"}, outside: []string{"github.com/janpfeifer/gonb/gonbui", "golang.org/x/sys/unix"}},
	"kernelext/jupyter": {outside: []string{"github.com/go-zeromq/zmq4", "github.com/google/uuid"}},
	"kernelext/cmd/whybook": {inside: []string{"kernelext", "kernelext/jupyter", "kernelext/cmd/whybook/internal/page"},
		outside: []string{"github.com/alecthomas/kong", "golang.org/x/mod", "golang.org/x/sys"}},
	"kernelext/cmd/whybook/internal/page": {inside: []string{"kernelext/jupyter"}, outside: []string{"github.com/yuin/goldmark"}},
	"docs/methods/cards":                  {inside: []string{"datasets", "xai/nn", "xai/saliency", "xai/evaluate"}},
	"docs/methods/costs":                  {inside: []string{"datasets", "xai", "xai/nn", "xai/saliency", "xai/evaluate", "xai/imbalance", "xai/cnninte", "xai/soxai", "xai/flint", "xai/neighbors", "xai/cluster", "xai/project", "xai/tree", "xai/forest"}},
	"docs":                                {tests: []string{"datasets", "kernelext/jupyter", "xai", "xai/nn", "xai/nn/onnx", "xai/saliency", "xai/evaluate", "xai/imbalance", "xai/render"}},
	"docs/results/flint":                  {inside: []string{"datasets", "xai/nn", "xai/saliency", "xai/flint", "xai/progress"}},
	"notebooks":                           {tests: []string{"kernelext/jupyter"}},
	".":                                   {},
}

// testOnly may be imported by any test: it helps to test, and cannot reach a user.
var testOnly = []string{"pgregory.net/rapid", "gonum.org/v1/plot/cmpimg"}

// file is a Go file with its imports.
type file struct {
	path    string // slash-separated, from the root of the module
	imports []string
}

// violations lists what is imported against the rules.
func violations(files []file) []string {
	var list []string
	for _, f := range files {
		folder, name := path.Split(f.path)
		folder = path.Clean(folder)
		r, known := rules[folder]
		if !known {
			list = append(list, fmt.Sprintf("%s: folder %q has no rule; add it to the table in architecture_test.go", f.path, folder))
			continue
		}
		inside, outside := slices.Clone(r.inside), slices.Clone(r.outside)
		var extra []string
		switch {
		case name == "view.go" || strings.HasSuffix(name, "_view.go"):
			extra = r.view
		case name == "table.go":
			extra = r.table
		case strings.HasSuffix(name, "_test.go"):
			inside = append(inside, folder) // the package itself, from outside
			extra = slices.Concat(r.view, r.table, r.tests, testOnly)
		}
		inside, outside = append(inside, extra...), append(outside, extra...)
		for _, imp := range f.imports {
			if !allowed(imp, inside, outside) {
				list = append(list, fmt.Sprintf("%s imports %s", f.path, imp))
			}
		}
	}
	return list
}

func allowed(imp string, inside, outside []string) bool {
	if local, ok := strings.CutPrefix(imp, module); ok {
		return slices.Contains(inside, local)
	}
	first, _, _ := strings.Cut(imp, "/")
	if !strings.Contains(first, ".") || strings.HasPrefix(imp, "gonum.org/v1/gonum/") {
		return true
	}
	return slices.ContainsFunc(outside, func(prefix string) bool {
		return imp == prefix || strings.HasPrefix(imp, strings.TrimSuffix(prefix, "/")+"/")
	})
}

// goFiles parses the imports of every Go file of the module.
func goFiles(t *testing.T, root fs.FS) []file {
	t.Helper()
	var files []file
	err := fs.WalkDir(root, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && p != "." && (strings.HasPrefix(d.Name(), ".") || strings.HasPrefix(d.Name(), "_") || d.Name() == "testdata") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(p, ".go") {
			return nil
		}
		src, err := fs.ReadFile(root, p)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), p, src, parser.ImportsOnly)
		if err != nil {
			return err
		}
		f := file{path: p}
		for _, spec := range parsed.Imports {
			imp, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, imp)
		}
		files = append(files, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestImportsPointOneWay(t *testing.T) {
	files := goFiles(t, os.DirFS("."))
	if len(files) < 20 {
		t.Fatalf("found %d Go files only: is the test looking at the module?", len(files))
	}
	for _, v := range violations(files) {
		t.Error(v)
	}
}

func TestPlantedViolationsAreFound(t *testing.T) {
	planted := []file{
		{"datasets/evil.go", []string{module + "xai/nn"}},
		{"xai/xai.go", []string{module + "datasets"}},
		{"xai/seed/seed.go", []string{module + "xai"}},
		{"xai/nn/train.go", []string{module + "xai/render"}},
		{"xai/nn/overview.go", []string{module + "xai/render"}},
		{"xai/nn/train.go", []string{"gorgonia.org/gorgonia"}},
		{"xai/render/view.go", []string{module + "xai/saliency"}},
		{"xai/saliency/gradient.go", []string{module + "kernelext"}},
		{"xai/saliency/saliency.go", []string{"github.com/go-gota/gota/dataframe"}},
		{"kernelext/jupyter/run.go", []string{"github.com/janpfeifer/gonb/gonbui"}},
		{"datasets/csv.go", []string{"gonum.org/v1/plot"}},
		{"xai/util/strings.go", nil},
	}
	for _, f := range planted {
		if len(violations([]file{f})) == 0 {
			t.Errorf("%s importing %v went unnoticed", f.path, f.imports)
		}
	}
	legal := []file{
		{"xai/nn/view.go", []string{module + "xai/render", "fmt"}},
		{"xai/nn/weights_view.go", []string{module + "xai/render"}},
		{"xai/nn/train.go", []string{"gonum.org/v1/gonum/mat", module + "datasets"}},
	}
	if v := violations(legal); len(v) > 0 {
		t.Errorf("legal imports are refused: %v", v)
	}
}
