package soxai

import (
	"math"

	"github.com/whybook/whybook/xai"
)

// shrink resizes a plane by averaging areas: pixel (i, j) of the result is the mean over the
// part of the plane that it covers, where pixels that are cut count by the part within.
type shrink struct {
	h, w, toH, toW int
	rows, columns  [][]weight // of each row and column of the result
}

// weight is the part of a source pixel that belongs to a target pixel.
type weight struct {
	at    int
	share float64
}

func newShrink(h, w, toH, toW int) shrink {
	return shrink{h, w, toH, toW, overlaps(h, toH), overlaps(w, toW)}
}

func overlaps(from, to int) [][]weight {
	list := make([][]weight, to)
	step := float64(from) / float64(to)
	for i := range to {
		lo, hi := float64(i)*step, float64(i+1)*step
		for p := int(lo); p < from && float64(p) < hi; p++ {
			if part := math.Min(hi, float64(p+1)) - math.Max(lo, float64(p)); part > 1e-9 {
				list[i] = append(list[i], weight{p, part / step})
			}
		}
	}
	return list
}

// to writes the resized plane into dst, toH x toW.
func (s shrink) to(dst, plane []float64) {
	for i, rows := range s.rows {
		for j, columns := range s.columns {
			sum := 0.0
			for _, v := range rows {
				for _, u := range columns {
					sum += v.share * u.share * plane[v.at*s.w+u.at]
				}
			}
			dst[i*s.toW+j] = sum
		}
	}
}

// embed writes into dst the alpha-weighted spatial mean of what a layer puts out, equation 1
// of the paper:
//
//	f_n = sum_ij M_ijn alpha_ij / sum_ij alpha_ij
//
// features is channel-major, alpha has the layer's height x width and a positive sum.
func embed(dst, features, alpha []float64, l xai.Layer) {
	total := 0.0
	for _, a := range alpha {
		total += a
	}
	area := l.Height * l.Width
	for n := range dst {
		sum := 0.0
		for p, a := range alpha {
			sum += features[n*area+p] * a
		}
		dst[n] = sum / total
	}
}

// unit scales a row to length 1; a row of zeros stays.
func unit(row []float64) {
	sum := 0.0
	for _, v := range row {
		sum += v * v
	}
	if sum == 0 {
		return
	}
	for j := range row {
		row[j] /= math.Sqrt(sum)
	}
}
