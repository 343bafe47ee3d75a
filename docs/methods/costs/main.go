// Costs writes docs/methods/README.md: every method of the toolkit with the question that it
// answers, where it is, whose it is, and what it costs. The costs are measured while it
// runs:
//
//	go run ./docs/methods/costs > docs/methods/README.md
//
// It takes minutes. Nothing of the page is written by hand.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"time"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/saliency"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "costs:", err)
		os.Exit(1)
	}
}

// bench is what the methods are tried on.
type bench struct {
	digits, unseen, tail datasets.Set
	lenet                []byte // a network file: every method gets a network that has not worked yet
	photo                datasets.Set
	resnet               nn.Arch
}

func prepare(ctx context.Context) (b bench, err error) {
	if b.digits, err = datasets.MNIST().Train().Build(ctx); err != nil {
		return b, err
	}
	if b.unseen, err = datasets.MNIST().Test().Build(ctx); err != nil {
		return b, err
	}
	if b.tail, err = datasets.MNIST().Train().LongTail(0.01).Seed(1).Build(ctx); err != nil {
		return b, err
	}
	net, err := nn.LeNet(b.digits.Shape, 10).Fit(b.digits, nn.Training{Epochs: 5, Seed: 7}).Build(ctx)
	if err != nil {
		return b, err
	}
	var file bytes.Buffer
	if err = net.Save(&file); err != nil {
		return b, err
	}
	b.lenet = file.Bytes()
	// A photograph's size and number of values; what it shows does not matter to the cost.
	b.photo = datasets.Set{Name: "32x32", Shape: datasets.Shape{Channels: 3, Height: 32, Width: 32}, Labels: []int{0}, Classes: b.digits.Classes, Pixels: make([]uint8, 3*32*32)}
	for i := range b.photo.Pixels {
		b.photo.Pixels[i] = uint8(i * 7919 % 251)
	}
	b.resnet = nn.ResNet20(b.photo.Shape, 10)
	return b, nil
}

func (b bench) net() (*nn.Net, error) { return nn.Load(bytes.NewReader(b.lenet)) }

// cost is what a piece of work takes.
type cost struct {
	passes int
	took   time.Duration // the shortest of up to five runs
	peak   uint64        // bytes on the heap at once, beyond what was there before
}

// enough is after what time a piece of work is not repeated any more.
const enough = 2 * time.Second

// measure runs work, which returns its passes, up to five times.
func measure(work func() (int, error)) (c cost, err error) {
	runtime.GC()
	before := heap()
	high := watch()
	began := time.Now()
	for n := range 5 {
		start := time.Now()
		if c.passes, err = work(); err != nil {
			high()
			return c, err
		}
		if took := time.Since(start); n == 0 || took < c.took {
			c.took = took
		}
		if time.Since(began) > enough {
			break
		}
	}
	if top := high(); top > before {
		c.peak = top - before
	}
	return c, nil
}

// heap is how many bytes are on the heap, garbage included.
func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// watch looks at the heap until the function that it returns is called, which returns the
// highest value.
func watch() (stop func() uint64) {
	done, highest := make(chan struct{}), make(chan uint64)
	go func() {
		top := uint64(0)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				highest <- max(top, heap())
				return
			case <-tick.C:
				top = max(top, heap())
			}
		}
	}()
	return func() uint64 { close(done); return <-highest }
}

func run(ctx context.Context, w io.Writer) error {
	b, err := prepare(ctx)
	if err != nil {
		return err
	}
	var out strings.Builder
	fmt.Fprintf(&out, head, runtime.Version(), runtime.GOARCH, runtime.GOMAXPROCS(0))
	out.WriteString(saliencyHead)
	for _, m := range maps(b.digits) {
		fmt.Fprintln(os.Stderr, m.code())
		net, err := b.net()
		if err != nil {
			return err
		}
		digit, err := measure(func() (int, error) { return explain(ctx, net, b.unseen.At(3), m.on(false)) })
		if err != nil {
			return err
		}
		deep, err := b.resnet.Init(1)
		if err != nil {
			return err
		}
		photo, err := measure(func() (int, error) { return explain(ctx, deep, b.photo.At(0), m.on(true)) })
		if err != nil {
			return err
		}
		fmt.Fprintf(&out, "%s | %s | %s | %s |\n", m.row(), passes(digit.passes, photo.passes), digit, photo)
	}
	out.WriteString(analysesHead)
	for _, a := range analyses(b) {
		fmt.Fprintln(os.Stderr, a.name)
		c, err := measure(func() (int, error) { return 0, a.work(ctx) })
		if err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		fmt.Fprintf(&out, "%s | %s |\n", a.row(), c)
	}
	out.WriteString(foot)
	_, err = io.WriteString(w, out.String())
	return err
}

func explain(ctx context.Context, net *nn.Net, x datasets.Sample, m saliency.Method) (int, error) {
	made, err := saliency.Of(net, x).With(m).Target(0).Explain(ctx)
	if err != nil {
		return 0, err
	}
	return made.Report.Passes, nil
}

// String is time and memory with two digits.
func (c cost) String() string {
	ms := float64(c.took.Microseconds()) / 1000
	text := fmt.Sprintf("%.2g ms", ms)
	switch {
	case ms >= 10_000:
		text = fmt.Sprintf("%.0f s", ms/1000)
	case ms >= 1000:
		text = fmt.Sprintf("%.1f s", ms/1000)
	case ms >= 99.5: // which %.2g would write as 1e+02
		text = fmt.Sprintf("%.0f ms", ms)
	}
	digits := 1
	if c.peak >= 10e6 {
		digits = 0
	}
	return text + fmt.Sprintf(" | %.*f MB", digits, float64(c.peak)/1e6)
}

func passes(digit, photo int) string {
	if digit == photo {
		return fmt.Sprint(digit)
	}
	return fmt.Sprintf("%d / %d", digit, photo)
}
