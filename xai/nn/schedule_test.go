package nn

import (
	"fmt"
	"testing"
)

func TestPaperSchedule(t *testing.T) {
	s := LongTailTraining(200).withDefaults()
	if err := s.check(Image(toyArch().input).Dense(3)); err == nil {
		t.Error("crops with 4 pixels of padding fit an image of 4 x 4")
	}
	if want := (SGD{Rate: 0.1, Momentum: 0.9, WeightDecay: 2e-4}); s.Optimizer != Optimizer(want) || s.Batch != 128 || s.Epochs != 200 {
		t.Errorf("%+v", s)
	}
	for epoch, want := range map[int]float64{
		1: 0.2, 2: 0.4, 4: 0.8, 5: 1, 6: 1, 159: 1, 160: 1, // warm-up over epochs 1 to 5
		161: 0.01, 180: 0.01, 181: 0.0001, 200: 0.0001,
	} {
		if got := s.Schedule.Factor(epoch, 200); got != want {
			t.Errorf("epoch %d: factor %v, the paper's code has %v", epoch, got, want)
		}
	}
	for epochs := 1; epochs <= 300; epochs++ {
		s := LongTailTraining(epochs)
		if err := s.Schedule.check(epochs); err != nil {
			t.Errorf("%d epochs: %v", epochs, err)
		}
	}
}

func TestStepsDefaults(t *testing.T) {
	s := Steps{At: []int{2, 4}, Warmup: 2}
	for i, want := range []float64{0.5, 1, 0.1, 0.1, 0.01, 0.01} {
		if got := s.Factor(i+1, 6); got != want {
			t.Errorf("epoch %d: factor %v, want %v", i+1, got, want)
		}
	}
}

func TestCosineAgainstPyTorch(t *testing.T) {
	want, c := pytorch(t).Cosine, Cosine{End: 0.05}
	var got []float64
	for epoch := 1; epoch <= len(want); epoch++ {
		got = append(got, c.Factor(epoch, len(want)))
	}
	if i := far(got, want, 1e-14); i >= 0 {
		t.Errorf("epoch %d: factor %v, PyTorch has %v", i+1, got[i], want[i])
	}
	warm := Cosine{Warmup: 4}
	for i, want := range []float64{0.25, 0.5, 0.75, 1, 1, 0.5} { // after the warm-up, half a cosine over 2 epochs
		if got := warm.Factor(i+1, 6); far([]float64{got}, []float64{want}, 1e-15) >= 0 {
			t.Errorf("epoch %d with warm-up: factor %v, want %v", i+1, got, want)
		}
	}
}

func ExampleSteps() {
	s := Steps{At: []int{160, 180}, Factors: []float64{0.01, 0.0001}, Warmup: 5}
	for _, epoch := range []int{1, 5, 160, 161, 200} {
		fmt.Println(epoch, s.Factor(epoch, 200))
	}
	// Output:
	// 1 0.2
	// 5 1
	// 160 1
	// 161 0.01
	// 200 0.0001
}
