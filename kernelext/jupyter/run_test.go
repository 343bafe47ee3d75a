//go:build unix

package jupyter

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// shown describes outputs in one line each.
func shown(cell Cell) []string {
	lines := []string{}
	for _, out := range cell.Outputs {
		switch out.Type {
		case Stream:
			lines = append(lines, out.Name+": "+out.Text)
		case ErrorOutput:
			lines = append(lines, out.ErrName+"! "+out.ErrValue)
		default:
			text, _ := out.Data["text/plain"].(string)
			lines = append(lines, string(out.Type)+": "+text)
		}
	}
	return lines
}

func TestRunCollectsWhatAFrontEndShows(t *testing.T) {
	tests := []struct {
		name  string
		cells []string
		want  []string // of the first cell
	}{
		{"nothing", []string{"noop"}, nil},
		{"streams are joined", []string{"out a\nout b\\n\nout c"}, []string{"stdout: ab\nc"}},
		{"stdout stands before stderr, however they raced", []string{"err e1\nout o1\nerr e2\nout o2"}, []string{"stdout: o1o2", "stderr: e1e2"}},
		{"a figure parts streams", []string{"out before\nshow - fig\nout after"}, []string{"stdout: before", "display_data: fig", "stdout: after"}},
		{"result", []string{"result 42"}, []string{"execute_result: 42"}},
		{"an update changes the figure in place", []string{"show a one\nout text\nupdate a two"}, []string{"display_data: two", "stdout: text"}},
		{"an update from a later cell", []string{"show a one", "update a two"}, []string{"display_data: two"}},
		{"an update of nothing shown", []string{"update zzz two"}, nil},
		{"an erased progress bar leaves nothing", []string{"show bar 50%\nout x\nupdate bar "}, []string{"stdout: x"}},
		{"a progress line keeps its last state", []string{"out 10%\\r\nout 9%\\r\nout 100%\\nend\\r\\n"}, []string{"stdout: 100%\nend\n"}},
		{"clear at once", []string{"out x\nclear\nout y"}, []string{"stdout: y"}},
		{"clear when something comes", []string{"out x\nclear wait\nout y"}, []string{"stdout: y"}},
		{"clear when nothing comes", []string{"out x\nclear wait"}, []string{"stdout: x"}},
		{"a cleared display is not updated again", []string{"show a one\nclear\nupdate a two"}, nil},
		{"a forged message is not heard", []string{"forge\nout real"}, []string{"stdout: real"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			nb, report, err := Run(t.Context(), notebook(tt.cells...), fakeSpec("ok"), Options{})
			if err != nil {
				t.Fatal(err)
			}
			if got := shown(nb.Cells[0]); strings.Join(got, "|") != strings.Join(tt.want, "|") {
				t.Errorf("cell %q shows %q, want %q", tt.cells[0], got, tt.want)
			}
			if report.Ran != len(tt.cells) || nb.Cells[0].ExecutionCount != 1 {
				t.Errorf("ran %d cells, first has number %d; want %d and 1", report.Ran, nb.Cells[0].ExecutionCount, len(tt.cells))
			}
		})
	}
}

