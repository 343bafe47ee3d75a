#!/usr/bin/env python3
"""Writes resnet32.json: what onnxruntime makes of the published ResNet-32 on every 20th
image of the CIFAR-10 test set. Takes the paths of the model and of cifar10-test.bin.gz.

    pip install onnxruntime==1.31.1 numpy==2.4.6
"""
import gzip
import json
import sys

import numpy as np
import onnxruntime as ort

model, data = sys.argv[1:]
records = np.frombuffer(gzip.open(data).read(), np.uint8).reshape(-1, 3073)
mean = np.array([.4914, .4822, .4465], np.float32).reshape(3, 1, 1)
std = np.array([.2023, .1994, .2010], np.float32).reshape(3, 1, 1)
session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])


def logits(rows):
    x = (rows[:, 1:].reshape(-1, 3, 32, 32).astype(np.float32) / 255 - mean) / std
    return session.run(None, {"image": x.astype(np.float32)})[0]


every = records[::20]
y = logits(every)
total = sum(int((logits(r).argmax(1) == r[:, 0]).sum()) for r in np.split(records, 20))
json.dump({"correct_of_all": total, "top1": "".join(str(k) for k in y.argmax(1)), "logits": [[round(float(v), 4) for v in row] for row in y]},
          open("resnet32.json", "w"), separators=(",", ":"))
print(total, len(every), int((y.argmax(1) == every[:, 0]).sum()))
