#!/usr/bin/env python3
"""Makes the test models and what onnxruntime computes from them.

Every model is small, has weights from a fixed generator, and lies beside a .json file with
an input batch and the expected output. Run from this folder, in an environment with

    pip install onnx==1.17.0 onnxruntime==1.31.1 numpy==2.4.6

The versions matter for nothing but the last digits.
"""
import json
import zlib

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper

OPSETS = (11, 13, 17, 21)
CASES = []


def case(shape, opsets=OPSETS, batch="batch"):
    """Registers a function that builds a graph on an input of the given row shape."""
    def register(f):
        CASES.append((f.__name__, f, shape, opsets, batch))
        return f
    return register


class Graph:
    """Collects nodes; every method returns the name of its output."""

    def __init__(self, opset, seed):
        self.opset, self.nodes, self.weights = opset, [], []
        self.rng = np.random.default_rng(seed)

    def op(self, kind, *inputs, **attrs):
        out = f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [out], name=f"/{kind}_{len(self.nodes)}", **attrs))
        return out

    def const(self, value, dtype=np.int64):
        name = f"const_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.array(value, dtype=dtype), name))
        return name

    def weight(self, *shape, dtype=np.float32, scale=0.5, shift=0.0):
        return self.const(self.rng.standard_normal(shape) * scale + shift, dtype)

    # Operators whose settings moved between operator sets.
    def squeeze(self, x, *axes):
        return self.op("Squeeze", x, axes=list(axes)) if self.opset < 13 else self.op("Squeeze", x, self.const(axes))

    def unsqueeze(self, x, *axes):
        return self.op("Unsqueeze", x, axes=list(axes)) if self.opset < 13 else self.op("Unsqueeze", x, self.const(axes))

    def mean(self, x, *axes, keepdims=1):
        if self.opset < 18:
            return self.op("ReduceMean", x, axes=list(axes), keepdims=keepdims)
        return self.op("ReduceMean", x, self.const(axes), keepdims=keepdims)

    def sum(self, x, *axes, keepdims=1):
        if self.opset < 13:
            return self.op("ReduceSum", x, axes=list(axes), keepdims=keepdims)
        return self.op("ReduceSum", x, self.const(axes), keepdims=keepdims)

    def split(self, x, outputs, axis, sizes=None):
        """Splits in parts of the given sizes, or of the same size."""
        inputs, attrs = [x], {"axis": axis}
        if sizes and self.opset < 13:
            attrs["split"] = sizes
        elif sizes:
            inputs.append(self.const(sizes))
        elif self.opset >= 18:
            attrs["num_outputs"] = outputs
        first = self.op("Split", *inputs, **attrs)
        self.nodes[-1].output.extend(f"{first}_{i}" for i in range(1, outputs))
        return list(self.nodes[-1].output)


@case((3, 8, 7))
def conv(g, x):
    x = g.op("Conv", x, g.weight(4, 3, 3, 2), g.weight(4), kernel_shape=[3, 2], pads=[1, 0, 2, 1], strides=[2, 1])
    x = g.op("Conv", x, g.weight(6, 2, 3, 3), group=2, dilations=[2, 1], pads=[2, 1, 2, 1])
    x = g.op("Conv", x, g.weight(5, 6, 3, 3), auto_pad="SAME_UPPER", strides=[2, 2])
    x = g.op("Conv", x, g.weight(4, 5, 2, 2), auto_pad="SAME_LOWER")
    return g.op("Conv", x, g.weight(4, 1, 2, 2), g.weight(4), auto_pad="VALID", group=4)


@case((3, 11), opsets=(17,))
def sequence(g, x):
    x = g.op("Conv", x, g.weight(4, 3, 3), g.weight(4), pads=[1, 0], strides=[2])
    x = g.op("MaxPool", x, kernel_shape=[2], strides=[1], pads=[0, 1])
    return g.op("ConvTranspose", x, g.weight(4, 2, 3), strides=[2], pads=[1, 0], output_padding=[1])


