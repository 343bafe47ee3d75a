//go:build unix

package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/whybook/whybook/kernelext/jupyter"
)

func TestInTurnKeepsOutputsApart(t *testing.T) {
	var out bytes.Buffer
	s := newInTurn(&out, 4)
	for _, step := range []struct {
		from int // done, when negative: ^from
		want string
	}{
		{1, ""}, {0, "0"}, {2, "0"}, {^1, "0"}, {0, "00"}, {^0, "0012"}, {3, "0012"}, {2, "00122"}, {^3, "00122"}, {^2, "001223"},
	} {
		if step.from < 0 {
			s.done(^step.from)
		} else {
			fmt.Fprint(s.writer(step.from), step.from)
		}
		if got := out.String(); got != step.want {
			t.Fatalf("after %d: %q, want %q", step.from, got, step.want)
		}
	}
}

func TestJUnitReport(t *testing.T) {
	nb := &jupyter.Notebook{Cells: []jupyter.Cell{
		{Type: jupyter.Markdown, Source: "# <T>"},
		{Type: jupyter.Code, Source: "%%\nShow(a < \"b\")"},
		{Type: jupyter.Code, Source: "fail()"},
		{Type: jupyter.Code, Source: "never()"},
	}}
	failure := &jupyter.CellError{Index: 2, Source: "fail()", Name: "Boom", Value: "bell \a & <tag>"}
	done := map[int]jupyter.Progress{1: {Elapsed: 1500 * time.Millisecond}, 2: {Elapsed: time.Second, Err: failure}}
	path := filepath.Join(t.TempDir(), "reports", "junit.xml")
	err := writeJUnit(path, []junitSuite{
		suiteOf("a.ipynb", nb, done, failure),
		suiteOf("b.ipynb", nil, nil, errors.New("no such file")),
	})
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var back junitReport
	var tree struct {
		Tests, Failures, Errors, Skipped int
		Time                             string `xml:"time,attr"`
	}
	if err := errors.Join(xml.Unmarshal(data, &tree), xml.Unmarshal(bytes.ReplaceAll(data, []byte(` time="`), []byte(` t="`)), &back)); err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	if back.Tests != 4 || back.Failures != 1 || back.Errors != 1 || back.Skipped != 1 || tree.Time != "2.500" {
		t.Errorf("totals are wrong:\n%s", data)
	}
	cases := back.Suites[0].Cases
	if len(cases) != 3 || cases[0].Name != `cell 2: Show(a < "b")` || cases[0].Failure != nil || cases[2].Skipped == nil ||
		cases[1].Failure == nil || !strings.Contains(cases[1].Failure.Text, "   1 | fail()") || !strings.Contains(cases[1].Failure.Message, "<tag>") {
		t.Errorf("cases are wrong:\n%s", data)
	}
}

func TestPlanKeepsResultsApart(t *testing.T) {
	no := false
	tests := []struct {
		c    runCommand
		want string // of the last job: page, figures
	}{
		{runCommand{Notebooks: []string{"a.ipynb"}, Out: "o"}, "true o/figures/a"},
		{runCommand{Notebooks: []string{"a.ipynb"}, Out: "o", Figures: "f"}, "true f"},
		{runCommand{Notebooks: []string{"a.ipynb", "b.ipynb"}, Out: "o", Figures: "f", HTML: &no}, "false f/b"},
		{runCommand{Notebooks: []string{"a.ipynb"}, Out: "o", InPlace: true}, "false "},
		{runCommand{Notebooks: []string{"x/a.ipynb", "y/a.ipynb"}, Out: "o", InPlace: true}, "false "},
		{runCommand{Notebooks: []string{"x/a.ipynb", "y/a.ipynb"}, Out: "o", InPlace: true, Figures: "f"}, "would write the same files"},
		{runCommand{Notebooks: []string{"a.ipynb", "a.ipynb"}, Out: "o", InPlace: true}, "would write the same files"},
	}
	for _, tt := range tests {
		jobs, err := tt.c.plan()
		if err != nil {
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%+v: %v, want %q", tt.c, err, tt.want)
			}
			continue
		}
		last := jobs[len(jobs)-1]
		if got := fmt.Sprint(last.page, " ", last.figures); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.c, got, tt.want)
		}
	}
}

