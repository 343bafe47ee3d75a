//go:build unix

package jupyter

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The real kernel, built from the version that go.mod pins.
func TestRunWithGoNB(t *testing.T) {
	if testing.Short() {
		t.Skip("builds and runs GoNB")
	}
	bin, err := filepath.Abs(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", bin, "github.com/janpfeifer/gonb", "golang.org/x/tools/cmd/goimports")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building GoNB: %v\n%s", err, out)
	}
	spec := Spec{
		Argv:          []string{filepath.Join(bin, "gonb"), "--kernel", "{connection_file}", "-raw_error"},
		InterruptMode: "message",
		Env:           map[string]string{"PATH": bin + string(os.PathListSeparator) + "${PATH}"},
	}
	nb := notebook("%noautoget\nimport \"fmt\"\nfunc hello(s string) string { return \"hello \" + s }",
		"%%\nfmt.Println(hello(\"notebook\"))", "%%\nundefined()")
	nb.Cells[2].Metadata = map[string]any{"tags": []any{"raises-exception"}}
	done, report, err := Run(t.Context(), nb, spec, Options{CellTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if got := shown(done.Cells[1]); len(got) != 1 || got[0] != "stdout: hello notebook\n" {
		t.Errorf("cell 2 shows %q", got)
	}
	if got := shown(done.Cells[2]); len(got) != 1 || !strings.Contains(got[0], "undefined: undefined") {
		t.Errorf("cell 3 shows %q, want the compiler's message", got)
	}
	if done.Metadata["language_info"] == nil {
		t.Error("the kernel's language_info is missing")
	}
	t.Logf("kernel ready after %v, %d cells in %v", report.Start, report.Ran, report.Elapsed)
}
