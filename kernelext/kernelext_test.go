package kernelext

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/render"
	"github.com/whybook/whybook/xai/saliency"
)

// recorder is an output that writes down what it is told.
type recorder struct {
	mu       sync.Mutex
	log      []string // one word per call, in order
	bundles  []render.Bundle
	statuses []string
	places   []string
	failures []string
}

func (r *recorder) add(word string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.log = append(r.log, word)
}

func (r *recorder) figure(b render.Bundle) { r.add("figure"); r.bundles = append(r.bundles, b) }
func (r *recorder) update(id string, b render.Bundle) {
	r.add("update")
	r.bundles = append(r.bundles, b)
}
func (r *recorder) place(id, html string) {
	_, kind, _ := strings.Cut(id, "-live-")
	_, kind, _ = strings.Cut(kind[strings.IndexByte(kind, '-')+1:], "-")
	r.add("place:" + kind)
	r.places = append(r.places, html)
}
func (r *recorder) text(s string) { r.add("text:" + strings.TrimSpace(s)) }
func (r *recorder) status(html string) bool {
	r.add("status")
	r.statuses = append(r.statuses, html)
	return true
}
func (r *recorder) failure(_ io.Writer, m string) {
	r.add("failure")
	r.failures = append(r.failures, m)
}
func (r *recorder) flush() { r.add("flush") }

// world is a session for a test.
type world struct {
	*session
	rec    *recorder
	stderr bytes.Buffer
	exits  []int
	cancel context.CancelFunc
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return newWorldIn(t, t.TempDir())
}

// newWorldIn has its cache in the given folder.
func newWorldIn(t *testing.T, cache string) *world {
	t.Helper()
	t.Setenv("WHYBOOK_CACHE", cache)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	w := &world{rec: &recorder{}, cancel: cancel}
	w.session = newSession(ctx, w.rec, &w.stderr, func(code int) { w.exits = append(w.exits, code) })
	return w
}

// counted is a recipe that counts how often it is built.
type counted struct {
	key    string
	builds *int
	err    error
}

func (c counted) Key() string { return c.key }
func (c counted) Build(ctx context.Context) (string, error) {
	*c.builds++
	return "value of " + c.key, c.err
}
func (c counted) Save(w io.Writer, v string) error { _, err := io.WriteString(w, v); return err }
func (c counted) Load(r io.Reader) (string, error) {
	b, err := io.ReadAll(r)
	if !strings.HasPrefix(string(b), "value of ") {
		err = errors.Join(err, errors.New("not a value"))
	}
	return string(b), err
}

// TestBuildOnce: within a process from memory, in the next one from disk.
func TestBuildOnce(t *testing.T) {
	cache := t.TempDir()
	builds := 0
	r := counted{key: "a recipe\nwith any text", builds: &builds}
	for process := range 3 {
		w := newWorldIn(t, cache)
		for range 2 {
			v, err := build(w.session, r)
			if err != nil || v != "value of "+r.key {
				t.Fatalf("process %d: %q, %v", process, v, err)
			}
		}
		if w.stderr.Len() > 0 {
			t.Errorf("process %d says %q", process, w.stderr.String())
		}
	}
	if builds != 1 {
		t.Errorf("built %d times, want once", builds)
	}
	if v, _ := build(newWorldIn(t, cache).session, counted{key: "another", builds: &builds}); v != "value of another" || builds != 2 {
		t.Errorf("another key gives %q after %d builds", v, builds)
	}
}

// TestTrainedNetworkIsLoaded trains a real network once; the second process must read it,
// which is seen by its data: they would fail if they were asked for.
func TestTrainedNetworkIsLoaded(t *testing.T) {
	cache := t.TempDir()
	data := &countedSource{Recipe: datasets.MNIST().Train().Take(200).Seed(1)}
	fit := nn.LeNet(datasets.Shape{Channels: 1, Height: 28, Width: 28}, 10).Fit(data, nn.Training{Epochs: 1})
	first, err := build(newWorldIn(t, cache).session, fit)
	if err != nil {
		t.Fatal(err)
	}
	second, err := build(newWorldIn(t, cache).session, fit)
	if err != nil {
		t.Fatal(err)
	}
	if data.builds != 1 {
		t.Errorf("the training data were asked for %d times: the cached network was trained again", data.builds)
	}
	if first == second || first.Fingerprint() != second.Fingerprint() {
		t.Error("the second process did not read the network of the first")
	}
}

