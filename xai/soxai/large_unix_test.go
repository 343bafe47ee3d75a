//go:build unix

package soxai_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/progress"
	"github.com/whybook/whybook/xai/soxai"
)

// TestTenThousandDigits goes from a trained network to the canvas with the 10,000 test images of
// MNIST, and says what it took:
//
//	WHYBOOK_TEST_LONG=1 go test -run TenThousandDigits -v ./xai/soxai
func TestTenThousandDigits(t *testing.T) {
	if os.Getenv("WHYBOOK_TEST_LONG") == "" {
		t.Skip("takes a minute; set WHYBOOK_TEST_LONG=1 to run it")
	}
	ctx := context.Background()
	set, err := datasets.MNIST().Full().Test().Build(ctx)
	if errors.Is(err, datasets.ErrOffline) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	net := must[*nn.Net](t)(arch(set).Fit(datasets.MNIST().Train(), nn.Training{Epochs: 6, Seed: 1, Optimizer: nn.Adam{Rate: 0.003}}).Build(ctx))
	right := must[nn.Evaluation](t)(net.Evaluate(ctx, set)).Accuracy

	var mu sync.Mutex
	events, longest, last := map[string]int{}, time.Duration(0), time.Now()
	watched := progress.WithReporter(ctx, func(e progress.Event) {
		mu.Lock()
		defer mu.Unlock()
		events[e.Task]++
		longest, last = max(longest, time.Since(last)), time.Now()
	})
	processor := func() time.Duration {
		var u syscall.Rusage
		if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
			t.Fatal(err)
		}
		return time.Duration(u.Utime.Nano() + u.Stime.Nano())
	}
	runtime.GC()
	start, used := time.Now(), processor()
	last = start
	a := must[soxai.Atlas](t)(soxai.Of(net, set).Build(watched))
	built := time.Since(start)
	b, err := a.CanvasView().Bundle()
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	t.Logf("%d digits (%.1f %% right), %d regions, %d concepts; atlas %.1f s, canvas %.1f s, in all %.1f s and %.1f s of processor time on %d processors",
		set.Len(), 100*right, len(a.Regions), len(a.Concepts), built.Seconds(), (took - built).Seconds(), took.Seconds(), (processor() - used).Seconds(), runtime.GOMAXPROCS(0))
	t.Logf("canvas: HTML %d kB, picture %d kB; most memory of the process %d MB; longest time without progress %.1f s; %v", len(b.HTML)/1000, len(b.PNG)/1000, peak(t), longest.Seconds(), events)
	if len(b.HTML) > 3_000_000 || len(b.PNG) > 300_000 {
		t.Errorf("the canvas has %d bytes of HTML and a picture of %d", len(b.HTML), len(b.PNG))
	}
	if took > 10*time.Minute { // three asked for, on an idle machine
		t.Errorf("it took %v", took)
	}
	for _, task := range []string{"explain", "stability", "concepts", "completeness"} {
		if events[task] == 0 {
			t.Errorf("no progress of %q", task)
		}
	}
}

// peak returns the most memory that the process had, in MB.
func peak(t *testing.T) int64 {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS == "darwin" { // in bytes there
		return u.Maxrss / 1e6
	}
	return u.Maxrss * 1024 / 1e6
}