@case((4, 4, 3))
def convtranspose(g, x):
    x = g.op("ConvTranspose", x, g.weight(4, 3, 3, 2), g.weight(3), strides=[2, 1], pads=[1, 0, 0, 1], output_padding=[1, 0])
    x = g.op("ConvTranspose", x, g.weight(3, 2, 2, 2), group=3, dilations=[1, 2])
    x = g.op("ConvTranspose", x, g.weight(6, 2, 3, 3), auto_pad="SAME_UPPER", strides=[2, 1])
    x = g.op("ConvTranspose", x, g.weight(2, 2, 3, 3), auto_pad="SAME_LOWER", strides=[1, 2])
    return g.op("ConvTranspose", x, g.weight(2, 1, 3, 3), strides=[1, 1], output_shape=[18, 11])


@case((2, 7, 8))
def maxpool(g, x):
    x = g.op("MaxPool", x, kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1])
    x = g.op("MaxPool", x, kernel_shape=[2, 3], strides=[3, 2], ceil_mode=1)
    x = g.op("MaxPool", x, kernel_shape=[2, 2], dilations=[1, 2], pads=[1, 0, 0, 1])
    return g.op("MaxPool", x, kernel_shape=[2, 2], auto_pad="SAME_UPPER")


@case((2, 9, 8))
def averagepool(g, x):
    a = g.op("AveragePool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 0, 1])
    b = g.op("AveragePool", x, kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 0, 1], count_include_pad=1)
    a = g.op("AveragePool", a, kernel_shape=[2, 2], auto_pad="SAME_LOWER")
    b = g.op("AveragePool", b, kernel_shape=[2, 2], auto_pad="SAME_LOWER")
    return g.op("Concat", a, b, axis=1)


@case((2, 8, 7))
def averagepoolceil(g, x):
    settings = dict(kernel_shape=[3, 2], strides=[2, 3], pads=[0, 1, 0, 0], ceil_mode=1)
    return g.op("Concat", g.op("AveragePool", x, **settings), g.op("AveragePool", x, count_include_pad=1, **settings), axis=1)


@case((3, 6, 6))
def dense(g, x):
    x = g.op("Flatten", x)
    x = g.op("Gemm", x, g.weight(108, 8), g.weight(8), alpha=0.5, beta=2.0)
    x = g.op("Gemm", x, g.weight(7, 8), g.weight(1, 7), transB=1)
    x = g.op("Gemm", x, g.weight(7, 6))
    x = g.op("Add", g.op("MatMul", x, g.weight(6, 5)), g.weight(5))
    return g.op("Gemm", x, g.weight(5, 4), g.const(0.25, np.float32), beta=2.0)


@case((3, 4), opsets=(17,))
def matmul(g, x):
    x = g.op("MatMul", x, g.weight(4, 5))
    return g.op("Relu", g.op("Add", x, g.weight(5)))


@case((3, 4), opsets=(13,))
def matvec(g, x):
    x = g.op("MatMul", x, g.op("Transpose", g.weight(4, 4)))
    return g.op("MatMul", x, g.weight(4))


@case((12,), opsets=(13, 17))
def unflatten(g, x):
    """What PyTorch writes for nn.Unflatten, whose axis may count from the end."""
    axis = g.op("Mod", g.const([-1]), g.const([2]))
    shape = g.op("Shape", x)
    lead = g.op("Slice", shape, g.const([0]), g.op("Reshape", axis, g.const([1])))
    rest = g.op("Slice", shape, g.op("Reshape", g.op("Add", axis, g.const([1])), g.const([1])), g.const([2**63 - 1]))
    y = g.op("Reshape", x, g.op("Concat", lead, g.const([3, 2, 2]), rest, axis=0))
    return g.op("Slice", y, g.const([0, 0]), g.op("Mod", g.const([11, -11]), g.const([4, 2])), g.const([1, 2]))


