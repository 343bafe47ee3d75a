// Package docs_test reads the pages of the repository: their links lead somewhere, their
// code compiles and runs, and the errors that they quote are those that one gets.
package docs_test

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/whybook/whybook/kernelext/jupyter"
)

// markdown lists the pages of the repository, with slashes, from its root.
func markdown(t *testing.T) (paths []string) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(".."), ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := d.Name(); d.IsDir() && p != "." && (strings.HasPrefix(name, ".") || name == "testdata" || name == "whybook-out") {
			return fs.SkipDir
		}
		if strings.HasSuffix(p, ".md") {
			paths = append(paths, p)
		}
		return nil
	})
	if err != nil || len(paths) == 0 {
		t.Fatalf("no pages: %v", err)
	}
	return paths
}

var (
	codeSpan  = regexp.MustCompile("`[^`\n]*`")
	linked    = regexp.MustCompile(`\]\(([^)\s]+)(?: "[^"]*")?\)`)
	heading   = regexp.MustCompile(`(?m)^#{1,6} +(.+?) *#*$`)
	anchorTag = regexp.MustCompile(`<a (?:id|name)="([^"]+)"`)
	linkText  = regexp.MustCompile(`\[([^\]]*)\]\([^)]*\)`)
	notInSlug = regexp.MustCompile(`[^\p{L}\p{N}\p{M} _-]`)
)

// anchors are the places of a page that one can link to, as GitHub names them.
func anchors(text string) map[string]bool {
	if prose, _, err := parse("", text); err == nil {
		text = prose
	}
	made, times := make(map[string]bool), make(map[string]int)
	for _, m := range heading.FindAllStringSubmatch(text, -1) {
		title := linkText.ReplaceAllString(m[1], "$1")
		slug := strings.ReplaceAll(notInSlug.ReplaceAllString(strings.ToLower(title), ""), " ", "-")
		if n := times[slug]; n > 0 {
			made[fmt.Sprintf("%s-%d", slug, n)] = true
		} else {
			made[slug] = true
		}
		times[slug]++
	}
	for _, m := range anchorTag.FindAllStringSubmatch(text, -1) {
		made[m[1]] = true
	}
	return made
}

// dead lists the links of a page, at path from the root of files, that lead nowhere.
func dead(files fs.FS, page, text string) (list []string) {
	prose, _, err := parse(page, text)
	if err != nil {
		return []string{err.Error()}
	}
	text = codeSpan.ReplaceAllString(prose, "")
	for _, m := range linked.FindAllStringSubmatch(text, -1) {
		target := m[1]
		if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
			continue
		}
		name, anchor, _ := strings.Cut(target, "#")
		to := page
		if name != "" {
			to = path.Join(path.Dir(page), name)
		}
		info, err := fs.Stat(files, to)
		if err != nil {
			list = append(list, fmt.Sprintf("%s: %s leads nowhere", page, target))
			continue
		}
		if anchor == "" || info.IsDir() || !strings.HasSuffix(to, ".md") {
			continue
		}
		other, err := fs.ReadFile(files, to)
		if err != nil || !anchors(string(other))[anchor] {
			list = append(list, fmt.Sprintf("%s: %s has no heading for #%s", page, to, anchor))
		}
	}
	return list
}

// TestLinks: every link from one page to another, and from the text of a notebook, leads to
// a file, and to a heading in it where it names one.
func TestLinks(t *testing.T) {
	files := os.DirFS("..")
	for _, page := range markdown(t) {
		text, err := fs.ReadFile(files, page)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range dead(files, page, string(text)) {
			t.Error(d)
		}
	}
	notebooks, err := fs.Glob(files, "notebooks/*.ipynb")
	if err != nil || len(notebooks) == 0 {
		t.Fatalf("no notebooks: %v", err)
	}
	for _, name := range notebooks {
		nb, err := jupyter.Read("../" + name)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range nb.Cells {
			if c.Type != jupyter.Markdown {
				continue
			}
			for _, d := range dead(files, name, c.Source) {
				t.Error(d)
			}
		}
	}
}

// TestDead: a link that leads nowhere is noticed, and one that leads somewhere is not.
func TestDead(t *testing.T) {
	files := os.DirFS("testdata/links")
	text, err := fs.ReadFile(files, "a.md")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"a.md: missing.md leads nowhere",
		"a.md: sub/b.md has no heading for #gone",
		"a.md: a.md has no heading for #nothing-here",
	}
	if got := dead(files, "a.md", string(text)); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestNewcomersFindEverything: index.md leads to every page.
func TestNewcomersFindEverything(t *testing.T) {
	seen := make(map[string]bool)
	var follow func(page string)
	follow = func(page string) {
		if seen[page] {
			return
		}
		seen[page] = true
		text, err := os.ReadFile("../" + page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range linked.FindAllStringSubmatch(string(text), -1) {
			name, _, _ := strings.Cut(m[1], "#")
			if strings.HasSuffix(name, ".md") && !strings.Contains(name, "://") {
				follow(path.Join(path.Dir(page), name))
			}
		}
	}
	follow("docs/index.md")
	for _, page := range markdown(t) {
		if !seen[page] {
			t.Errorf("no way leads from docs/index.md to %s", page)
		}
	}
}
