package docs_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestCommandsExist: every command of whybook that a page or the Dockerfile names is one.
func TestCommandsExist(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the command")
	}
	help, err := exec.Command("go", "run", "../kernelext/cmd/whybook", "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	known := regexp.MustCompile(`(?m)^  ([a-z]+)\b`).FindAllStringSubmatch(string(help), -1)
	if len(known) < 4 {
		t.Fatalf("the help names %d commands:\n%s", len(known), help)
	}
	names := make(map[string]bool)
	for _, m := range known {
		names[m[1]] = true
	}
	used := regexp.MustCompile(`(?:cmd/whybook|go tool whybook) ([a-z]+)`)
	n := 0
	for _, page := range append(markdown(t), "Dockerfile") {
		text, err := os.ReadFile("../" + page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range used.FindAllStringSubmatch(string(text), -1) {
			if n++; !names[m[1]] {
				t.Errorf("%s: there is no command %q", page, m[0])
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d commands found", n)
	}
}

// TestDockerfile: what it says of versions is what the module says.
func TestDockerfile(t *testing.T) {
	file, err := os.ReadFile("../Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(string(mod))
	if version == nil || !strings.Contains(string(file), "FROM golang:"+version[1]+"-") {
		t.Errorf("go.mod asks for Go %v, the Dockerfile does not start from it", version)
	}
}

// TestVariablesAreNamed: a test that waits for a variable is found by its contributors only if
// CONTRIBUTING.md names the variable, and a name there is one that a test reads.
func TestVariablesAreNamed(t *testing.T) {
	page, err := os.ReadFile("../CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	read := make(map[string]bool)
	variable := regexp.MustCompile(`Getenv\("(WHYBOOK_TEST_[A-Z]+)"\)`)
	err = filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range variable.FindAllSubmatch(text, -1) {
			read[string(m[1])] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	delete(read, "WHYBOOK_TEST_CHILD") // set by a test itself
	for name := range read {
		if !strings.Contains(string(page), "| `"+name+"=") {
			t.Errorf("CONTRIBUTING.md does not name %s", name)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `(WHYBOOK_TEST_[A-Z]+)=").FindAllStringSubmatch(string(page), -1) {
		if !read[m[1]] {
			t.Errorf("CONTRIBUTING.md names %s, which no test reads", m[1])
		}
	}
}
