package main

import (
	"os"
	"strings"
	"testing"

	"github.com/whybook/whybook/xai/saliency"
)

// TestPageIsOfThisSource: the stored page has the present text, settings and promises of
// every method. The numbers are not compared: measuring them takes minutes.
func TestPageIsOfThisSource(t *testing.T) {
	docs, err := read("../../../xai/saliency")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../saliency.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range cards() {
		var b strings.Builder
		card(&b, m, docs[typeName(m)], own{complete: -1, repeatable: -2})
		text, _, _ := strings.Cut(b.String(), "- **Cost**")
		if !strings.Contains(string(page), text) {
			t.Errorf("docs/methods/saliency.md is not what the source says of %T; run go run ./docs/methods/cards > docs/methods/saliency.md", m)
		}
	}
}

// TestEveryMethodHasACard compares with the types of the source that have traits.
func TestEveryMethodHasACard(t *testing.T) {
	source, err := os.ReadFile("../../../xai/saliency/traits.go")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, m := range cards() {
		listed[typeName(m)] = true
		title, _ := saliency.Describe(m)
		if title == "" {
			t.Errorf("%T has no title", m)
		}
	}
	for _, line := range strings.Split(string(source), "\n") {
		if rest, ok := strings.CutPrefix(line, "func ("); ok && strings.Contains(line, ") Traits() Traits") {
			receiver, _, _ := strings.Cut(rest, ")")
			name := receiver[strings.LastIndex(receiver, " ")+1:]
			if !listed[name] {
				t.Errorf("%s has traits and no card", name)
			}
		}
	}
}