func TestRunTwiceGivesTheSameBytes(t *testing.T) {
	nb := notebook("out a\nshow id fig\nerr w", "update id other\nresult 1")
	var files [2][]byte
	for i := range files {
		done, _, err := Run(t.Context(), nb, fakeSpec("ok"), Options{})
		if err != nil {
			t.Fatal(err)
		}
		if files[i], err = done.Encode(); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(files[0], files[1]) {
		t.Errorf("two runs differ:\n%s\n%s", files[0], files[1])
	}
	if len(nb.Cells[0].Outputs) != 0 {
		t.Error("Run changed the notebook it was given")
	}
	if !bytes.Contains(files[0], []byte(`"alt": "a digit"`)) {
		t.Errorf("the display's metadata is lost:\n%s", files[0])
	}
}

func TestRunStopsAtTheFirstFailure(t *testing.T) {
	nb := notebook("out fine", "out so far\nfail on purpose", "out never")
	done, report, err := Run(t.Context(), nb, fakeSpec("ok"), Options{})
	var cell *CellError
	if !errors.As(err, &cell) {
		t.Fatalf("error is %v, want a *CellError", err)
	}
	if cell.Index != 1 || cell.Name != "Boom" || cell.Value != "on purpose" || cell.Source != nb.Cells[1].Source || len(cell.Traceback) != 2 {
		t.Errorf("wrong cell error: %+v", *cell)
	}
	if got := err.Error(); got != "jupyter: cell 2: Boom: on purpose" {
		t.Errorf("error reads %q", got)
	}
	if report.Ran != 1 || report.Total != 3 {
		t.Errorf("report says %d of %d, want 1 of 3", report.Ran, report.Total)
	}
	if got, want := shown(done.Cells[1]), []string{"stdout: so far", "Boom! on purpose"}; !reflect.DeepEqual(got, want) {
		t.Errorf("failing cell shows %q, want %q", got, want)
	}
	if len(done.Cells[2].Outputs) != 0 || done.Cells[2].ExecutionCount != 0 {
		t.Error("the cell after the failure was run")
	}
}

func TestRunObeysTags(t *testing.T) {
	nb := notebook("fail expected", "fail never run", "out end", "  \n")
	nb.Cells[0].Metadata = map[string]any{"tags": []any{"raises-exception"}}
	nb.Cells[1].Metadata = map[string]any{"tags": []any{"skip-execution"}}
	done, report, err := Run(t.Context(), nb, fakeSpec("ok"), Options{})
	if err != nil || report.Ran != 2 || done.Cells[2].ExecutionCount != 2 {
		t.Errorf("ran %d, last number %d, error %v; want 2, 2, nil", report.Ran, done.Cells[2].ExecutionCount, err)
	}
}

func TestRunObeysACellsOwnTimeLimit(t *testing.T) {
	nb := notebook("out quick", "hang")
	nb.Cells[1].Metadata = map[string]any{"tags": []any{"slow", "timeout=300ms"}}
	_, report, err := Run(t.Context(), nb, fakeSpec("ok"), Options{CellTimeout: time.Hour})
	if !errors.Is(err, ErrTimeout) || report.Ran != 1 {
		t.Errorf("ran %d, error %v; want 1 and ErrTimeout", report.Ran, err)
	}
	nb = notebook("out slower than a nanosecond")
	nb.Cells[0].Metadata = map[string]any{"tags": []any{"timeout=0"}}
	if _, _, err := Run(t.Context(), nb, fakeSpec("ok"), Options{CellTimeout: 1}); err != nil {
		t.Errorf("a cell without a limit: %v", err)
	}
	for _, tag := range []string{"timeout=", "timeout=soon", "timeout=-1s", "timeout=90"} {
		nb.Cells[0].Metadata["tags"] = []any{tag}
		_, report, err := Run(t.Context(), nb, fakeSpec("dies at start"), Options{})
		if !errors.Is(err, ErrNotebook) || !strings.Contains(err.Error(), tag) || report.Ran != 0 {
			t.Errorf("tag %q: error is %v, want ErrNotebook before a kernel starts", tag, err)
		}
	}
}

func TestRunReportsProgress(t *testing.T) {
	var got []Progress
	nb := notebook("out a", "fail b")
	nb.Cells = append([]Cell{{Type: Markdown, Source: "# Title"}}, nb.Cells...)
	_, _, err := Run(t.Context(), nb, fakeSpec("ok"), Options{Progress: func(p Progress) { got = append(got, p) }})
	if len(got) != 4 {
		t.Fatalf("%d reports, want 4: %+v", len(got), got)
	}
	if p := got[3]; p.Index != 2 || p.Number != 2 || p.Total != 2 || !p.Done || p.Err != err || p.Elapsed <= 0 {
		t.Errorf("last report is %+v", p)
	}
}

func TestRunRewritesTexts(t *testing.T) {
	rewrite := func(s string) string { return strings.ReplaceAll(s, "/tmp/1234", "TMP") }
	nb, _, _ := Run(t.Context(), notebook("out at /tmp/1234\nshow - in /tmp/1234\nfail no /tmp/1234/x"), fakeSpec("ok"), Options{Rewrite: rewrite})
	nb.Cells[0].Source = ""
	data, err := nb.Encode()
	if err != nil || bytes.Contains(data, []byte("1234")) || bytes.Count(data, []byte("TMP")) != 4 {
		t.Errorf("want TMP in four places and the temporary folder nowhere: %v\n%s", err, data)
	}
}

func TestRunEndsAHangingCell(t *testing.T) {
	tests := []struct {
		name  string
		cell  string
		after time.Duration
	}{
		{"that obeys an interrupt", "out started\nhang", 2 * time.Second},
		{"that does not", "out started\ndeaf", 5 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			opt := Options{CellTimeout: 300 * time.Millisecond, StartOptions: StartOptions{Grace: time.Second}}
			nb, _, err := Run(t.Context(), notebook(tt.cell), fakeSpec("ok"), opt)
			var cell *CellError
			if !errors.Is(err, ErrTimeout) || !errors.As(err, &cell) {
				t.Errorf("error is %v, want a CellError that is ErrTimeout", err)
			}
			if took := time.Since(began); took > tt.after {
				t.Errorf("took %v", took)
			}
			if got := shown(nb.Cells[0]); len(got) == 0 || got[0] != "stdout: started" {
				t.Errorf("what the cell showed is lost: %q", got)
			}
		})
	}
}

func TestRunNoticesADeadKernel(t *testing.T) {
	nb, _, err := Run(t.Context(), notebook("out last\ndie"), fakeSpec("ok"), Options{})
	if !errors.Is(err, ErrKernelDied) {
		t.Fatalf("error is %v, want ErrKernelDied", err)
	}
	for _, want := range []string{"exit status 3", "out of memory"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not mention %q", err, want)
		}
	}
	_ = nb
}

