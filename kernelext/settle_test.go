package kernelext

import (
	"io"
	"os"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"github.com/whybook/whybook/xai/render"
)

func TestSettleWaitsForTheReader(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		t.Skip("a pipe cannot be asked here")
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	if _, err := w.WriteString("printed before the picture\n"); err != nil {
		t.Fatal(err)
	}
	if got := unread(w); got != 27 {
		t.Fatalf("unread: %d bytes wait, want 27", got)
	}
	var read atomic.Bool
	go func() {
		time.Sleep(20 * time.Millisecond)
		read.Store(true) // before the read: settle may return the moment the pipe is empty
		_, _ = io.ReadFull(r, make([]byte, 27))
	}()
	settle(w)
	if !read.Load() || unread(w) != 0 {
		t.Error("settle returned before the line was read: a picture would overtake it")
	}
}

// TestDisplaysWaitForWhatWasPrinted: all three kinds of display.
func TestDisplaysWaitForWhatWasPrinted(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		t.Skip("a pipe cannot be asked here")
	}
	stdout := os.Stdout
	defer func() { os.Stdout = stdout }()
	for name, display := range map[string]func(){
		"figure":  func() { notebook{}.figure(render.Bundle{Text: "x"}) },
		"text":    func() { notebook{}.text("x") },
		"failure": func() { notebook{}.failure(io.Discard, "x") },
	} {
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		os.Stdout = w
		_, _ = w.WriteString("printed before")
		go func() {
			time.Sleep(10 * time.Millisecond)
			_, _ = io.ReadFull(r, make([]byte, 14))
		}()
		display()
		if unread(w) != 0 {
			t.Errorf("a %s does not wait for the line printed before it", name)
		}
		w.Close()
		r.Close()
	}
}

func TestSettleGivesUp(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	_, _ = w.WriteString("nobody reads this")
	start := time.Now()
	settle(w)
	if took := time.Since(start); took > 10*patience {
		t.Errorf("settle waited %v for a reader that does not come", took)
	}
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if unread(file) != 0 {
		t.Error("a file is no pipe: nothing to wait for")
	}
}
