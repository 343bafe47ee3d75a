package datasets

import (
	"context"
	"log/slog"
)

// Watcher observes what Build does. It cannot change the result. Its functions may be
// nil, and may be called from several goroutines if several builds share a watcher.
type Watcher struct {
	// Progress is told that done of total units of the named task are complete: bytes
	// of a download, files of an image folder.
	Progress func(task string, done, total int)

	// Warn is told, once per build, about what does not stop the build but should be
	// known, such as a cache folder that cannot be written. Default: log/slog.
	Warn func(message string)
}

type watchKey struct{}

// Watch returns a context whose builds report to w.
func Watch(ctx context.Context, w Watcher) context.Context {
	return context.WithValue(ctx, watchKey{}, w)
}

// watching returns the context's watcher with both functions set.
func watching(ctx context.Context) Watcher {
	w, _ := ctx.Value(watchKey{}).(Watcher)
	if w.Progress == nil {
		w.Progress = func(string, int, int) {}
	}
	if w.Warn == nil {
		w.Warn = func(message string) { slog.WarnContext(ctx, message) }
	}
	return w
}
