package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/whybook/whybook/datasets"
)

// TestPageIsOfThisSource: the stored page has a row for everything that is measured, and the
// texts around. The numbers are not compared: they are others every time.
func TestPageIsOfThisSource(t *testing.T) {
	page, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	digits := kept(t, datasets.MNIST().Train())
	var rows []string
	for _, m := range maps(digits) {
		rows = append(rows, m.row())
	}
	for _, a := range analyses(bench{digits: digits, unseen: digits, tail: kept(t, datasets.MNIST().Train().LongTail(0.01).Seed(1))}) {
		rows = append(rows, a.row())
	}
	top, _, _ := strings.Cut(head, "%")
	parts := []string{top, saliencyHead, analysesHead, foot}
	for _, row := range rows {
		parts = append(parts, "\n"+row+" | ")
	}
	for _, part := range parts {
		if !strings.Contains(string(page), part) {
			t.Errorf("docs/methods/README.md lacks %q; run go run ./docs/methods/costs > docs/methods/README.md", part)
		}
	}
}

// TestMetricsAreCounted: the page says how many metrics have cards.
func TestMetricsAreCounted(t *testing.T) {
	cards, err := os.ReadFile("../metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("[%d metrics](metrics.md)", strings.Count(string(cards), "\n## ")); !strings.Contains(foot, want) {
		t.Errorf("the foot of the page does not say %q", want)
	}
}

func kept(t *testing.T, from datasets.Source) datasets.Set {
	t.Helper()
	set, err := from.Build(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// TestEveryMethodHasACost compares with the cards, which a test of theirs compares with the source.
func TestEveryMethodHasACost(t *testing.T) {
	cards, err := os.ReadFile("../saliency.md")
	if err != nil {
		t.Fatal(err)
	}
	digits := kept(t, datasets.MNIST().Train().Take(20))
	listed := make(map[string]bool)
	for _, m := range maps(digits) {
		title := strings.Split(m.row(), " | ")[0]
		listed[strings.TrimPrefix(title, "| ")] = true
	}
	found := regexp.MustCompile(`(?m)^## (.+)$`).FindAllStringSubmatch(string(cards), -1)
	if len(found) == 0 {
		t.Fatal("no cards")
	}
	for _, m := range found {
		if !listed[m[1]] {
			t.Errorf("%s has a card and no cost", m[1])
		}
	}
}

// TestMeasure: the highest point of the heap is seen, and errors come back.
func TestMeasure(t *testing.T) {
	runs := 0
	c, err := measure(func() (int, error) {
		runs++
		block := make([]byte, 64<<20)
		for i := 0; i < len(block); i += 4096 {
			block[i] = 1
		}
		time.Sleep(20 * time.Millisecond) // work, of which the watcher sees some
		if block[4096] != 1 {
			t.Error("not kept")
		}
		return 3, nil
	})
	if err != nil || c.passes != 3 || runs < 1 || runs > 5 {
		t.Fatalf("%+v after %d runs: %v", c, runs, err)
	}
	if c.peak < 60<<20 {
		t.Errorf("a peak of %d bytes, want 64 MiB or more", c.peak)
	}
	if _, err := measure(func() (int, error) { return 0, os.ErrClosed }); err != os.ErrClosed {
		t.Errorf("got %v, want the work's error", err)
	}
	for c, want := range map[cost]string{
		{took: 1_234 * time.Microsecond, peak: 2_400_000}:   "1.2 ms | 2.4 MB",
		{took: 99_700 * time.Microsecond, peak: 2_400_000}:  "100 ms | 2.4 MB",
		{took: 345 * time.Millisecond, peak: 24_000_000}:    "345 ms | 24 MB",
		{took: 12_345 * time.Millisecond, peak: 99_999_999}: "12 s | 100 MB",
	} {
		if got := c.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
