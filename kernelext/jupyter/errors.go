package jupyter

import (
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrNotebook marks a file that is not a notebook of format 4, or is damaged.
	ErrNotebook = errors.New("jupyter: not a usable notebook")
	// ErrTimeout marks a cell that ran longer than allowed.
	ErrTimeout = errors.New("jupyter: the cell took too long")
	// ErrKernelStart marks a kernel that could not be started or did not answer.
	ErrKernelStart = errors.New("jupyter: the kernel did not start")
	// ErrKernelDied marks a kernel that ended while it was needed.
	ErrKernelDied = errors.New("jupyter: the kernel died")
)

// CellError says which cell stopped a run, and why.
type CellError struct {
	Index     int      // of the cell in the notebook, from 0, counting every kind of cell
	Source    string   // the cell's text
	Name      string   // the kernel's name for the error; empty when Err is set
	Value     string   // the kernel's message
	Traceback []string // further lines of the kernel; may hold terminal colours

	// Err is set when the cell did not fail by itself: it wraps ErrTimeout, ErrKernelDied
	// or the context's error.
	Err error
}

// Error gives the cell's number, from 1, and the cause in one line.
func (e *CellError) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("jupyter: cell %d: %v", e.Index+1, e.Err)
	}
	value, _, _ := strings.Cut(strings.TrimSpace(e.Value), "\n")
	return fmt.Sprintf("jupyter: cell %d: %s: %s", e.Index+1, e.Name, value)
}

// Unwrap returns Err.
func (e *CellError) Unwrap() error { return e.Err }
