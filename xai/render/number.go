package render

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// limit is the largest magnitude that is drawn: beyond it, differences of two values
// overflow.
const limit = 1e300

// finite returns an error naming the first value that is not a number of usable size.
func finite(where, what string, values []float64, nanAllowed bool) error {
	for i, v := range values {
		if math.IsNaN(v) && nanAllowed {
			continue
		}
		if math.IsNaN(v) || math.Abs(v) > limit {
			hint := "replace or drop it first"
			if nanAllowed {
				hint = "replace it, with NaN if there is no value"
			}
			return fmt.Errorf("%s: %s %d is %v; %s: %w", where, what, i, v, hint, ErrNotFinite)
		}
	}
	return nil
}

// number writes v with three significant digits, the way prose and tick labels need it.
func number(v float64) string {
	if v == 0 {
		return "0" // not "-0"
	}
	s := strconv.FormatFloat(v, 'g', 3, 64)
	if a := math.Abs(v); a >= 1000 && a < 1e5 {
		s = strconv.FormatFloat(v, 'f', 0, 64)
	}
	return tidyExponent(s)
}

// tidyExponent turns 1e+06 into 1e6 and 1e-06 into 1e-6.
func tidyExponent(s string) string {
	mantissa, exp, ok := strings.Cut(s, "e")
	if !ok {
		return s
	}
	n, err := strconv.Atoi(exp)
	if err != nil {
		return s
	}
	return mantissa + "e" + strconv.Itoa(n)
}

// percent writes a share of one as "62 %".
func percent(share float64) string {
	switch p := share * 100; {
	case p > 0 && p < 1:
		return "below 1 %"
	case p > 99 && p < 100:
		return "over 99 %"
	default:
		return strconv.Itoa(int(math.Round(p))) + " %"
	}
}

// plural writes "1 pixel" or "3 pixels".
func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// tick is a labelled position on an axis.
type tick struct {
	at    float64
	label string
}

// ticks returns about n round positions in [lo, hi], at least the ends where no round
// number lies between them. Labels of one axis share their number of decimals.
func ticks(lo, hi float64, n int) []tick {
	span := hi - lo
	if !(span > 0) {
		return []tick{{lo, number(lo)}}
	}
	step := niceStep(span / float64(max(n, 1)))
	if step == 0 || math.IsInf(step, 0) || lo+step == lo && lo != 0 || hi-step == hi && hi != 0 {
		return []tick{{lo, number(lo)}, {hi, number(hi)}} // beyond the precision of float64
	}
	if math.Floor(hi/step+1e-9)-math.Ceil(lo/step-1e-9) < 1 && n < 20 {
		return ticks(lo, hi, n+1) // a single tick gives no scale
	}
	var out []tick
	label := labeller(math.Max(math.Abs(lo), math.Abs(hi)), step)
	for k := math.Ceil(lo/step - 1e-9); k*step <= hi+step*1e-9; k++ {
		at := k * step
		if math.Abs(k) < 0.5 {
			at = 0
		}
		out = append(out, tick{at, label(at)})
	}
	return out
}

// niceStep rounds up to 1, 2, 2.5 or 5 times a power of ten.
func niceStep(raw float64) float64 {
	base := math.Pow(10, math.Floor(math.Log10(raw)))
	for _, m := range []float64{1, 2, 2.5, 5} {
		if raw <= m*base*(1+1e-9) {
			return m * base
		}
	}
	return 10 * base
}

// labeller returns how to write multiples of step up to top.
func labeller(top, step float64) func(float64) string {
	exp := int(math.Floor(math.Log10(step) + 1e-9))
	if lead := step / math.Pow(10, float64(exp)); lead > 2.25 && lead < 2.75 {
		exp-- // 2.5 needs one decimal more
	}
	if top >= 1e5 || top < 1e-3 {
		digits := max(int(math.Floor(math.Log10(top)+1e-9))-exp, 0)
		return func(v float64) string {
			if v == 0 {
				return "0"
			}
			return tidyExponent(strconv.FormatFloat(v, 'e', min(digits, 4), 64))
		}
	}
	return func(v float64) string {
		if v == 0 {
			return "0"
		}
		return strconv.FormatFloat(v, 'f', max(-exp, 0), 64)
	}
}
