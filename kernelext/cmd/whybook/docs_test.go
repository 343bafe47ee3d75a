//go:build unix

package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// What the guide and the help show as command lines are command lines.
func TestExamplesParse(t *testing.T) {
	guide, err := os.ReadFile("../../../docs/guides/command.md")
	if err != nil {
		t.Skip("without the guide: ", err)
	}
	texts := string(guide) + description + runCommand{}.Help() + labCommand{}.Help() + newCommand{}.Help() + installCommand{}.Help()
	example := regexp.MustCompile(`(?m)^\s*whybook (.+?)(\s{2,}.*)?$`)
	count := 0
	for _, m := range example.FindAllStringSubmatch(texts, -1) {
		line, _, _ := strings.Cut(m[1], " #")
		var cli commands
		parser, err := kong.New(&cli, kong.Exit(func(int) {}), kong.Writers(new(bytes.Buffer), new(bytes.Buffer)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse(strings.Fields(line)); err != nil {
			t.Errorf("whybook %s: %v", line, err)
		}
		count++
	}
	if count < 15 {
		t.Errorf("only %d examples were found", count)
	}
}

// The image and the pages have the version of JupyterLab that lab installs, and no other.
func TestOneJupyterLab(t *testing.T) {
	named := regexp.MustCompile(`(?i)jupyterlab(?:==| )(\d+(?:\.\d+)+)`)
	for _, path := range []string{"Dockerfile", "docs/guides/command.md", "docs/guides/elsewhere.md", "docs/first-steps.md", "docs/first-steps.sh"} {
		text, err := os.ReadFile("../../../" + path)
		if err != nil {
			t.Skip("without the repository: ", err)
		}
		found := named.FindAllSubmatch(text, -1)
		if len(found) == 0 {
			t.Errorf("%s names no version of JupyterLab", path)
		}
		for _, m := range found {
			if string(m[1]) != labVersion {
				t.Errorf("%s says %q, lab installs %s", path, m[0], labVersion)
			}
		}
	}
}
