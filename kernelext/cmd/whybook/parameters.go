package main

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/whybook/whybook/kernelext/jupyter"
)

// The tags that papermill uses (https://papermill.readthedocs.io/en/latest/usage-parameterize.html).
const (
	parametersTag = "parameters"
	injectedTag   = "injected-parameters"
)

// parameter is a constant or variable that the parameters cell declares with a plain value.
type parameter struct {
	Name     string
	Kind     *types.Basic // what its value is, after defaulting: int for 3
	Declared string       // the type as it is written, or ""
	Untyped  bool         // the value has no type of its own
	Default  string       // the value as it is written
	constant *ast.GenDecl // the block, of a constant
}

func (p parameter) String() string { return fmt.Sprintf("%s (%s, %s)", p.Name, p.Kind, p.Default) }

// setParameters returns the notebook with a cell after its parameters cell that declares the
// named parameters anew; in GoNB a declaration replaces an earlier one of the same name. A
// cell that an earlier run has injected goes. Assignments have the form name=value.
func setParameters(nb *jupyter.Notebook, assignments []string) (*jupyter.Notebook, error) {
	if len(assignments) == 0 {
		return nb, nil
	}
	nb = nb.Clone()
	nb.Cells = slices.DeleteFunc(nb.Cells, func(c jupyter.Cell) bool { return c.Tagged(injectedTag) })
	at := slices.IndexFunc(nb.Cells, func(c jupyter.Cell) bool { return c.Type == jupyter.Code && c.Tagged(parametersTag) })
	if at < 0 {
		return nil, fmt.Errorf("the notebook has no cell with the tag %q, so -p can set nothing; tag the cell that declares the parameters, for instance var seed = 3", parametersTag)
	}
	block, err := parseParameters(nb.Cells[at].Source)
	if err != nil {
		return nil, fmt.Errorf("the parameters cell: %w", err)
	}
	source, err := block.override(assignments)
	if err != nil {
		return nil, err
	}
	injected := jupyter.Cell{Type: jupyter.Code, Source: source, Metadata: map[string]any{"tags": []any{injectedTag}}}
	if nb.Minor >= 5 {
		injected.ID = freeID(nb, injectedTag)
	}
	nb.Cells = slices.Insert(nb.Cells, at+1, injected)
	return nb, nil
}

func freeID(nb *jupyter.Notebook, id string) string {
	for slices.ContainsFunc(nb.Cells, func(c jupyter.Cell) bool { return c.ID == id }) {
		id += "-1"
	}
	return id
}

// parameters is a parsed parameters cell.
type parameters struct {
	source string // with a package clause before it
	files  *token.FileSet
	known  []parameter       // in order
	others map[string]string // declared names that cannot be set, and why
	values map[string]ast.Expr
}

// parseParameters reads the declarations of a cell, which in GoNB end where a line begins
// with "%%" or "%main".
func parseParameters(source string) (*parameters, error) {
	var code strings.Builder
	code.WriteString("package p;")
	for line := range strings.Lines(source) {
		if strings.HasPrefix(line, "%%") || strings.HasPrefix(line, "%main") {
			break
		}
		if strings.HasPrefix(line, "%") || strings.HasPrefix(line, "!") {
			line = "\n"
		}
		code.WriteString(line)
	}
	p := &parameters{source: code.String(), files: token.NewFileSet(), others: map[string]string{}, values: map[string]ast.Expr{}}
	file, err := parser.ParseFile(p.files, "", p.source, parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("is not Go: line %w", err)
	}
	for _, d := range file.Decls {
		if block, ok := d.(*ast.GenDecl); ok && (block.Tok == token.VAR || block.Tok == token.CONST) {
			for _, spec := range block.Specs {
				p.add(block, spec.(*ast.ValueSpec))
			}
		}
	}
	return p, nil
}

func (p *parameters) add(block *ast.GenDecl, spec *ast.ValueSpec) {
	for i, name := range spec.Names {
		if len(spec.Names) != len(spec.Values) {
			p.others[name.Name] = "has no value of its own"
			continue
		}
		if block.Tok == token.VAR && len(spec.Names) > 1 {
			p.others[name.Name] = "is declared together with others; give it a line of its own"
			continue
		}
		param, ok := p.basic(spec, spec.Values[i])
		if !ok {
			p.others[name.Name] = "is not a plain bool, string or number"
			continue
		}
		param.Name = name.Name
		if block.Tok == token.CONST {
			param.constant = block
		}
		p.known, p.values[name.Name] = append(p.known, param), spec.Values[i]
	}
}

// basic describes a value that Go knows without the rest of the notebook.
func (p *parameters) basic(spec *ast.ValueSpec, value ast.Expr) (parameter, bool) {
	param := parameter{Default: p.text(value)}
	known, err := types.Eval(p.files, nil, token.NoPos, param.Default)
	if err != nil || known.Value == nil {
		return param, false
	}
	kind, _ := known.Type.(*types.Basic)
	if spec.Type != nil {
		param.Declared = p.text(spec.Type)
		declared, err := types.Eval(p.files, nil, token.NoPos, param.Declared)
		if err != nil || !declared.IsType() {
			return param, false
		}
		kind, _ = declared.Type.Underlying().(*types.Basic)
	}
	if kind == nil {
		return param, false
	}
	param.Untyped = spec.Type == nil && kind.Info()&types.IsUntyped != 0
	param.Kind, _ = types.Default(kind).(*types.Basic)
	return param, kind.Info()&(types.IsBoolean|types.IsString|types.IsInteger|types.IsFloat) != 0 && kind.Kind() != types.UntypedRune
}

