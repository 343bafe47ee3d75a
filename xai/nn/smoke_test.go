package nn

import (
	"context"
	"testing"
	"time"

	"github.com/whybook/whybook/datasets"
	"gonum.org/v1/gonum/mat"
)

func TestSmoke(t *testing.T) {
	shape := datasets.Shape{Channels: 1, Height: 28, Width: 28}
	n, err := LeNet(shape, 10).Init(1)
	if err != nil {
		t.Fatal(err)
	}
	x := mat.NewDense(100, 784, nil)
	for i := range x.RawMatrix().Data {
		x.RawMatrix().Data[i] = float64(i%13) / 13
	}
	t0 := time.Now()
	s, err := n.Scores(context.Background(), x)
	t.Log(time.Since(t0), err, s.RawRowView(0))
	dst := mat.NewDense(100, 784, nil)
	for range 3 {
		t0 = time.Now()
		tg := make([]int, 100)
		_, err = n.Gradients(context.Background(), dst, x, tg)
		t.Log(time.Since(t0), err, dst.At(0, 100))
	}
	set := datasets.Set{Name: "t", Shape: shape, Classes: make([]string, 10), Labels: make([]int, 3200), Pixels: make([]uint8, 3200*784)}
	for i := range set.Labels {
		set.Labels[i] = i % 10
		set.Pixels[i*784+i%10*50] = 255
	}
	t0 = time.Now()
	n, err = LeNet(shape, 10).Fit(set, Training{Epochs: 1}).Build(context.Background())
	t.Log(time.Since(t0), err, n.History)
}
