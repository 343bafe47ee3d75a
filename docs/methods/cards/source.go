package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/printer"
	"go/token"
	"path/filepath"
	"reflect"
	"sort"
	"strings"

	"github.com/whybook/whybook/xai/saliency"
	"gonum.org/v1/gonum/floats"
)

// doc is what the source says of a type.
type doc struct {
	text   string
	fields []field
}

type field struct{ name, kind, text string }

// read parses the comments of every struct in a folder.
func read(folder string) (map[string]doc, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no source in %s; run this at the root of the module: %v", folder, err)
	}
	docs := map[string]doc{}
	set := token.NewFileSet()
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(set, name, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, decl := range file.Decls {
			g, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range g.Specs {
				t, ok := spec.(*ast.TypeSpec)
				if !ok {
					continue
				}
				s, ok := t.Type.(*ast.StructType)
				if !ok {
					continue
				}
				comment := g.Doc
				if t.Doc != nil {
					comment = t.Doc
				}
				d := doc{text: markdown(comment.Text())}
				for _, f := range s.Fields.List {
					var kind strings.Builder
					if err := printer.Fprint(&kind, set, f.Type); err != nil {
						return nil, err
					}
					for _, n := range f.Names {
						if n.IsExported() {
							d.fields = append(d.fields, field{n.Name, kind.String(), flat(f.Doc.Text() + f.Comment.Text())})
						}
					}
				}
				docs[t.Name.Name] = d
			}
		}
	}
	return docs, nil
}

// markdown turns a Go comment into Markdown: indented lines are formulas in both.
func markdown(comment string) string {
	return strings.ReplaceAll(strings.TrimSpace(comment), "\n\t", "\n    ")
}

// flat writes a comment on one line of a table.
func flat(comment string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(comment), " "), "|", "\\|")
}

func typeName(m saliency.Method) string { return reflect.TypeOf(m).Name() }

// reseeded returns the method with another seed, and false if it has none.
func reseeded(m saliency.Method) (saliency.Method, bool) {
	v := reflect.New(reflect.TypeOf(m)).Elem()
	v.Set(reflect.ValueOf(m))
	f := v.FieldByName("Seed")
	if !f.IsValid() || f.Kind() != reflect.Uint64 {
		return nil, false
	}
	f.SetUint(f.Uint() + 1)
	return v.Interface().(saliency.Method), true
}

func median(values []float64) float64 {
	s := append([]float64(nil), values...)
	sort.Float64s(s)
	return s[len(s)/2]
}

// ranks replaces values by their places, the mean place where they tie.
func ranks(values []float64) []float64 {
	sorted, order := append([]float64(nil), values...), make([]int, len(values))
	floats.Argsort(sorted, order)
	out := make([]float64, len(values))
	for i := 0; i < len(order); {
		j := i
		for j < len(order) && sorted[j] == sorted[i] {
			j++
		}
		for _, at := range order[i:j] {
			out[at] = float64(i+j-1) / 2
		}
		i = j
	}
	return out
}
