package render

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// TestScriptsInNode runs the unit tests of the scripts, which need no browser.
func TestScriptsInNode(t *testing.T) {
	t.Parallel()
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("no node on this machine")
	}
	if exec.CommandContext(t.Context(), node, "-e", "require('node:test')").Run() != nil {
		t.Skip("this node has no test runner")
	}
	files := must(filepath.Glob(filepath.Join("testdata", "js", "*.test.js")))
	if len(files) == 0 {
		t.Fatal("no tests in testdata/js")
	}
	if out, err := exec.CommandContext(t.Context(), node, append([]string{"--test"}, files...)...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
