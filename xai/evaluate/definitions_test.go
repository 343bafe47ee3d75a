package evaluate

import (
	"bytes"
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

var regen = flag.Bool("regen", false, "write docs/methods/metrics.md")

const page = "../../docs/methods/metrics.md"

func TestDefinitionsPage(t *testing.T) {
	var b bytes.Buffer
	if err := WriteDefinitions(&b, Metrics()...); err != nil {
		t.Fatal(err)
	}
	if *regen {
		if err := os.MkdirAll(filepath.Dir(page), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(page, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(page)
	if err != nil || !bytes.Equal(have, b.Bytes()) {
		t.Errorf("%s is not what the definition cards say (%v); run go test ./xai/evaluate -run Definitions -regen", page, err)
	}
}

// TestCardsAreWhole: every card says everything, and every metric of the package is listed.
func TestCardsAreWhole(t *testing.T) {
	listed, names := map[string]bool{}, map[string]bool{}
	for _, m := range Metrics() {
		listed[reflect.TypeOf(m).Name()] = true
		c := m.Card()
		for _, text := range []string{c.Name, c.Source, c.Formula, c.Fails, c.Oracle} {
			if text == "" || strings.ContainsAny(text, "\n`") {
				t.Errorf("%T: an empty or broken text in %+v", m, c)
			}
		}
		if names[c.Name] || !(c.Low < c.High) || c.Better < Neither || c.Better > Higher {
			t.Errorf("%T: %+v", m, c)
		}
		names[c.Name] = true
	}
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 10 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range parsed.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv != nil && f.Name.Name == "Card" {
				if id, ok := f.Recv.List[0].Type.(*ast.Ident); !ok || !listed[id.Name] {
					t.Errorf("%s: a metric that Metrics does not list", file)
				}
			}
		}
	}
}
