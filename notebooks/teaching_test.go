package notebooks_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/whybook/whybook/kernelext/jupyter"
)

// The shape that every notebook has, so that somebody who knows one finds the way in all.
var (
	timeNeeded = regexp.MustCompile(`\*\*Time:\*\* \d+ minutes`)
	stableID   = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)
	hidden     = regexp.MustCompile(`(?s)<details><summary>[^<]+</summary>\n\n(.*?)\n\n</details>`)
	goBlock    = regexp.MustCompile("(?s)```go[^\n]*\n(.*?)```")
	question   = regexp.MustCompile(`(?m)^\*\*\d+\.\*\* `)
	nextLink   = regexp.MustCompile(`\*\*Next:\*\* \[[^\]]+\]\(([^)#]+)\)`)
)

// lessons are what is wrong with a notebook as a piece of teaching.
func lessons(nb *jupyter.Notebook) (wrong []string) {
	complain := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if len(nb.Cells) == 0 {
		return []string{"it is empty"}
	}
	title := nb.Cells[0].Source
	for what, holds := range map[string]bool{
		"a heading":                             strings.HasPrefix(title, "# "),
		"goals: **You will** and a list":        strings.Contains(title, "**You will**\n\n- "),
		"the time needed: **Time:** 10 minutes": timeNeeded.MatchString(title),
		"what to know first: **Before:**":       strings.Contains(title, "**Before:** "),
		"a link to go on: **Next:** [..](..)":   nextLink.MatchString(title),
	} {
		if !holds {
			complain("the first cell lacks %s", what)
		}
	}
	ids := make(map[string]bool)
	checks := 0
	for i, c := range nb.Cells {
		if !stableID.MatchString(c.ID) || len(c.ID) > 64 {
			complain("cell %d has the id %q, want words joined by hyphens", i, c.ID)
		}
		if ids[c.ID] {
			complain("two cells have the id %q", c.ID)
		}
		ids[c.ID] = true
		if c.Type == jupyter.Code && strings.Contains(c.Source, "kernelext.Check(") {
			checks++
		}
		if c.Type == jupyter.Markdown && strings.Contains(c.Source, "**Claim") && !checkedSoon(nb.Cells[i+1:]) {
			complain("no kernelext.Check follows the claim of cell %q", c.ID)
		}
	}
	if checks == 0 {
		complain("no cell checks a claim")
	}
	exercises := 0
	for _, c := range nb.Cells {
		if c.Type != jupyter.Markdown || !strings.HasPrefix(c.Source, "## Exercise") {
			continue
		}
		asked, solved := len(question.FindAllString(c.Source, -1)), hidden.FindAllStringSubmatch(c.Source, -1)
		exercises += asked
		if asked != len(solved) {
			complain("cell %q has %d exercises (**1.** ...) and %d hidden solutions", c.ID, asked, len(solved))
		}
		for _, s := range solved {
			if !goBlock.MatchString(s[1]) {
				complain("a solution in cell %q has no Go code", c.ID)
			}
		}
	}
	if exercises < 2 {
		complain("%d exercises, want two at least", exercises)
	}
	slices.Sort(wrong)
	return wrong
}

// checkedSoon reports whether a check comes before the next section, or in its first code.
func checkedSoon(rest []jupyter.Cell) bool {
	for _, c := range rest {
		if c.Type == jupyter.Markdown && strings.HasPrefix(c.Source, "## ") {
			return false
		}
		if c.Type == jupyter.Code && strings.Contains(c.Source, "kernelext.Check(") {
			return true
		}
	}
	return false
}

// TestTeaching: every notebook says what one will learn, how long it takes, what comes
// before and next; claims are checked by code; exercises have hidden solutions.
func TestTeaching(t *testing.T) {
	paths := notebooks(t)
	for i, path := range paths {
		nb, err := jupyter.Read(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range lessons(nb) {
			t.Errorf("%s: %s", path, w)
		}
		m := nextLink.FindStringSubmatch(nb.Cells[0].Source)
		if m == nil {
			continue // complained about
		}
		if i+1 < len(paths) && m[1] != paths[i+1] {
			t.Errorf("%s: next is %s, want %s", path, m[1], paths[i+1])
		}
		if _, err := os.Stat(m[1]); err != nil {
			t.Errorf("%s: the link to what is next leads nowhere: %v", path, err)
		}
	}
}

// TestTeachingNotices: what a notebook must have is missed when it is not there.
func TestTeachingNotices(t *testing.T) {
	good := func() *jupyter.Notebook {
		exercise := "## Exercises\n\n**1.** Why?\n\n<details><summary>A solution</summary>\n\n```go\n%%\nf()\n```\n\n</details>"
		return &jupyter.Notebook{Cells: []jupyter.Cell{
			{Type: jupyter.Markdown, ID: "title", Source: "# A\n\n**You will**\n\n- see\n\n**Time:** 5 minutes.\n\n**Before:** nothing. **Next:** [B](b.ipynb)"},
			{Type: jupyter.Markdown, ID: "claim", Source: "**Claim:** it holds."},
			{Type: jupyter.Code, ID: "check", Source: "%%\nkernelext.Check(true, \"it does\")"},
			{Type: jupyter.Markdown, ID: "exercise", Source: exercise + strings.ReplaceAll(exercise[len("## Exercises"):], "1.", "2.")},
		}}
	}
	if w := lessons(good()); len(w) > 0 {
		t.Fatalf("a good notebook is blamed: %q", w)
	}
	for _, tt := range []struct {
		name, want string
		spoil      func(*jupyter.Notebook)
	}{
		{"no goals", "goals", func(nb *jupyter.Notebook) {
			nb.Cells[0].Source = strings.Replace(nb.Cells[0].Source, "You will", "We will", 1)
		}},
		{"no time", "time needed", func(nb *jupyter.Notebook) {
			nb.Cells[0].Source = strings.Replace(nb.Cells[0].Source, "5 minutes", "soon", 1)
		}},
		{"no next", "go on", func(nb *jupyter.Notebook) {
			nb.Cells[0].Source = strings.Replace(nb.Cells[0].Source, "[B](b.ipynb)", "B", 1)
		}},
		{"a claim without a check", "follows the claim", func(nb *jupyter.Notebook) { nb.Cells[2].Source = "%%\nfmt.Println(1)" }},
		{"ids twice", "two cells", func(nb *jupyter.Notebook) { nb.Cells[2].ID = "claim" }},
		{"a random id", "words joined", func(nb *jupyter.Notebook) { nb.Cells[2].ID = "9f1c22e0" }},
		{"a solution for all to see", "hidden solutions", func(nb *jupyter.Notebook) {
			nb.Cells[3].Source = strings.Replace(nb.Cells[3].Source, "<details>", "", 1)
		}},
		{"a solution without code", "no Go code", func(nb *jupyter.Notebook) {
			nb.Cells[3].Source = strings.Replace(nb.Cells[3].Source, "```go", "```", 1)
		}},
		{"no exercises", "0 exercises", func(nb *jupyter.Notebook) { nb.Cells = nb.Cells[:3] }},
	} {
		nb := good()
		tt.spoil(nb)
		if got := strings.Join(lessons(nb), "\n"); !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %q, want something about %q", tt.name, got, tt.want)
		}
	}
}