@case((4, 3, 3))
def elementwise(g, x):
    y = g.op("Add", x, g.weight(4, 1, 1))
    y = g.op("Mul", y, g.weight(1, 4, 3, 3))
    y = g.op("Sub", g.const(1.5, np.float32), y)
    y = g.op("Div", y, g.weight(3, shift=3))
    z = g.op("Sub", g.op("Mul", x, y), g.op("Div", x, g.op("Add", g.op("Mul", y, y), g.const([1.0], np.float32))))
    s = g.op("Sigmoid", g.op("GlobalAveragePool", z))
    z = g.op("Mul", z, s)
    z = g.op("Div", g.const([[[2.0]], [[1.0]], [[3.0]], [[4.0]]], np.float32), g.op("Add", g.op("Mul", z, z), g.const(1.0, np.float32)))
    z = g.op("Sub", z, g.weight(4, 3, 1))
    z = g.op("Sum", z, s, x)
    return g.op("Add", s, g.op("Sub", g.op("Add", z, x), g.weight(1, 1, 1, 3)))


@case((5,))
def activations(g, x):
    y = g.op("Relu", x)
    y = g.op("Concat", y, g.op("LeakyRelu", x), g.op("LeakyRelu", x, alpha=0.3), axis=1)
    y = g.op("Concat", y, g.op("Sigmoid", x), g.op("Tanh", x), g.op("Identity", x), axis=-1)
    lo, hi = g.const(-0.5, np.float32), g.const(0.75, np.float32)
    return g.op("Concat", y, g.op("Clip", x, lo, hi), g.op("Clip", x, "", hi), g.op("Clip", x, lo), axis=1)


@case((3, 4, 2))
def softmax(g, x):
    a = g.op("Softmax", x)
    b = g.op("LogSoftmax", x)
    c = g.op("Softmax", x, axis=1)
    d = g.op("LogSoftmax", x, axis=-2)
    return g.op("Add", g.op("Add", a, b), g.op("Sub", c, d))


@case((3, 5, 4))
def batchnorm(g, x):
    var = g.const(np.abs(g.rng.standard_normal(3)) + 0.5, np.float32)
    x = g.op("BatchNormalization", x, g.weight(3, shift=1), g.weight(3), g.weight(3), var, epsilon=1e-3, momentum=0.9)
    x = g.op("Dropout", x, **({"ratio": 0.4} if g.opset < 12 else {}))
    return g.op("Relu", x)


@case((4, 3, 2))
def mean(g, x):
    a = g.mean(x, 2, 3)
    b = g.mean(g.mean(x, 1, -1), 2, keepdims=0)
    return g.op("Add", g.op("Flatten", a), g.op("Flatten", b))


@case((4, 3, 2))
def reducesum(g, x):
    a = g.sum(x, 2, 3)
    b = g.sum(g.sum(x, 1, -1), 2, keepdims=0)
    y = g.op("Add", g.op("Flatten", a), g.op("Flatten", b))
    return y if g.opset < 13 else g.op("ReduceSum", y, noop_with_empty_axes=1)


@case((3, 4))
def powers(g, x):
    y = g.op("Sub", x, g.mean(x, -1))
    y = g.op("Neg", g.op("Pow", y, g.const(2.0, np.float32)))
    y = g.op("Add", g.op("Pow", y, g.const([1.0], np.float32)), g.op("Pow", x, g.const([[2]], np.float32 if g.opset < 12 else np.int64)))
    y = g.op("Mul", y, g.op("Neg", g.weight(4)))
    return g.op("Reshape", y, g.op("Concat", g.const([0]), g.op("Neg", g.const([1, -4])), axis=0))


@case((5, 6))
def split(g, x):
    a, b = g.split(x, 2, 2)
    c, d, e = g.split(g.op("Sub", a, b), 3, -2, [1, 3, 1])
    y = g.op("Concat", d, g.op("Mul", c, e), axis=1)
    n, h, w = g.split(g.op("Shape", y), 3, 0)
    y = g.op("Reshape", y, g.op("Concat", n, w, h, axis=0))
    if g.opset >= 18:  # the last part is shorter
        y = g.op("Concat", *reversed(g.split(y, 2, 1)), axis=1)
    return y


