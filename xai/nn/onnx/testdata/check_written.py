#!/usr/bin/env python3
"""Compares models that onnx.Write wrote with what onnxruntime makes of them:

    WHYBOOK_ONNX_OUT=/tmp/written go test ./xai/nn/onnx -run Written
    python3 check_written.py /tmp/written

    pip install onnx==1.17.0 onnxruntime==1.31.1 numpy==2.4.6
"""
import glob
import json
import sys

import numpy as np
import onnx
import onnxruntime as ort

for path in sorted(glob.glob(sys.argv[1] + "/*.onnx")):
    onnx.checker.check_model(onnx.load(path), full_check=True)
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    with open(path.removesuffix("onnx") + "json") as f:
        golden = json.load(f)
    shape = session.get_inputs()[0].shape[1:]
    x = np.array(golden["x"], np.float32).reshape(-1, *shape)
    y = session.run(None, {session.get_inputs()[0].name: x})[0].ravel()
    error = float(np.abs(y - np.array(golden["y"])).max())
    print(f"{path}: largest difference {error:.2g}")
    if not error < 1e-5:
        sys.exit("the scores differ")
