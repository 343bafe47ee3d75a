package datasets

import (
	"errors"
	"fmt"

	"github.com/whybook/whybook/datasets/internal/fetch"
)

// Errors that a caller may want to tell apart with errors.Is. The messages that wrap
// them name the file, row, column or class, and what was expected.
var (
	// ErrFormat: bytes that are not what they should be, such as a wrong magic number,
	// a truncated file, counts that disagree or an undecodable image.
	ErrFormat = errors.New("malformed data")

	// ErrSize: an image of another size than the rest, or too large to decode.
	ErrSize = errors.New("image size differs")

	// ErrLabel: a label outside the classes.
	ErrLabel = errors.New("label out of range")

	// ErrNotFinite: a missing, NaN or infinite value in a table or a sample.
	ErrNotFinite = errors.New("value is not finite")

	// ErrNotNumeric: a feature column of a table that holds text.
	ErrNotNumeric = errors.New("value is not a number")

	// ErrColumn: a column name that the table does not have.
	ErrColumn = errors.New("no such column")

	// ErrClass: a class name that the set does not have.
	ErrClass = errors.New("no such class")

	// ErrEmptyClass: a class without samples, such as an empty class folder.
	ErrEmptyClass = errors.New("class has no samples")

	// ErrTooFew: a set with fewer samples than a step asks for.
	ErrTooFew = errors.New("too few samples")

	// ErrOffline: no place could supply a file. The message says what happened at each,
	// and names the files, their checksums and the folder to put them into.
	ErrOffline = fetch.ErrOffline

	// ErrChecksum: a file whose content is not the published one. The message says
	// whether to replace the file or to delete it.
	ErrChecksum = fetch.ErrChecksum
)

// packageError is an error as it leaves the package: its text begins with the package's
// name, which an error of ours that wraps it does not repeat.
type packageError struct{ err error }

func (e *packageError) Error() string { return "datasets: " + e.err.Error() }
func (e *packageError) Unwrap() error { return e.err }

func errorf(format string, args ...any) error {
	return &packageError{fmt.Errorf(format, args...)}
}

// inner returns err without the package's name.
func inner(err error) error {
	if e, ok := err.(*packageError); ok {
		return e.err
	}
	return err
}

// malformed makes an error of a decoder match ErrFormat.
func malformed(err error) error {
	if errors.Is(err, ErrFormat) {
		return err
	}
	return fmt.Errorf("%w: %w", err, ErrFormat)
}

// stepError says which step of a chain made the first mistake.
type stepError struct {
	step string // as the user wrote it: "Take(-1)"
	err  error
}

func (e *stepError) Error() string { return "datasets.Recipe." + e.step + ": " + e.err.Error() }
func (e *stepError) Unwrap() error { return e.err }

func stepf(step, format string, args ...any) error {
	return &stepError{step: step, err: fmt.Errorf(format, args...)}
}
