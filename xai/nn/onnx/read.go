package onnx

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/nn/onnx/internal/ir"
	"github.com/whybook/whybook/xai/nn/onnx/internal/pb"
)

// UnsupportedError says which part of a model has no counterpart here: the operator, the
// name of the node and what would be needed.
type UnsupportedError = ir.UnsupportedError

// Options says how to read a model that leaves something open. The zero value reads a
// model with one output, fixed sizes and its weights inside.
type Options struct {
	Output string         // the output to compute, where there are several; what it does not need is not read
	Axes   map[string]int // sizes of named axes other than the batch, such as "height"
	Folder fs.FS          // where external data lies; ReadFile takes the file's own folder
}

// maxFile is the largest message that protobuf allows.
const maxFile = 1<<31 - 1

// Read reads a model with default Options.
func Read(r io.Reader) (*nn.Net, error) { return Options{}.Read(r) }

// ReadFile reads a model from a file, and external data from its folder, with default
// Options.
func ReadFile(path string) (*nn.Net, error) { return Options{}.ReadFile(path) }

// ReadFile reads a model from a file, and external data from Folder or the file's folder.
func (o Options) ReadFile(path string) (*nn.Net, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("onnx.ReadFile: %w", err)
	}
	defer f.Close()
	if o.Folder == nil {
		// A root, unlike os.DirFS, does not follow links out of the folder.
		root, err := os.OpenRoot(filepath.Dir(path))
		if err != nil {
			return nil, fmt.Errorf("onnx.ReadFile: %w", err)
		}
		defer root.Close()
		o.Folder = root.FS()
	}
	net, err := o.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return net, nil
}

// Read reads a model.
func (o Options) Read(r io.Reader) (*nn.Net, error) {
	// The copy grows with the bytes that really come.
	data, err := io.ReadAll(io.LimitReader(r, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("onnx.Read: %w", err)
	}
	if len(data) > maxFile {
		return nil, &fileError{errors.New("onnx.Read: more than 2 GB, which no ONNX file can have")}
	}
	m, err := pb.Unmarshal(data)
	if err != nil {
		return nil, &fileError{fmt.Errorf("onnx.Read: %w", err)}
	}
	g, err := ir.Import(m, ir.Options{Output: o.Output, Axes: o.Axes, Folder: o.Folder})
	if err != nil {
		return nil, &fileError{err}
	}
	net, err := lower(g)
	if err != nil {
		return nil, &fileError{fmt.Errorf("onnx: %w", err)}
	}
	return net, nil
}

// fileError makes an error about a file match nn.ErrFormat without repeating its text.
type fileError struct{ err error }

func (e *fileError) Error() string        { return e.err.Error() }
func (e *fileError) Unwrap() error        { return e.err }
func (e *fileError) Is(target error) bool { return target == nn.ErrFormat }
