package notebooks_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// labReport is what testdata/lab.py saw in one notebook.
type labReport struct {
	Notebook, Kernel string
	Cells            []struct {
		Index   int
		Outputs []struct {
			Type, Value, Alt string
			Mimes            []string
			Blank            bool
		}
	}
	Outputs  []seenOutput
	Controls []struct {
		Kind                   string
		Keyboard, Mouse, Focus bool
	}
	Hosts, Console []string
	Opened, Ran    float64 // seconds until the kernel was there, and of Run All Cells
}

// seenOutput is an output as the page shows it, at most, while a reader scrolls past.
type seenOutput struct {
	Cell, Output, Text, Images, Broken, Nameless, Drawings int // Nameless: pictures without alternative text
	Width, Height                                          float64
}

// TestNotebooksInJupyterLab runs notebooks in a real JupyterLab, which whybook lab starts and a
// headless Chromium drives: outputs are visible, what can be operated answers to keyboard and
// mouse, the console has no error, and no request leaves the machine. It needs
// WHYBOOK_TEST_BROWSER=1, Chromium, and a Python with playwright (WHYBOOK_TEST_PYTHON).
// Pictures of what it saw, light and dark, go to WHYBOOK_TEST_PICTURES.
func TestNotebooksInJupyterLab(t *testing.T) {
	if os.Getenv("WHYBOOK_TEST_BROWSER") == "" {
		t.Skip("takes minutes; set WHYBOOK_TEST_BROWSER=1 to drive JupyterLab by a browser")
	}
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("chromium is not installed")
	}
	python := os.Getenv("WHYBOOK_TEST_PYTHON")
	if python == "" {
		python = "python3"
	}
	if out, err := exec.Command(python, "-c", "import playwright").CombinedOutput(); err != nil {
		t.Skipf("%s has no playwright (pip install playwright==1.65.2): %s", python, out)
	}
	pictures := os.Getenv("WHYBOOK_TEST_PICTURES")
	if pictures == "" {
		pictures = t.TempDir()
	}
	names := []string{"00-tour.ipynb", "01-saliency.ipynb"}
	if some := os.Getenv("WHYBOOK_TEST_NOTEBOOKS"); some != "" {
		names = strings.Fields(some)
	}
	folder := filepath.Join(t.TempDir(), "notebooks")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	docs, err := filepath.Abs("../docs") // which has a network that a notebook reads
	if err == nil {
		err = os.Symlink(docs, filepath.Join(folder, "..", "docs"))
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	address := startLab(t, folder)
	cmd := exec.CommandContext(t.Context(), python, append([]string{"testdata/lab.py", address, chromium, pictures}, names...)...)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("lab.py: %v\n%s", err, complaint.String())
	}
	var reports []labReport
	if err := json.Unmarshal(out, &reports); err != nil || len(reports) != len(names) {
		t.Fatalf("%d reports, %v:\n%s", len(reports), err, out)
	}
	for _, r := range reports {
		t.Logf("%s: open after %.1f s, all cells in %.1f s", r.Notebook, r.Opened, r.Ran)
		r.check(t)
	}
}

// startLab starts whybook lab and returns the address that it prints.
func startLab(t *testing.T, folder string) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "whybook")
	if out, err := exec.Command("go", "build", "-o", program, "../kernelext/cmd/whybook").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	config := t.TempDir()
	// The driver asks the application, which JupyterLab shows to nobody otherwise.
	if err := os.WriteFile(filepath.Join(config, "jupyter_lab_config.py"), []byte("c.LabApp.expose_app_in_browser = True\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "lab", folder, "--no-browser")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Env = append(os.Environ(), "JUPYTER_CONFIG_DIR="+config)
	var printed lockedBuffer
	cmd.Stdout, cmd.Stderr = &printed, &printed
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { _ = cmd.Wait(); close(ended) }()
	t.Cleanup(func() { cancel(); <-ended })
	address := regexp.MustCompile(`http://127\.0\.0\.1:\S+`)
	again := time.NewTicker(100 * time.Millisecond)
	defer again.Stop()
	for {
		if found := address.FindString(printed.String()); found != "" {
			return found
		}
		select {
		case <-again.C:
		case <-ended:
			t.Fatalf("whybook lab ended:\n%s", printed.String())
		case <-t.Context().Done():
			t.Fatal("no address")
		}
	}
}

type lockedBuffer struct {
	lock sync.Mutex
	buf  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.lock.Lock()
	defer b.lock.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.lock.Lock()
	defer b.lock.Unlock()
	return b.buf.String()
}

func (r labReport) check(t *testing.T) {
	if r.Kernel != "gonb" {
		t.Errorf("%s: the kernel is %q", r.Notebook, r.Kernel)
	}
	if len(r.Console) > 0 {
		t.Errorf("%s: the console says %q", r.Notebook, r.Console)
	}
	if !slices.Equal(r.Hosts, []string{"127.0.0.1"}) {
		t.Errorf("%s: requests go to %q", r.Notebook, r.Hosts)
	}
	for _, c := range r.Cells {
		for k, o := range c.Outputs {
			if o.Type == "error" {
				t.Errorf("%s: cell %d fails: %s", r.Notebook, c.Index, o.Value)
			}
			if slices.Contains(o.Mimes, "image/png") && o.Alt == "" {
				t.Errorf("%s: cell %d, output %d: a picture without alternative text", r.Notebook, c.Index, k)
			}
			if o.Blank { // what a progress bar leaves
				continue
			}
			seen := slices.IndexFunc(r.Outputs, func(s seenOutput) bool { return s.Cell == c.Index && s.Output == k })
			if seen < 0 {
				t.Errorf("%s: cell %d, output %d is nowhere", r.Notebook, c.Index, k)
				continue
			}
			s := r.Outputs[seen]
			if s.Width <= 50 || s.Height <= 10 || s.Broken > 0 || s.Text+s.Images+s.Drawings == 0 {
				t.Errorf("%s: cell %d, output %d is not visible: %+v", r.Notebook, c.Index, k, s)
			}
			if s.Nameless > 0 {
				t.Errorf("%s: cell %d, output %d: %d of %d pictures have no alternative text for who reads them: %v", r.Notebook, c.Index, k, s.Nameless, s.Images, o.Mimes)
			}
		}
	}
	for _, c := range r.Controls {
		if !c.Keyboard || !c.Mouse || !c.Focus {
			t.Errorf("%s: a control does not answer to keyboard and mouse, or hides its focus: %+v", r.Notebook, c)
		}
	}
}
