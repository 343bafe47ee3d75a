package tree

import (
	"math/bits"
	"slices"
)

// sortKeys sorts keys by their upper halves, which are below places, and keeps the order of
// equal ones where lower halves ascend. It returns the sorted keys and the other of the two
// slices, which is scratch of at least the same length.
func sortKeys(keys, scratch []uint64, places int) (sorted, other []uint64) {
	if len(keys) < 128 { // where counting into 256 places costs more than comparing
		slices.Sort(keys)
		return keys, scratch
	}
	scratch = scratch[:len(keys)]
	for shift := 32; shift < 32+bits.Len(uint(places-1)); shift += 8 {
		var at [256]int
		for _, k := range keys {
			at[k>>shift&255]++
		}
		sum := 0
		for d, n := range at {
			at[d] = sum
			sum += n
		}
		for _, k := range keys {
			d := k >> shift & 255
			scratch[at[d]] = k
			at[d]++
		}
		keys, scratch = scratch, keys
	}
	return keys, scratch
}
