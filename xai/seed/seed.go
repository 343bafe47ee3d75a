// Package seed gives every consumer of randomness its own stream.
//
// A stream is named by a path under a user's seed, for instance
// Stream(7, "forest", 12) for the twelfth tree. Streams depend on nothing but the seed
// and the path, never on the clock, on the order in which goroutines run or on how
// many numbers another stream has used, so a result has the same bytes for any number
// of workers.
package seed

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
)

// Stream returns the random stream at path under seed. Path elements may be strings
// and integers; the types are part of the name ("1" and 1 are two streams). Seed 0 is
// a stream like any other.
func Stream(seed uint64, path ...any) *rand.Rand {
	key := derive(seed, path)
	return rand.New(rand.NewChaCha8(key))
}

// Sub returns a seed for a nested component that takes a seed of its own.
func Sub(seed uint64, path ...any) uint64 {
	key := derive(seed, path)
	return binary.LittleEndian.Uint64(key[:8])
}

// derive hashes seed and path. Every element is written with its type and length, so
// that no two paths can spell the same bytes.
func derive(seed uint64, path []any) [32]byte {
	h := sha256.New()
	var b [9]byte
	word := func(kind byte, v uint64) {
		b[0] = kind
		binary.LittleEndian.PutUint64(b[1:], v)
		h.Write(b[:])
	}
	word('s', seed)
	for _, p := range path {
		switch v := p.(type) {
		case string:
			word('t', uint64(len(v)))
			h.Write([]byte(v))
		case int:
			word('i', uint64(int64(v)))
		case uint64:
			word('u', v)
		default:
			// A path is written in source code, never read from input.
			panic(fmt.Sprintf("seed: path element %v has type %T; use string, int or uint64", p, p))
		}
	}
	var key [32]byte
	h.Sum(key[:0])
	return key
}