// What can be refused is refused before GoNB is built.
func TestRunRefusesBeforeItStarts(t *testing.T) {
	dir := t.TempDir()
	path := notebook(t, filepath.Join(dir, "n.ipynb"), "var seed = 3")
	timed := notebook(t, filepath.Join(dir, "timed.ipynb"), "var seed = 3")
	nb, err := jupyter.Read(timed)
	if err != nil {
		t.Fatal(err)
	}
	nb.Cells[0].Metadata = map[string]any{"tags": []any{"timeout=soon"}}
	if err := nb.Write(timed); err != nil {
		t.Fatal(err)
	}
	report := filepath.Join(dir, "junit.xml")
	tests := []struct {
		name string
		args []string
		code int
		want string
	}{
		{"no parameters cell", []string{path, "-p", "seed=4"}, exitFailed, "no cell with the tag"},
		{"no jobs", []string{path, "--jobs", "0"}, exitUsage, "want 1 or more"},
		{"negative time", []string{path, "--timeout=-1s"}, exitUsage, "want 0 or more"},
		{"a time limit that is none", []string{timed}, exitFailed, "timeout=soon"},
		{"reported too", []string{filepath.Join(dir, "none.ipynb"), "--junit", report}, exitFailed, "no such file"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			code, printed := whybook(t, t.Context(), append([]string{"run", "--out", filepath.Join(dir, "out")}, tt.args...)...)
			check(t, code, printed, tt.code, tt.want)
			if strings.Contains(printed, "building") {
				t.Error("GoNB was built first")
			}
		})
	}
	if text, err := os.ReadFile(report); err != nil || !bytes.Contains(text, []byte(`errors="1"`)) {
		t.Errorf("report: %v\n%s", err, text)
	}
	if os.Getuid() == 0 {
		return // root may write anywhere
	}
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	defer os.Chmod(dir, 0o755)
	code, printed := whybook(t, t.Context(), "run", "--inplace", path)
	check(t, code, printed, exitFailed, "cannot be replaced")
}

// The real kernel, and what a run leaves behind.
func TestRunResults(t *testing.T) {
	if testing.Short() {
		t.Skip("builds GoNB and runs notebooks in it")
	}
	t.Run("parameters in place", func(t *testing.T) {
		dir := t.TempDir()
		path := notebook(t, filepath.Join(dir, "p.ipynb"), parametersCell, "%%\nfmt.Println(seed, big, rate, name, loud, small, first+second, classes, width*height, half, step, !began.IsZero(), later)")
		nb, err := jupyter.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		nb.Cells[0].Metadata = map[string]any{"tags": []any{parametersTag}}
		nb.Cells[0].Source = strings.TrimSuffix(nb.Cells[0].Source, "%%\nvar local = 1")
		if err := nb.Write(path); err != nil {
			t.Fatal(err)
		}
		var files [2][]byte
		for i := range files {
			code, printed := whybook(t, t.Context(), "run", path, "--inplace", "-p", "seed=7", "-p", "rate=2", "-p", `name=x "y"`,
				"-p", "small=5", "-p", "loud=true", "-p", "height=2", "-p", "classes=3")
			check(t, code, printed, exitOK, "notebook  "+path)
			if files[i], err = os.ReadFile(path); err != nil {
				t.Fatal(err)
			}
		}
		if want := `7 1099511627776 2 x \"y\" true 5 3 3 56 0.5 3 true 0\n`; !bytes.Contains(files[0], []byte(want)) {
			t.Errorf("want the outputs %s in\n%s", want, files[0])
		}
		if !bytes.Equal(files[0], files[1]) {
			t.Errorf("the second run gave other bytes:\n%s\n%s", files[0], files[1])
		}
		if left, _ := os.ReadDir(dir); len(left) != 1 {
			t.Errorf("the run left %v", left)
		}
	})
	t.Run("a failure in place", func(t *testing.T) {
		path := notebook(t, filepath.Join(t.TempDir(), "f.ipynb"), "%%\nfmt.Println(1)", "%%\nfunc (")
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		code, printed := whybook(t, t.Context(), "run", "--inplace", path)
		check(t, code, printed, exitFailed, "left as it was", "   2 | func (")
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) {
			t.Errorf("the notebook was changed: %v", err)
		}
	})
	t.Run("several at once", func(t *testing.T) {
		dir := t.TempDir()
		slow := notebook(t, filepath.Join(dir, "slow.ipynb"), "%%\ntime.Sleep(2 * time.Second)\nfmt.Println(os.Getpid())")
		wrong := notebook(t, filepath.Join(dir, "wrong.ipynb"), "%%\nos.Exit(3)", "%%\nfmt.Println(1)")
		flood := notebook(t, filepath.Join(dir, "flood.ipynb"), "%%\nfor range 100 { fmt.Println(strings.Repeat(\"x\", 1<<20)) }")
		report := filepath.Join(dir, "junit.xml")
		code, printed := whybook(t, t.Context(), "run", "-j", "3", "-k", "--no-html", "--out", filepath.Join(dir, "out"), "--junit", report, slow, wrong, flood)
		check(t, code, printed, exitFailed, "exit status 3")
		a, b, c := strings.Index(printed, slow), strings.Index(printed, wrong), strings.Index(printed, flood)
		if a < 0 || b < a || c < b || strings.Count(printed, "all 1 cells") != 2 || strings.Contains(printed, "page ") {
			t.Errorf("the notebooks are not told of one after the other:\n%s", printed)
		}
		text, err := os.ReadFile(report)
		if err != nil || !bytes.Contains(text, []byte(`<testsuites name="whybook run" tests="4" failures="1" errors="0" skipped="1"`)) {
			t.Errorf("report: %v\n%s", err, text)
		}
		cut, err := os.ReadFile(filepath.Join(dir, "out", "flood.ipynb"))
		if err != nil || len(cut) > 20<<20 || !bytes.Contains(cut, []byte("[output cut: more than 16 MiB from one cell]")) {
			t.Errorf("100 MB of output became %d bytes, %v", len(cut), err)
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "out", "*.html")); len(left) > 0 {
			t.Errorf("pages in spite of --no-html: %q", left)
		}
	})
}
