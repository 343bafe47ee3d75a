"""A network to try the guide "Explain a model of your own" with: seconds to make.

    python -m venv venv && venv/bin/pip install torch onnx onnxscript numpy pillow
    venv/bin/python stripes.py

It writes 80 noisy images of bright stripes, across or upright, into images/<class>/, trains a
small network on them and exports it as model.onnx. Its scores of the first image of each class
are printed, to compare with what Whybook gets.
"""

import pathlib

import numpy as np
import torch
from PIL import Image
from torch import nn

torch.manual_seed(0)
rng = np.random.default_rng(0)
classes = ["across", "upright"]
x, y = [], []
for label, name in enumerate(classes):
    folder = pathlib.Path("images") / name
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(40):
        image = (rng.random((32, 32, 3)) * 90).astype(np.uint8)
        period = rng.integers(4, 9)
        bright = (np.arange(32) + rng.integers(0, period)) % period < period // 2
        if name == "across":
            image[bright, :] += 130
        else:
            image[:, bright] += 130
        Image.fromarray(image).save(folder / f"{i:03d}.png")
        x.append(image.transpose(2, 0, 1) / 255)
        y.append(label)
x, y = torch.tensor(np.array(x), dtype=torch.float32), torch.tensor(y)

# The network was trained on normalised images: (x - 0.3) / 0.25.
mean, std = 0.3, 0.25
model = nn.Sequential(
    nn.Conv2d(3, 8, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
    nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(),
    nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Dropout(0.2), nn.Linear(16, 2),
)
optimizer = torch.optim.Adam(model.parameters(), 1e-2)
for _ in range(40):
    optimizer.zero_grad()
    nn.functional.cross_entropy(model((x - mean) / std), y).backward()
    optimizer.step()

model.eval()
with torch.no_grad():
    scores = model((x - mean) / std)
print("right:", (scores.argmax(1) == y).float().mean().item())
print("scores of the first image of each class:", scores[[0, 40]].tolist())

torch.onnx.export(model, torch.zeros(2, 3, 32, 32), "model.onnx", opset_version=18, external_data=False,
                  input_names=["image"], output_names=["logits"], dynamic_shapes=({0: "n"},))
