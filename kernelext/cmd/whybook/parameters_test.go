package main

import (
	"strings"
	"testing"

	"github.com/whybook/whybook/kernelext/jupyter"
)

const parametersCell = `%noautoget
import "time"

// seed decides.
var seed = 3
var big uint64 = 1 << 40
var (
	rate          = 0.5
	name   string = "ada"
	loud          = false
	small         = int8(3)
	first, second = 1, 2
	began         = time.Now()
	later   int
)
const classes = 10
const (
	width  = 28 // pixels
	height = 2 * 14
	half   = 0.5
	step   = iota
)
%%
var local = 1`

func parametrised(cells ...string) *jupyter.Notebook {
	nb := &jupyter.Notebook{Minor: 5}
	for i, source := range cells {
		nb.Cells = append(nb.Cells, jupyter.Cell{Type: jupyter.Code, ID: string(rune('a' + i)), Source: source})
	}
	nb.Cells[0].Metadata = map[string]any{"tags": []any{parametersTag}}
	return nb
}

func TestParametersAreInjected(t *testing.T) {
	tests := []struct {
		set  string
		want string
	}{
		{"seed=7", "var seed = 7"},
		{"seed=-7", "var seed = -7"},
		{"seed=0x1F", "var seed = 0x1F"},
		{"big=18446744073709551615", "var big uint64 = 18446744073709551615"},
		{"rate=1", "var rate = 1.0"},
		{"rate=1e-3", "var rate = 0.001"},
		{"name=a \"b\"\\ =c\n日", `var name string = "a \"b\"\\ =c\n日"`},
		{"name=", `var name string = ""`},
		{"loud=true", "var loud = true"},
		{"small=-128", "var small = int8(-128)"},
		{"classes=2", "const classes = 2"},
		{"loud=true,seed=1", "var seed = 1\nvar loud = true"},
		{"height=32", "const (\n\twidth  = 28 // pixels\n\theight = 32\n\thalf   = 0.5\n\tstep   = iota\n)"},
		{"half=2,width=1", "const (\n\twidth  = 1 // pixels\n\theight = 2 * 14\n\thalf   = 2.0\n\tstep   = iota\n)"},
	}
	for _, tt := range tests {
		nb := parametrised(parametersCell, "%%\nfmt.Println(seed)")
		got, err := setParameters(nb, strings.Split(tt.set, ","))
		if err != nil {
			t.Errorf("%s: %v", tt.set, err)
			continue
		}
		if len(got.Cells) != 3 || !got.Cells[1].Tagged(injectedTag) || got.Cells[1].ID != injectedTag || len(nb.Cells) != 2 {
			t.Fatalf("%s: cells are %+v", tt.set, got.Cells)
		}
		if source := strings.TrimPrefix(got.Cells[1].Source, "// Parameters\n"); source != tt.want {
			t.Errorf("%s: injected is\n%s\nwant\n%s", tt.set, source, tt.want)
		}
		again, err := setParameters(got, []string{"seed=1"})
		if err != nil || len(again.Cells) != 3 || again.Cells[1].Source != "// Parameters\nvar seed = 1" {
			t.Errorf("%s: the injected cell is not replaced: %v", tt.set, err)
		}
	}
}

func TestParametersAreChecked(t *testing.T) {
	tests := []struct{ set, want string }{
		{"seed", "want name=value"},
		{"=3", "want name=value"},
		{"sead=3", "sead is not a parameter of the notebook; the parameters are seed (int, 3), big (uint64, 1 << 40), rate (float64, 0.5), name (string, \"ada\"), loud (bool, false), small (int8, int8(3)), classes (int, 10), width (int, 28), height (int, 2 * 14), half (float64, 0.5)"},
		{"local=3", "is not a parameter"},
		{"seed=0.5", "seed is an int: want a whole number"},
		{"seed=--5", "want a whole number"},
		{"seed=+5", "want a whole number"},
		{"seed=", "want a whole number"},
		{"seed=os.Exit(1)", "want a whole number"},
		{"seed=9223372036854775808", "cannot hold"},
		{"big=-1", "big is a uint64, which cannot hold -1"},
		{"small=128", "cannot hold 128"},
		{"rate=NaN", "want a finite number"},
		{"rate=1e999", "want a finite number"},
		{"loud=yes", "want true or false"},
		{"first=3", "give it a line of its own"},
		{"began=3", "is not a plain bool, string or number"},
		{"step=3", "is not a plain bool, string or number"},
		{"later=3", "has no value of its own"},
		{"seed=1,seed=2", "set twice"},
	}
	for _, tt := range tests {
		_, err := setParameters(parametrised(parametersCell), strings.Split(tt.set, ","))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error is %v, want %q", tt.set, err, tt.want)
		}
	}
	if _, err := setParameters(parametrised("var ="), []string{"x=1"}); err == nil || !strings.Contains(err.Error(), "is not Go: line 1") {
		t.Errorf("a cell that is not Go: %v", err)
	}
	untagged := parametrised("var seed = 3")
	untagged.Cells[0].Metadata = nil
	if _, err := setParameters(untagged, []string{"seed=1"}); err == nil || !strings.Contains(err.Error(), `no cell with the tag "parameters"`) {
		t.Errorf("a notebook without parameters: %v", err)
	}
}