func TestLogTailTellsTheEnd(t *testing.T) {
	const log = "I1122 07:21:58.530714   19355 main.go:187] \x1b[7;39;32m[0fb18431]\x1b[0m Logging to extra logger configured\n" +
		"W1122 07:21:58.530779   19355 main.go:190] [0fb18431] Warning message\n" +
		"E1122 07:21:58.530782   19355 main.go:191] [0fb18431] Error message\n\n"
	trace := strings.Repeat("\tmain.go:1 +0x1\n", 30)
	tests := []struct{ name, log, want string }{
		{"only chatter", log, ""},
		{"a message", log + "out of memory\n", "out of memory"},
		{"a failure", log + "one\nF1122 07:21:59.000000   19355 main.go:215] no port\ngoroutine 1:\n", "F1122 07:21:59.000000   19355 main.go:215] no port\ngoroutine 1:"},
		{"a panic", log + "before\npanic: nil map\n\ngoroutine 1 [running]:\n" + trace, "panic: nil map\ngoroutine 1 [running]:\n" + "\tmain.go:1 +0x1\n\tmain.go:1 +0x1\n\tmain.go:1 +0x1"},
		{"a long tale", strings.Repeat("old\n", 50) + "1\n2\n3\n4\n5\n", "1\n2\n3\n4\n5"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := Kernel{scratch: t.TempDir()}
			if err := os.WriteFile(filepath.Join(k.scratch, "log"), []byte(tt.log), 0o644); err != nil {
				t.Fatal(err)
			}
			want := tt.want
			if want != "" {
				want = "\nlast words of the kernel:\n" + want
			}
			if got := k.logTail(); got != want {
				t.Errorf("got %q, want %q", got, want)
			}
		})
	}
}

func TestStartFailsClearly(t *testing.T) {
	tests := []struct {
		name string
		spec Spec
		want string
	}{
		{"no command", Spec{}, "no command"},
		{"missing program", Spec{Argv: []string{"no-such-kernel"}}, "no-such-kernel"},
		{"dies at once", fakeSpec("dies at start"), "no licence"},
		{"never answers", fakeSpec("mute"), "no connection"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := Start(t.Context(), tt.spec, StartOptions{Timeout: time.Second})
			if !errors.Is(err, ErrKernelStart) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %v, want ErrKernelStart with %q", err, tt.want)
			}
		})
	}
}

func TestRunCutsAFlood(t *testing.T) {
	if testing.Short() {
		t.Skip("sends 100 MiB")
	}
	nb, _, err := Run(t.Context(), notebook("out begin\nflood", "out next"), fakeSpec("ok"), Options{MaxOutput: 1 << 20})
	if err != nil {
		t.Fatal(err)
	}
	data, _ := nb.Encode()
	if len(data) > 2<<20 {
		t.Errorf("the notebook has %d bytes, want about 1 MiB", len(data))
	}
	if !bytes.Contains(data, []byte("[output cut: more than 1 MiB from one cell]")) {
		t.Error("no note says that output is missing")
	}
	if got := shown(nb.Cells[1]); len(got) != 1 || got[0] != "stdout: next" {
		t.Errorf("the next cell shows %q", got)
	}
}

func TestCancelInterruptsAndNothingIsLeft(t *testing.T) {
	before := runtime.NumGoroutine()
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	ctx, cancel := context.WithCancel(t.Context())
	nb := notebook("child", "hang", "out never")
	done, _, err := Run(ctx, nb, fakeSpec("ok"), Options{Progress: func(p Progress) {
		if p.Number == 2 && !p.Done {
			time.AfterFunc(100*time.Millisecond, cancel)
		}
	}})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error is %v, want context.Canceled", err)
	}
	pid, err := strconv.Atoi(done.Cells[0].Outputs[0].Text)
	if err != nil {
		t.Fatal(err)
	}
	within(t, "the kernel's child process is gone", func() bool { return !running(pid) })
	within(t, "no goroutine is left", func() bool { return runtime.NumGoroutine() <= before })
	if left, _ := filepath.Glob(filepath.Join(tmp, "*")); len(left) > 0 {
		t.Errorf("temporary files are left: %q", left)
	}
}

func within(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for range 200 {
		if ok() {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	buf := make([]byte, 1<<16)
	t.Errorf("not within 4 s: %s\n%s", what, buf[:runtime.Stack(buf, true)])
}

// running reports whether the process runs; a zombie does not.
func running(pid int) bool {
	if stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat"); err == nil {
		return !strings.Contains(string(stat), ") Z ")
	}
	return syscall.Kill(pid, 0) == nil
}

func TestKernelSeesItsEnvironment(t *testing.T) {
	t.Setenv("OUTER", "from outside")
	spec := fakeSpec("ok")
	spec.Env["INNER"] = "${OUTER}, expanded"
	nb, _, err := Run(t.Context(), notebook("env INNER", "env EXTRA"), spec,
		Options{StartOptions: StartOptions{Env: []string{"EXTRA=yes"}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := append(shown(nb.Cells[0]), shown(nb.Cells[1])...); got[0] != "stdout: from outside, expanded" || got[1] != "stdout: yes" {
		t.Errorf("the kernel sees %q", got)
	}
}