@case((2, 6, 5))
def shapes(g, x):
    """The shape arithmetic that PyTorch writes for x.view(x.size(0), -1) and its like."""
    n = g.op("Gather", g.op("Shape", x), g.const(0), axis=0)
    target = g.op("Concat", g.unsqueeze(n, 0), g.const([-1]), axis=0)
    y = g.op("Reshape", x, target)
    y = g.op("Reshape", y, g.const([0, 5, 4, 3]))
    h = g.op("Gather", g.op("Shape", y), g.const([2, 3]), axis=0)
    h = g.op("Div", g.op("Mul", g.op("Add", h, g.const([2, 3])), g.const(4)), g.const([3, 2]))
    h = g.op("Sub", h, g.const([2, 0]))
    cast = g.op("Cast", g.op("Cast", h, to=TensorProto.FLOAT), to=TensorProto.INT64)
    y = g.op("Reshape", y, g.op("Concat", g.op("Slice", g.op("Shape", y), g.const([0]), g.const([1])), g.const([-1]), g.op("Slice", cast, g.const([1]), g.const([2])), axis=0))
    pads = g.op("Concat", g.op("ConstantOfShape", g.const([2]), value=numpy_helper.from_array(np.array([0], np.int64))), g.const([1, 0, 0, 1]), axis=0)
    y = g.op("Pad", y, pads, g.const(0.5, np.float32))
    one = g.op("Constant", value=numpy_helper.from_array(np.array([1.0], np.float32)))
    y = g.op("Cast", g.op("Add", y, g.op("Identity", one)), to=TensorProto.FLOAT)
    y = g.op("Add", y, g.op("ConstantOfShape", g.op("Shape", y), value=numpy_helper.from_array(np.array([2.0], np.float32))))
    return g.squeeze(g.unsqueeze(y, 2, -1), 2)


@case((3, 4, 5))
def moves(g, x):
    y = g.op("Transpose", x, perm=[0, 2, 3, 1])
    y = g.op("Slice", y, g.const([0, -1, 1]), g.const([2**63 - 1, -(2**63), 3]), g.const([1, 2, 3]), g.const([2, -2, 1]))
    z = g.op("Gather", x, g.const([[0, -1], [1, 0]]), axis=2)
    z = g.op("Gather", z, g.const(1), axis=1)
    z = g.op("Transpose", z, perm=[0, 3, 1, 2])
    z = g.op("Slice", z, g.const([0, 0]), g.const([2**31 - 1, 3]), g.const([0, 1]))
    return g.op("Concat", y, g.op("Transpose", z, perm=[0, 2, 1, 3]), axis=2)


@case((2, 4, 5))
def pads(g, x):
    y = g.op("Pad", x, g.const([0, 1, 0, 2, 0, 0, 1, -1]))
    y = g.op("Pad", y, g.const([0, 0, 2, 1, 0, 0, 1, 3]), mode="reflect")
    y = g.op("Pad", y, g.const([0, 0, 0, 1, 0, 0, 1, 0]), mode="edge")
    if g.opset >= 18:
        y = g.op("Pad", y, g.const([1, 2]), g.const(-1.5, np.float32), g.const([-1]))
    if g.opset >= 19:
        y = g.op("Pad", y, g.const([0, 0, 2, 1, 0, 0, 1, 3]), mode="wrap")
    return y


