package ir

import (
	"math"
	"testing"
)

// Remainders have the sign of the divisor: https://onnx.ai/onnx/operators/onnx__Mod.html
func TestRemainders(t *testing.T) {
	for _, test := range []struct {
		a, b, want Int
		refused    bool
	}{
		{a: Int{Const: 11}, b: Int{Const: 4}, want: Int{Const: 3}},
		{a: Int{Const: -11}, b: Int{Const: 4}, want: Int{Const: 1}},
		{a: Int{Const: 11}, b: Int{Const: -4}, want: Int{Const: -1}},
		{a: Int{Const: -11}, b: Int{Const: -4}, want: Int{Const: -3}},
		{a: Int{Const: -8}, b: Int{Const: 4}},
		{a: Int{Const: math.MinInt64}, b: Int{Const: -1}},
		{a: Int{Const: -1}, b: Int{Const: math.MaxInt64}, want: Int{Const: math.MaxInt64 - 1}},
		{a: Int{Const: 7, Batch: 6}, b: Int{Const: 3}, want: Int{Const: 1}}, // whatever the batch size
		{a: Int{Batch: 1}, b: Int{Const: 2}, refused: true},
		{a: Int{Const: 5}, b: Int{Batch: 1}, refused: true},
		{a: Int{Const: 5}, b: Int{}, refused: true},
	} {
		got, ok := compute("Mod", test.a, test.b)
		if ok == test.refused || ok && got != test.want {
			t.Errorf("%v mod %v: %v, %v; want %v, %v", test.a, test.b, got, ok, test.want, !test.refused)
		}
	}
}
