package onnx_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"

	"github.com/whybook/whybook/datasets"
	"github.com/whybook/whybook/xai/nn"
	"github.com/whybook/whybook/xai/nn/onnx"
	"github.com/whybook/whybook/xai/nn/onnx/internal/pb"
	"gonum.org/v1/gonum/mat"
)

// A model from a file has named layers, like one made here.
func ExampleReadFile() {
	net, err := onnx.ReadFile("testdata/network-17.onnx")
	if err != nil {
		log.Fatal(err)
	}
	for _, l := range net.Arch().Layers()[:3] {
		fmt.Println(l.Name, l.Output, l.Params)
	}
	scores, err := net.Scores(context.Background(), mat.NewDense(2, 3*8*8, nil))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(scores.Dims())
	// Output:
	// Conv_0 4x8x8 112
	// Relu_1 4x8x8 0
	// Conv_2 4x8x8 36
	// 2 5
}

// Networks go to other tools and come back.
func ExampleWrite() {
	net, err := nn.LeNet(datasets.Shape{Channels: 1, Height: 28, Width: 28}, 10).Init(1)
	if err != nil {
		log.Fatal(err)
	}
	var file bytes.Buffer
	if err := onnx.Write(&file, net); err != nil {
		log.Fatal(err)
	}
	back, err := onnx.Read(&file)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(len(back.Arch().Layers()) == len(net.Arch().Layers()), back.Arch().End())
	// Output: true fc3
}

// What cannot be read says which node is to blame.
func ExampleUnsupportedError() {
	_, err := onnx.Read(bytes.NewReader(recurrent()))
	var unsupported *onnx.UnsupportedError
	if errors.As(err, &unsupported) {
		fmt.Println(unsupported.Op, "in", unsupported.Node)
	}
	fmt.Println(err)
	// Output:
	// LSTM in encoder
	// onnx: node "encoder": operator LSTM is not supported here: it needs a layer of its own, which has no counterpart here
}

// recurrent is a model with a layer that has no counterpart.
func recurrent() []byte {
	m := model()
	m.Graph.Nodes[0] = pb.Node{Name: "encoder", Op: "LSTM", Inputs: []string{"image"}, Outputs: []string{"c"}}
	return m.Marshal()
}
