// Package progress carries progress reports through a context.
//
// Code that takes long calls Report; who wants to watch installs a Reporter with
// WithReporter. Without one, Report does nothing, so library code never knows whether
// it runs in a notebook, a terminal or a test. A reporter observes; it cannot change a
// result.
package progress

import "context"

// Event says that done of total units of the named task are complete. Detail is a
// short remark for a human ("loss 0.31"); it may be empty.
type Event struct {
	Task        string
	Done, Total int
	Detail      string
}

// Reporter receives events. It must be safe for concurrent use and return quickly.
type Reporter func(Event)

type key struct{}

// WithReporter returns a context whose Report calls go to r.
func WithReporter(ctx context.Context, r Reporter) context.Context {
	return context.WithValue(ctx, key{}, r)
}

// Report tells the context's reporter, if there is one, how far task has come.
func Report(ctx context.Context, task string, done, total int) {
	ReportDetail(ctx, task, done, total, "")
}

// ReportDetail is Report with a remark.
func ReportDetail(ctx context.Context, task string, done, total int, detail string) {
	if r, ok := ctx.Value(key{}).(Reporter); ok && r != nil {
		r(Event{Task: task, Done: done, Total: total, Detail: detail})
	}
}
