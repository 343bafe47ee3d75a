package imbalance

import "math"

// balance returns the survey's C1 and C2 of section 3.6, both 0 for classes of equal size:
//
//	C1 = 1 + sum_c p_c ln p_c / ln k
//	C2 = 1 - 1/IR, IR = (k-1)/k sum_c n_c/(n-n_c)
//
// and the ratio of the largest class to the smallest.
func balance(counts []int) (c1, c2, ratio float64) {
	n, k := 0, float64(len(counts))
	least, most := counts[0], counts[0]
	for _, c := range counts {
		n += c
		least, most = min(least, c), max(most, c)
	}
	if least == most {
		return 0, 0, 1 // exactly
	}
	entropy, ir := 0.0, 0.0
	for _, c := range counts {
		p := float64(c) / float64(n)
		entropy -= p * math.Log(p)
		ir += float64(c) / float64(n-c)
	}
	ir *= (k - 1) / k
	return 1 - entropy/math.Log(k), 1 - 1/ir, float64(most) / float64(least)
}