type countedSource struct {
	datasets.Recipe
	builds int
}

func (c *countedSource) Build(ctx context.Context) (datasets.Set, error) {
	c.builds++
	return c.Recipe.Build(ctx)
}

// TestDamagedEntry: whatever happens to the file, the value is right and the entry is
// whole again.
func TestDamagedEntry(t *testing.T) {
	for name, damage := range map[string]func(good []byte) []byte{
		"empty":           func([]byte) []byte { return nil },
		"truncated":       func(g []byte) []byte { return g[:len(g)-3] },
		"a flipped bit":   func(g []byte) []byte { g[len(g)-1] ^= 4; return g },
		"an older format": func(g []byte) []byte { return bytes.Replace(g, []byte("build 1"), []byte("build 0"), 1) },
		"no header":       func(g []byte) []byte { return g[:len(entryMagic)+5] },
		"another key":     func(g []byte) []byte { return bytes.Replace(g, []byte(`"key":"k`), []byte(`"key":"x`), 1) },
		"a value that Load refuses": func([]byte) []byte {
			dir := t.TempDir()
			if err := writeEntry(dir, "k", []byte("rubbish")); err != nil {
				t.Fatal(err)
			}
			data, err := os.ReadFile(entryPath(dir, "k"))
			if err != nil {
				t.Fatal(err)
			}
			return data
		},
	} {
		t.Run(name, func(t *testing.T) {
			cache := t.TempDir()
			builds := 0
			r := counted{key: "k", builds: &builds}
			w := newWorldIn(t, cache)
			if _, err := build(w.session, r); err != nil {
				t.Fatal(err)
			}
			path := entryPath(w.cache, "k")
			good, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, damage(bytes.Clone(good)), 0o666); err != nil {
				t.Fatal(err)
			}
			w = newWorldIn(t, cache)
			v, err := build(w.session, r)
			if err != nil || v != "value of k" || builds != 2 {
				t.Errorf("got %q, %v after %d builds", v, err, builds)
			}
			if !strings.Contains(w.stderr.String(), "building anew") {
				t.Errorf("nothing was said about it: %q", w.stderr.String())
			}
			if again, err := os.ReadFile(path); err != nil || !bytes.Equal(again, good) {
				t.Errorf("the entry was not repaired: %v", err)
			}
		})
	}
}

// TestCacheThatCannotBeWritten: the folder's place is taken by a file, as on a full or
// read-only disk. Everything works, and the trouble is told once.
func TestCacheThatCannotBeWritten(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	cache := file
	w := newWorldIn(t, cache)
	builds := 0
	for _, key := range []string{"one", "two", "one"} {
		if v, err := build(w.session, counted{key: key, builds: &builds}); err != nil || v != "value of "+key {
			t.Fatalf("%q, %v", v, err)
		}
	}
	if builds != 2 {
		t.Errorf("%d builds, want 2: memory still works", builds)
	}
	if n := strings.Count(w.stderr.String(), "working without the cache"); n != 1 {
		t.Errorf("told %d times:\n%s", n, w.stderr.String())
	}
}

// TestTwoKernels build the same recipe at the same time.
func TestTwoKernels(t *testing.T) {
	cache := t.TempDir()
	var wg sync.WaitGroup
	for range 8 {
		w := newWorldIn(t, cache)
		wg.Go(func() {
			builds := 0
			for i := range 20 {
				key := fmt.Sprint("key", i%3)
				if v, err := build(w.session, counted{key: key, builds: &builds}); err != nil || v != "value of "+key {
					t.Errorf("%q, %v", v, err)
				}
				w.memo = map[string]any{}
			}
			if w.stderr.Len() > 0 {
				t.Errorf("a kernel saw a broken entry: %s", w.stderr.String())
			}
		})
	}
	wg.Wait()
}

