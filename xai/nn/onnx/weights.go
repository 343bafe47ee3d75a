package onnx

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"

	"github.com/whybook/whybook/xai/nn"
)

// Weights travel to and from a network in its own file format, safetensors.

// weight is one parameter tensor of a network.
type weight struct {
	name string // "conv1.weight"
	dims []int
	data []float32
}

// entry describes a tensor in the header of a safetensors file.
type entry struct {
	Dtype   string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets [2]int `json:"data_offsets"`
}

// assemble makes a network of an architecture and its weights.
func assemble(a nn.Arch, weights []weight) (*nn.Net, error) {
	header := map[string]entry{}
	at := 0
	for _, w := range weights {
		header[w.name] = entry{Dtype: "F32", Shape: w.dims, Offsets: [2]int{at, at + 4*len(w.data)}}
		at += 4 * len(w.data)
	}
	text, err := json.Marshal(header)
	if err != nil {
		return nil, err
	}
	file := make([]byte, 0, 8+len(text)+at)
	file = binary.LittleEndian.AppendUint64(file, uint64(len(text)))
	file = append(file, text...)
	for _, w := range weights {
		for _, v := range w.data {
			file = binary.LittleEndian.AppendUint32(file, math.Float32bits(v))
		}
	}
	return a.Load(bytes.NewReader(file), nil)
}

// weightsOf returns the weights of a network by name.
func weightsOf(net *nn.Net) (map[string]weight, error) {
	var file bytes.Buffer
	if err := net.Save(&file); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint64(file.Next(8))
	var header map[string]json.RawMessage
	if err := json.Unmarshal(file.Next(int(size)), &header); err != nil {
		return nil, err
	}
	delete(header, "__metadata__")
	data := file.Bytes()
	weights := make(map[string]weight, len(header))
	for name, raw := range header {
		var e entry
		if err := json.Unmarshal(raw, &e); err != nil {
			return nil, err
		}
		w := weight{name: name, dims: e.Shape}
		b := data[e.Offsets[0]:e.Offsets[1]]
		switch e.Dtype {
		case "F32":
			for ; len(b) > 0; b = b[4:] {
				w.data = append(w.data, math.Float32frombits(binary.LittleEndian.Uint32(b)))
			}
		case "F64":
			for ; len(b) > 0; b = b[8:] {
				w.data = append(w.data, float32(math.Float64frombits(binary.LittleEndian.Uint64(b))))
			}
		default:
			return nil, fmt.Errorf("tensor %q has type %q", name, e.Dtype)
		}
		weights[name] = w
	}
	return weights, nil
}
