package imbalance

import "math/bits"

// square is an n x n matrix of bits.
type square struct {
	words int
	data  []uint64
}

func newSquare(n int) square {
	w := (n + 63) / 64
	return square{w, make([]uint64, w*n)}
}

func (s square) row(i int) []uint64 { return s.data[i*s.words : (i+1)*s.words] }

func (s square) set(i, j int) { s.data[i*s.words+j/64] |= 1 << (j % 64) }

func (s square) has(i, j int) bool { return s.data[i*s.words+j/64]>>(j%64)&1 != 0 }

// each calls f with the columns set in row i, in ascending order.
func (s square) each(i int, f func(j int)) {
	for w, word := range s.row(i) {
		for ; word != 0; word &= word - 1 {
			f(w*64 + bits.TrailingZeros64(word))
		}
	}
}

// shared counts the columns set in both rows.
func (s square) shared(i, j int) int {
	a, b := s.row(i), s.row(j)
	count := 0
	for w, word := range a {
		count += bits.OnesCount64(word & b[w])
	}
	return count
}