func TestFailureEndsTheCell(t *testing.T) {
	w := newWorld(t)
	builds := 0
	_, err := build(w.session, counted{key: "bad", builds: &builds, err: errors.New("no data <script>")})
	w.fail(err)
	if len(w.exits) != 1 || w.exits[0] != 1 {
		t.Errorf("exit codes %v, want 1", w.exits)
	}
	if got := strings.Join(w.rec.log, " "); got != "failure flush" {
		t.Errorf("did %q: the message must arrive before the program ends", got)
	}
	if _, err := os.Stat(entryPath(w.cache, "bad")); err == nil {
		t.Error("a failed build left an entry")
	}
}

func TestInterruptIsNamed(t *testing.T) {
	w := newWorld(t)
	w.cancel()
	w.fail(errors.New("nn: training stopped in epoch 1"))
	if len(w.rec.failures) != 1 || !strings.HasPrefix(w.rec.failures[0], "interrupted: nn: training stopped") {
		t.Errorf("said %q", w.rec.failures)
	}
}

type drawn struct{ v render.View }

func (d drawn) View() render.View { return d.v }

type computed struct {
	v   render.View
	err error
}

func (c computed) View(context.Context) (render.View, error) { return c.v, c.err }

func heat(title string) render.View {
	return render.HeatMap{Title: title, Values: []float64{1, 2, 3, 4}, Height: 2, Width: 2}.View()
}

