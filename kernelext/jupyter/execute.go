package jupyter

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// ExecuteOptions bound one execution.
type ExecuteOptions struct {
	Timeout   time.Duration // 0 is no limit
	MaxOutput int           // bytes of output kept; default 16 MiB
}

// An Execution is what came of running one cell.
type Execution struct {
	Count   int       // the kernel's execution number
	Outputs []*Output // a later cell may still change them, if they were shown with a display id

	// Failed says that the kernel reported an error, which the other three describe.
	Failed    bool
	Name      string
	Value     string
	Traceback []string
}

// executeReply is the content of an execute_reply.
type executeReply struct {
	Status    string   `json:"status"`
	Count     int      `json:"execution_count"`
	Name      string   `json:"ename"`
	Value     string   `json:"evalue"`
	Traceback []string `json:"traceback"`
}

// Execute runs code and returns when the kernel has nothing more to say about it. An error
// raised by the code is part of the Execution. The error returned wraps ErrTimeout,
// ErrKernelDied or the context's error; the outputs until then are returned with it.
//
// On a time-out or a cancelled context the cell is interrupted; if that does not end it
// within the grace period, the kernel is killed.
func (k *Kernel) Execute(ctx context.Context, code string, opt ExecuteOptions) (Execution, error) {
	out := newCollector(opt.MaxOutput, k.displays)
	if err := ctx.Err(); err != nil {
		return Execution{}, err
	}
	id, err := k.send(k.shell, "execute_request", map[string]any{
		"code": code, "silent": false, "store_history": true, "user_expressions": map[string]any{},
		"allow_stdin": false, "stop_on_error": true,
	})
	if err != nil {
		return Execution{}, fmt.Errorf("%w: %w", ErrKernelDied, err)
	}
	w := watch{kernel: k, id: id, out: out}
	err = w.wait(ctx, opt.Timeout)
	e := Execution{
		Count: w.reply.Count, Outputs: out.finish(), Failed: w.reply.Status == "error",
		Name: w.reply.Name, Value: w.reply.Value, Traceback: w.reply.Traceback,
	}
	return e, err
}

// watch follows one execution to its end.
type watch struct {
	kernel *Kernel
	id     string
	out    *collector

	reply         executeReply
	replied, idle bool
}

func (w *watch) wait(ctx context.Context, timeout time.Duration) error {
	k := w.kernel
	var cause error // set when the cell is being interrupted
	var deadline, again, lastCall, giveUp <-chan time.Time
	cancelled := ctx.Done()
	if timeout > 0 {
		deadline = time.After(timeout)
	}
	stop := func(why error) {
		cause, deadline, cancelled = why, nil, nil
		_ = k.Interrupt()
		// A kernel that is still compiling has nothing to interrupt yet: ask again.
		again, giveUp = time.Tick(500*time.Millisecond), time.After(k.grace)
	}
	for !w.replied || !w.idle {
		select {
		case m := <-k.replies:
			w.onReply(m)
			if w.replied && lastCall == nil {
				lastCall = time.After(settle)
			}
		case m := <-k.published:
			w.onPublished(m)
		case <-lastCall: // the "idle" message was lost
			return cause
		case <-deadline:
			stop(fmt.Errorf("%w: stopped after %v", ErrTimeout, timeout))
		case <-cancelled:
			stop(ctx.Err())
		case <-again:
			_ = k.Interrupt()
		case <-giveUp:
			killGroup(k.cmd.Process.Pid)
			giveUp = nil
		case <-k.exited:
			w.drain()
			if cause != nil {
				return cause
			}
			return fmt.Errorf("%w%s", k.deathNote(), k.logTail())
		}
	}
	return cause
}

// drain takes what the kernel published before it ended.
func (w *watch) drain() {
	for {
		select {
		case m := <-w.kernel.published:
			w.onPublished(m)
		case <-time.After(100 * time.Millisecond):
			return
		}
	}
}

func (w *watch) onReply(m message) {
	if m.parent.ID != w.id || m.header.Type != "execute_reply" {
		return
	}
	if err := json.Unmarshal(m.content, &w.reply); err != nil {
		w.reply = executeReply{Status: "error", Name: "protocol", Value: "execute_reply: " + err.Error()}
	}
	w.replied = true
}

func (w *watch) onPublished(m message) {
	if m.parent.ID != w.id {
		return
	}
	if m.header.Type == "status" {
		var status struct {
			State string `json:"execution_state"`
		}
		if json.Unmarshal(m.content, &status) == nil && status.State == "idle" {
			w.idle = true
		}
		return
	}
	w.out.add(m.header.Type, m.content)
}