@case((2, 3, 4))
def resize(g, x):
    def to(y, **attrs):
        return g.op("Resize", y, g.const([], np.float32), g.const([], np.float32), sizes, mode="nearest", **attrs)
    n = g.op("Slice", g.op("Shape", x), g.const([0]), g.const([2]))
    sizes = g.op("Concat", n, g.const([5, 7]), axis=0)
    up = g.op("Resize", x, g.const([], np.float32), g.const([1, 1, 2, 2], np.float32), mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    parts = [g.op("Flatten", up)]
    for where in ("half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"):
        for near in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil"):
            parts.append(g.op("Flatten", to(x, coordinate_transformation_mode=where, nearest_mode=near)))
    if g.opset >= 18:
        y = g.op("Resize", x, "", g.const([2.5, 1.5], np.float32), mode="nearest", axes=[2, 3])
        parts.append(g.op("Flatten", y))
    return g.op("Concat", *parts, axis=1)


@case((2, 3, 3), opsets=(17,), batch=1)
def fixedbatch(g, x):
    """A model exported for one image: every shape names the batch of 1."""
    y = g.op("Concat", x, g.weight(1, 1, 3, 3), axis=1)
    y = g.op("Reshape", y, g.const([1, 27]))
    return g.op("Gemm", y, g.weight(27, 3), g.weight(3))


@case((2, 3), opsets=(17,))
def rows(g, x):
    """Zeros for every row of the batch, joined to it: ResNet's option A without Pad."""
    shape = g.op("Concat", g.op("Shape", x, end=1), g.const([1, 3]), axis=0)
    return g.op("Concat", g.op("ConstantOfShape", shape), x, axis=1)


@case((3, 8, 8), opsets=(11, 17))
def network(g, x):
    """A small network with every common part, to import, explain and export."""
    a = g.op("Relu", g.op("Conv", x, g.weight(4, 3, 3, 3), g.weight(4), pads=[1, 1, 1, 1]))
    b = g.op("Conv", a, g.weight(4, 1, 3, 3), pads=[1, 1, 1, 1], group=4)
    var = g.const(np.abs(g.rng.standard_normal(4)) + 0.5, np.float32)
    b = g.op("BatchNormalization", b, g.weight(4, shift=1), g.weight(4), g.weight(4), var)
    a = g.op("Add", a, g.op("LeakyRelu", b, alpha=0.1))
    a = g.op("MaxPool", a, kernel_shape=[2, 2], strides=[2, 2])
    s = g.op("Sigmoid", g.op("Conv", g.op("GlobalAveragePool", a), g.weight(4, 4, 1, 1)))
    a = g.op("Mul", a, s)
    up = g.op("ConvTranspose", a, g.weight(4, 2, 2, 2), strides=[2, 2])
    a = g.op("Concat", g.op("AveragePool", up, kernel_shape=[2, 2], strides=[2, 2]), g.op("Tanh", a), axis=1)
    a = g.op("Reshape", a, g.const([0, -1]))
    return g.op("Gemm", a, g.weight(5, 96), g.weight(5), transB=1)


def half(dtype):
    def build(g, x):
        return g.op("Add", x, g.op("Cast", g.weight(4, dtype=dtype), to=TensorProto.FLOAT))
    return build


CASES.append(("float16", half(np.float16), (4,), (17,), "batch"))
CASES.append(("double", half(np.float64), (4,), (17,), "batch"))


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def main():
    for name, build, shape, opsets, batch in CASES:
        for opset in opsets:
            stem = f"{name}-{opset}"
            seed = zlib.crc32(name.encode())
            g = Graph(opset, seed)
            out = build(g, "x")
            g.nodes[-1].output[0] = "y"

            def model(result=None):
                graph = helper.make_graph(
                    g.nodes, name,
                    [helper.make_tensor_value_info("x", TensorProto.FLOAT, [batch, *shape])],
                    [helper.make_tensor_value_info("y", TensorProto.FLOAT, result)], g.weights)
                m = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], producer_name="make_models.py")
                m.ir_version = 10 if opset > 20 else 8
                return m

            n = 1 if batch == 1 else 2
            x = (np.random.default_rng(seed + 1).standard_normal((n, *shape)) * 1.5).astype(np.float32)
            session = ort.InferenceSession(model().SerializeToString(), providers=["CPUExecutionProvider"])
            y = session.run(None, {"x": x})[0]
            complete = model([batch, *y.shape[1:]])
            onnx.checker.check_model(complete)
            data = complete.SerializeToString(deterministic=True)
            with open(stem + ".onnx", "wb") as f:
                f.write(data)
            golden = json.dumps({"x": [round(float(v), 7) for v in x.ravel()], "shape": list(y.shape), "y": [float(f"{v:.7g}") for v in y.ravel()]}) + "\n"
            if opset == opsets[0]:
                common = golden
                write(name + ".json", golden)
            elif golden != common:  # an operator set with a result of its own
                write(stem + ".json", golden)


if __name__ == "__main__":
    main()