// TestShow: pictures stand in one row; text, tables and grids break it, everything is flushed.
func TestShow(t *testing.T) {
	t.Setenv("WHYBOOK_OUT", t.TempDir())
	w := newWorld(t)
	set, err := datasets.MNIST().Test().Take(30).Build(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	table := render.Table{Title: "t", Columns: []string{"a"}, Rows: [][]any{{1}}}.View()
	w.show([]any{heat("one"), drawn{heat("two")}, "some text", computed{v: heat("three")}, table, 3.5, set, set.At(2)})
	want := "figure text:some text figure figure text:3.5 figure figure flush"
	if got := strings.Join(w.rec.log, " "); got != want {
		t.Fatalf("did %q, want %q", got, want)
	}
	if alt := w.rec.bundles[0].Alt; !strings.Contains(alt, "one") || !strings.Contains(alt, "two") {
		t.Errorf("the first figure is not a row of two: %q", alt)
	}
	if w.rec.bundles[2].HTML == "" {
		t.Error("a table without HTML")
	}
	files, err := filepath.Glob(filepath.Join(w.saveTo, "*.png"))
	if err != nil || len(files) != 5 {
		t.Errorf("saved %v, %v", files, err)
	}
	for i, f := range files {
		if !strings.HasPrefix(filepath.Base(f), fmt.Sprintf("%02d-", i+1)) {
			t.Errorf("figure %d is saved as %s", i+1, f)
		}
	}
}

func TestShowEndsAtAnError(t *testing.T) {
	for name, bad := range map[string]any{
		"an error":          errors.New("oh no"),
		"a failed recipe":   computed{err: errors.New("oh no")},
		"a view with error": render.Failed(errors.New("oh no")),
		"a bad sample":      datasets.Set{}.At(3),
		"a bad set":         datasets.Set{Labels: []int{1}},
	} {
		w := newWorld(t)
		w.show([]any{heat("before"), bad, heat("after")})
		if got := strings.Join(w.rec.log, " "); got != "figure failure flush" || len(w.exits) != 1 {
			t.Errorf("%s: did %q, exit %v", name, got, w.exits)
		}
	}
}

// TestShowEverything shows images and tables, sets, samples, recipes of data, networks'
// evaluations and explanations: nothing that a user may hold ends the cell.
func TestShowEverything(t *testing.T) {
	ctx := context.Background()
	table := datasets.Blobs(datasets.BlobOptions{Samples: 60, Classes: 3, Features: 2, Spread: 3})
	images := datasets.MNIST().Test().Take(60)
	for name, source := range map[string]datasets.Source{"table": table, "images": images} {
		set, err := source.Build(ctx)
		if err != nil {
			t.Fatal(err)
		}
		net, err := nn.Image(set.Shape).Dense(len(set.Classes)).Fit(set, nn.Training{Epochs: 1}).Build(ctx)
		if err != nil {
			t.Fatal(err)
		}
		eval, err := net.Evaluate(ctx, set)
		if err != nil {
			t.Fatal(err)
		}
		for what, item := range map[string]any{
			"a set": set, "a sample": set.At(1), "a recipe": source, "an evaluation": eval, "a confusion": eval.ConfusionView(),
			"a history": net.HistoryView(), "a network": net, "a map": saliency.Of(net, set.At(0)),
		} {
			w := newWorld(t)
			if w.show([]any{item}); len(w.exits) > 0 {
				t.Errorf("%s: Show of %s ends the cell: %v", name, what, w.rec.failures)
			}
		}
	}
}

// TestSecondSignal: a program whose own loop never looks at the context ends at the second
// interrupt.
func TestSecondSignal(t *testing.T) {
	if os.Getenv("WHYBOOK_TEST_CHILD") != "" {
		Context()
		fmt.Println("ready")
		for {
			time.Sleep(time.Second)
		}
	}
	child := exec.Command(os.Args[0], "-test.run=^TestSecondSignal$")
	child.Env = append(os.Environ(), "WHYBOOK_TEST_CHILD=1")
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Process.Kill()
	if _, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	for range 50 { // the first signal is taken by the context, the next one ends the program
		if err := child.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		select {
		case <-ended:
			return
		case <-time.After(100 * time.Millisecond):
		}
	}
	t.Error("fifty interrupts did not end the program")
}

// TestBar: no bar for quick work, one that is taken away for slow work, a hint of text
// where there is no place for one.
func TestBar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rec := &recorder{}
		b := newBar(rec, io.Discard)
		ctx := progress.WithReporter(context.Background(), b.report)
		for i := range 10 {
			progress.Report(ctx, "quick", i+1, 10)
			time.Sleep(10 * time.Millisecond)
		}
		if len(rec.statuses) > 0 {
			t.Errorf("a bar for work of 0.1 s: %v", rec.statuses)
		}
		for i := range 1000 {
			progress.ReportDetail(ctx, "slow <b>", i+1, 1000, "loss & more")
			time.Sleep(10 * time.Millisecond)
		}
		n := len(rec.statuses)
		if n < 20 || n > 80 {
			t.Errorf("%d updates in ten seconds", n)
		}
		if rec.statuses[n-1] != "" {
			t.Error("the bar stays after the work is done")
		}
		if strings.Contains(rec.statuses[0], "<b>") || !strings.Contains(rec.statuses[0], "slow &lt;b&gt;") {
			t.Errorf("not escaped: %s", rec.statuses[0])
		}
		var stderr bytes.Buffer
		b = newBar(terminal{}, &stderr)
		ctx = progress.WithReporter(context.Background(), b.report)
		for i := range 1000 {
			progress.Report(ctx, "train", i+1, 1000)
			time.Sleep(10 * time.Millisecond)
		}
		if n := strings.Count(stderr.String(), "\n"); n < 2 || n > 5 || !strings.HasPrefix(stderr.String(), "train: ") {
			t.Errorf("%d lines in ten seconds:\n%s", n, stderr.String())
		}
	})
}

func TestFailureBoxEscapes(t *testing.T) {
	var html strings.Builder
	if err := failureBox.Execute(&html, `class "<script>alert(1)</script>"`); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(html.String(), "<script>") || !strings.Contains(html.String(), "&lt;script&gt;") {
		t.Errorf("not escaped: %s", html.String())
	}
}

// TestCheck: a claim is ticked, and one that does not hold ends the cell.
func TestCheck(t *testing.T) {
	w := newWorld(t)
	w.check(true, "2 and 2 are 4")
	w.check(false, "2 and 2 are 5")
	if got := strings.Join(w.rec.log, "|"); got != "text:✓ 2 and 2 are 4|flush|failure|flush" {
		t.Errorf("log %q", got)
	}
	if len(w.exits) != 1 || w.exits[0] != 1 || !strings.Contains(w.rec.failures[0], "does not hold: 2 and 2 are 5") {
		t.Errorf("exits %v, failures %q", w.exits, w.rec.failures)
	}
}
