package kernelext

import (
	"bytes"
	"context"
	"fmt"
	"io"
)

// Recipe describes a value that takes long to make. Data sets (datasets.Recipe) and
// trained networks (nn.Fit) are recipes.
type Recipe[T any] interface {
	// Key names everything that determines the value: two recipes with one key make
	// equal values.
	Key() string
	// Build makes the value.
	Build(ctx context.Context) (T, error)
	// Save and Load write a value to a cache and read it back. Load returns an error
	// for bytes that Save did not write.
	Save(w io.Writer, v T) error
	Load(r io.Reader) (T, error)
}

// Build returns the value that r describes: from memory if this cell has it already,
// else from the cache on disk, else by building it and putting it there. An entry that is
// damaged or of an older version is built anew. On an error Build shows it and ends the
// cell; recipes' own Build returns it.
//
// The value may be shared: treat it as read-only.
func Build[T any](r Recipe[T]) T {
	s := current()
	v, err := build(s, r)
	if err != nil {
		s.fail(err)
	}
	return v
}

func build[T any](s *session, r Recipe[T]) (T, error) {
	key := r.Key()
	s.mu.Lock()
	known, ok := s.memo[key].(T)
	s.mu.Unlock()
	if ok {
		return known, nil
	}
	v, err := fetch(s, key, r)
	s.bar.erase()
	if err == nil {
		s.mu.Lock()
		s.memo[key] = v
		s.mu.Unlock()
	}
	return v, err
}

// fetch reads the value from the cache or builds and stores it.
func fetch[T any](s *session, key string, r Recipe[T]) (T, error) {
	if s.cache != "" {
		payload, err := readEntry(s.cache, key)
		if err == nil {
			v, err := r.Load(bytes.NewReader(payload))
			if err == nil {
				return v, nil
			}
			fmt.Fprintf(s.stderr, "whybook: building anew, the cache entry cannot be used: %v\n", err)
		} else if damaged(err) {
			fmt.Fprintf(s.stderr, "whybook: building anew: %v\n", err)
		}
	}
	v, err := r.Build(s.ctx)
	if err != nil || s.cache == "" {
		return v, err
	}
	var payload bytes.Buffer
	if err := r.Save(&payload, v); err != nil {
		s.warn(err)
	} else if err := writeEntry(s.cache, key, payload.Bytes()); err != nil {
		s.warn(err) // a full or read-only disk: the value is good, only not kept
	}
	return v, nil
}
