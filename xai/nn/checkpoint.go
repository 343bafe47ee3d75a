package nn

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/whybook/whybook/xai/internal/graph"
	"github.com/whybook/whybook/xai/progress"
)

// ErrCheckpoint is matched by the error of a Training.Checkpoint folder that holds the
// state of another recipe, or something else.
var ErrCheckpoint = errors.New("checkpoint of something else")

// checkpoint is where a run keeps its state: a safetensors file with the weights, what
// the optimiser remembers, the best weights and, as metadata, the recipe's key, the
// history and a digest. The positions of the random streams need not be stored: every
// epoch has streams of its own.
type checkpoint struct {
	folder string
	key    string // of the recipe
}

const (
	checkpointFile   = "training.checkpoint"
	checkpointFormat = "whybook.training/1"
)

func (c *checkpoint) path() string { return filepath.Join(c.folder, checkpointFile) }

// write stores a state under the recipe's key. Readers see the whole new file or the whole
// old one.
func (c *checkpoint) write(list []tensor, meta map[string]string) (err error) {
	meta["format"], meta["key"] = checkpointFormat, c.key
	meta["sha256"] = digest(list, meta)
	if err := os.MkdirAll(c.folder, 0o777); err != nil {
		return err
	}
	f, err := os.CreateTemp(c.folder, "."+checkpointFile+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	err = writeSafetensors(f, list, meta)
	if err == nil {
		err = f.Sync() // else a power cut could leave the new name with half the bytes
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), c.path())
}

// read returns the stored state; no tensors if there is none. The error of a damaged file
// matches ErrFormat, that of a file for something else ErrCheckpoint.
func (c *checkpoint) read() (map[string]tensor, map[string]string, error) {
	data, err := os.ReadFile(c.path())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	tensors, meta, err := readSafetensors(bytes.NewReader(data))
	if err != nil {
		return nil, nil, fmt.Errorf("checkpoint %s: %w", c.path(), err)
	}
	// The checksum comes first: damage to the format's name is no other format. Only a file
	// that names another format and has no checksum never was a checkpoint.
	foreign := meta["format"] != checkpointFormat
	sum, summed := meta["sha256"]
	delete(meta, "sha256")
	if (summed || !foreign) && sum != digest(slices.Collect(maps.Values(tensors)), meta) {
		return nil, nil, fmt.Errorf("checkpoint %s: checksum does not match: %w", c.path(), ErrFormat)
	}
	if foreign {
		return nil, nil, fmt.Errorf("nn: %s is not a checkpoint of this version (format %q, not %q); choose another folder or delete the file: %w", c.path(), meta["format"], checkpointFormat, ErrCheckpoint)
	}
	if meta["key"] != c.key {
		return nil, nil, fmt.Errorf("nn: %s belongs to another recipe; choose another folder or delete the file.\nthere: %s\nhere: %s: %w", c.path(), meta["key"], c.key, ErrCheckpoint)
	}
	return tensors, meta, nil
}

// digest returns a checksum of tensors, in any order, and metadata.
func digest(list []tensor, meta map[string]string) string {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b tensor) int { return bytes.Compare([]byte(a.name), []byte(b.name)) })
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(meta)) {
		fmt.Fprintf(h, "%q %q\n", name, meta[name])
	}
	for _, t := range list {
		fmt.Fprintf(h, "%q %v %s %d\n", t.name, t.dims, t.dtype, len(t.bytes))
		h.Write(t.bytes)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// memory is a piece of a run's state with its name in the checkpoint.
type memory[T graph.Float] struct {
	name string
	dims []int
	data []T
}

// memories lists the run's state: every weight, what the optimiser remembers of those
// that are trained, and the best weights if there are any.
func (r *run[T]) memories() []memory[T] {
	var list []memory[T]
	for _, p := range r.engine.params {
		list = append(list, memory[T]{"weights/" + p.name, p.dims, p.data})
	}
	for i, p := range r.trained {
		for k, slot := range r.updater.slots {
			list = append(list, memory[T]{slot + "/" + p.name, p.dims, r.updater.state[i][k]})
		}
	}
	for i, data := range r.best {
		p := r.engine.params[i]
		list = append(list, memory[T]{"best/" + p.name, p.dims, data})
	}
	return list
}

// save writes the state after an epoch.
func (r *run[T]) save() error {
	if r.checkpoint == nil {
		return nil
	}
	history, err := json.Marshal(r.history)
	if err != nil {
		return fmt.Errorf("nn: checkpoint: %w", err)
	}
	var list []tensor
	for _, m := range r.memories() {
		list = append(list, encodeTensor(m.name, m.dims, m.data))
	}
	meta := map[string]string{"history": string(history), "steps": strconv.Itoa(r.updater.n)}
	if err := r.checkpoint.write(list, meta); err != nil {
		return fmt.Errorf("nn: checkpoint after epoch %d: %w", len(r.history), err)
	}
	return nil
}

// resume restores the state of an interrupted run, if there is one that is whole.
func (r *run[T]) resume(ctx context.Context, steps int) error {
	if r.checkpoint == nil {
		return nil
	}
	tensors, meta, err := r.checkpoint.read()
	if err == nil && tensors != nil {
		err = r.restore(tensors, meta)
	}
	if errors.Is(err, ErrFormat) {
		slog.WarnContext(ctx, "nn: training starts anew: "+err.Error())
		return nil
	}
	if done := len(r.history); err == nil && done > 0 {
		progress.ReportDetail(ctx, "train", done*steps, r.settings.Epochs*steps, fmt.Sprintf("resumed after epoch %d of %d", done, r.settings.Epochs))
	}
	return err
}

// restore takes over a stored state, all of it or nothing.
func (r *run[T]) restore(tensors map[string]tensor, meta map[string]string) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("checkpoint %s: %s: %w", r.checkpoint.path(), fmt.Sprintf(format, args...), ErrFormat)
	}
	var history []Epoch
	if err := json.Unmarshal([]byte(meta["history"]), &history); err != nil {
		return bad("history: %v", err)
	}
	n, err := strconv.Atoi(meta["steps"])
	if err != nil || n < 0 || len(history) == 0 || len(history) > r.settings.Epochs {
		return bad("%q steps in %d epochs", meta["steps"], len(history))
	}
	if r.settings.KeepBest {
		for _, p := range r.engine.params {
			r.best = append(r.best, make([]T, len(p.data)))
		}
	}
	list, dtype := r.memories(), encodeTensor[T]("", nil, nil).dtype
	for _, m := range list {
		if t := tensors[m.name]; !slices.Equal(t.dims, m.dims) || t.dtype != dtype || len(t.bytes) != widths[dtype]*len(m.data) {
			r.best = nil
			return bad("tensor %q has shape %v and type %q, not %v and %q", m.name, t.dims, t.dtype, m.dims, dtype)
		}
	}
	for _, m := range list {
		decodeTensor(m.data, tensors[m.name])
	}
	r.history, r.updater.n = history, n
	return nil
}

// kept says in an error message which epoch the checkpoint has.
func (r *run[T]) kept() string {
	if r.checkpoint == nil || len(r.history) == 0 {
		return ""
	}
	return fmt.Sprintf(" (epoch %d is in %s)", len(r.history), r.checkpoint.path())
}
