package kernelext

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/progress"
)

// session is what one program (one cell) shares: its output, its context and its cache.
// There is one per process, made at the first call; tests make their own.
type session struct {
	out    output
	stderr io.Writer
	exit   func(code int)
	ctx    context.Context
	bar    *bar
	cache  string // folder of built recipes; "" when there is none
	saveTo string // folder for figures; "" for none

	mu     sync.Mutex
	memo   map[string]any // results of this process by key
	lives  int            // live cells so far
	warned bool           // the trouble with the cache was told
}

// current is the process's session. It is made once and holds everything that would
// otherwise be a global variable.
var current = sync.OnceValue(func() *session {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	var out output = terminal{}
	if inNotebook() {
		out = notebook{}
	}
	s := newSession(ctx, out, os.Stderr, os.Exit)
	context.AfterFunc(ctx, func() { s.interrupted(stop) })
	return s
})

// grace is how long a cell may go on after an interrupt, to say how far it got. Jupyter
// kills it after five seconds, and with it what it had to say.
const grace = 2 * time.Second

// interrupted makes sure that an interrupt ends the program also where it does not look at
// the context: the next signal kills it again, and a cell is ended after a while.
func (s *session) interrupted(stop func()) {
	stop()
	if _, cell := s.out.(notebook); !cell {
		return
	}
	time.Sleep(grace)
	s.fail(errors.New("the cell did not stop by itself; loops of your own can look at kernelext.Context().Err()"))
}

func newSession(ctx context.Context, out output, stderr io.Writer, exit func(int)) *session {
	s := &session{out: out, stderr: stderr, exit: exit, saveTo: os.Getenv("WHYBOOK_OUT"), memo: make(map[string]any)}
	s.bar = newBar(out, stderr)
	s.ctx = progress.WithReporter(ctx, s.bar.report)
	s.ctx = datasets.Watch(s.ctx, datasets.Watcher{
		Progress: func(task string, done, total int) { progress.Report(s.ctx, task, done, total) },
		Warn:     func(message string) { fmt.Fprintln(stderr, "whybook: "+message) },
	})
	if root, err := CacheDir(); err != nil {
		s.warn(err)
	} else {
		s.cache = filepath.Join(root, "build")
	}
	return s
}

// CacheDir returns the root folder of Whybook's cache: $WHYBOOK_CACHE, or whybook in the
// user's cache folder. Built recipes are in its folder build.
func CacheDir() (string, error) {
	if dir := os.Getenv("WHYBOOK_CACHE"); dir != "" {
		return dir, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("kernelext: no cache folder (set WHYBOOK_CACHE to one): %w", err)
	}
	return filepath.Join(dir, "whybook"), nil
}

// Context returns the cell's context: it ends when the user interrupts the cell, and it
// shows the progress of what runs under it. Jupyter kills a cell that goes on for five
// seconds after an interrupt.
func Context() context.Context { return current().ctx }

// Must returns v, or shows err and ends the cell.
func Must[T any](v T, err error) T {
	if err != nil {
		current().fail(err)
	}
	return v
}

// fail shows the error and ends the program, so that the notebook stops here.
func (s *session) fail(err error) {
	s.bar.erase()
	message := err.Error()
	if s.ctx.Err() != nil {
		message = "interrupted: " + message
	}
	s.out.failure(s.stderr, message)
	s.out.flush()
	s.exit(1)
}

// warn tells once that the cache cannot be used.
func (s *session) warn(err error) {
	s.mu.Lock()
	first := !s.warned
	s.warned = true
	s.mu.Unlock()
	if first {
		fmt.Fprintf(s.stderr, "whybook: working without the cache: %v\n", err)
	}
}