func (p *parameters) text(e ast.Expr) string {
	return p.source[p.files.Position(e.Pos()).Offset:p.files.Position(e.End()).Offset]
}

// override returns the source of the injected cell, in the order of the parameters cell.
func (p *parameters) override(assignments []string) (string, error) {
	set := map[string]string{}
	for _, a := range assignments {
		name, text, ok := strings.Cut(a, "=")
		if !ok || name == "" {
			return "", fmt.Errorf("-p %s: want name=value; %s", a, p.list())
		}
		if _, twice := set[name]; twice {
			return "", fmt.Errorf("-p %s: %s is set twice", a, name)
		}
		at := slices.IndexFunc(p.known, func(k parameter) bool { return k.Name == name })
		if at < 0 {
			why, declared := p.others[name]
			if !declared {
				why = "is not a parameter of the notebook"
			}
			return "", fmt.Errorf("-p %s: %s %s; %s", a, name, why, p.list())
		}
		literal, err := p.known[at].literal(text)
		if err != nil {
			return "", fmt.Errorf("-p %s: %w; %s", a, err, p.list())
		}
		set[name] = literal
	}
	var out strings.Builder
	out.WriteString("// Parameters\n")
	written := map[*ast.GenDecl]bool{}
	for _, k := range p.known {
		literal, ok := set[k.Name]
		switch {
		case !ok:
		case k.constant == nil:
			fmt.Fprintf(&out, "var %s = %s\n", strings.TrimSpace(k.Name+" "+k.Declared), literal)
		case !written[k.constant]:
			// The whole block: in GoNB the rest of it would be lost with one of its constants.
			written[k.constant] = true
			out.WriteString(p.rewrite(k.constant, set) + "\n")
		}
	}
	return strings.TrimSuffix(out.String(), "\n"), nil
}

// rewrite returns a block of constants with new values.
func (p *parameters) rewrite(block *ast.GenDecl, set map[string]string) string {
	var out strings.Builder
	at := p.files.Position(block.Pos()).Offset
	for _, spec := range block.Specs {
		for _, name := range spec.(*ast.ValueSpec).Names {
			if literal, ok := set[name.Name]; ok {
				value := p.values[name.Name]
				out.WriteString(p.source[at:p.files.Position(value.Pos()).Offset] + literal)
				at = p.files.Position(value.End()).Offset
			}
		}
	}
	return out.String() + p.source[at:p.files.Position(block.End()).Offset]
}

func (p *parameters) list() string {
	if len(p.known) == 0 {
		return "the parameters cell declares none"
	}
	names := make([]string, len(p.known))
	for i, k := range p.known {
		names[i] = k.String()
	}
	return "the parameters are " + strings.Join(names, ", ")
}

// literal returns the Go expression for a text from the command line.
func (k parameter) literal(text string) (string, error) {
	var value string
	var err error
	switch info := k.Kind.Info(); {
	case info&types.IsBoolean != 0:
		if value = text; text != "true" && text != "false" {
			return "", fmt.Errorf("%s is a %s: want true or false", k.Name, k.Kind)
		}
	case info&types.IsString != 0:
		value = strconv.Quote(text)
	case info&types.IsInteger != 0:
		value = text
		digits := strings.TrimPrefix(text, "-")
		number := constant.MakeFromLiteral(digits, token.INT, 0)
		if number.Kind() != constant.Int || strings.ContainsAny(digits, "+-") {
			return "", fmt.Errorf("%s is %s: want a whole number", k.Name, withArticle(k.Kind))
		}
		// To types an int has 64 bits, as it has wherever GoNB runs.
		if _, err := types.Eval(token.NewFileSet(), nil, token.NoPos, k.Kind.Name()+"("+text+")"); err != nil {
			return "", fmt.Errorf("%s is %s, which cannot hold %s", k.Name, withArticle(k.Kind), text)
		}
	default:
		var f float64
		bits := 64
		if k.Kind.Kind() == types.Float32 {
			bits = 32
		}
		if f, err = strconv.ParseFloat(text, bits); err != nil || math.IsInf(f, 0) || math.IsNaN(f) {
			return "", fmt.Errorf("%s is a %s: want a finite number", k.Name, k.Kind)
		}
		if value = strconv.FormatFloat(f, 'g', -1, bits); !strings.ContainsAny(value, ".e") {
			value += ".0" // or a variable without a type becomes an int
		}
	}
	if k.Declared == "" && !k.Untyped {
		value = k.Kind.Name() + "(" + value + ")"
	}
	return value, nil
}

func withArticle(kind *types.Basic) string {
	if strings.HasPrefix(kind.Name(), "int") {
		return "an " + kind.Name()
	}
	return "a " + kind.Name()
}
