"""Compares Whybook's engine with PyTorch on two networks, in alternation.

    python3 docs/benchmarks/engine.py [--rounds 9] [--threads 2] [networks ...]

Needs Go and, in this Python, torch. Run it from the root of the repository on an idle
machine; with other work on the same processors, read the minima.

Each round runs a workload for a number of steps in PyTorch and then as many in Go (the
benchmarks of xai/nn, which a user's call goes through), so that both see the same
disturbances. The table has the fastest round and the median over the rounds, both of a
round's mean, in milliseconds per step, and the ratio Go / PyTorch of each.
"""

import argparse
import os
import platform
import re
import statistics
import subprocess
import tempfile
import time

import torch
import torch.nn as nn
import torch.nn.functional as F


class CNN(nn.Module):
    """1x28x28, conv3x3-32, ReLU, max-pool 2, conv3x3-64, ReLU, max-pool 2, dense 128, ReLU, dense 10."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 32, 3, padding=1)
        self.conv2 = nn.Conv2d(32, 64, 3, padding=1)
        self.fc1 = nn.Linear(64 * 7 * 7, 128)
        self.fc2 = nn.Linear(128, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        return self.fc2(F.relu(self.fc1(x.flatten(1))))


class Block(nn.Module):
    """Two 3x3 convolutions with batch normalisation and a shortcut without parameters."""

    def __init__(self, channels, filters, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(filters)
        self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(filters)
        self.stride, self.pad = stride, (filters - channels) // 2

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        if self.stride > 1:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.pad, self.pad))
        return F.relu(y + x)


class ResNet32(nn.Module):
    """CIFAR's ResNet-32: three stages of five blocks with 16, 32 and 64 channels."""

    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        blocks, channels = [], 16
        for filters in (16, 32, 64):
            for _ in range(5):
                blocks.append(Block(channels, filters, 2 if channels != filters else 1))
                channels = filters
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(64, 10)

    def forward(self, x):
        return self.fc(self.blocks(F.relu(self.bn1(self.conv1(x)))).mean((2, 3)))


NETWORKS = {"cnn": (CNN, (100, 1, 28, 28), 20), "resnet32": (ResNet32, (128, 3, 32, 32), 3)}
WORKLOADS = {"train": "TrainStep", "forward": "Forward", "gradient": "InputGradient"}
NAMES = {"cnn": "CNN", "resnet32": "ResNet32"}


def workload(network, what):
    """Returns a function that does one step."""
    make, shape, _ = NETWORKS[network]
    model, x, labels = make(), torch.randn(shape), torch.arange(shape[0]) % 10
    if what == "train":
        if network == "cnn":
            optimiser = torch.optim.Adam(model.parameters())
        else:
            optimiser = torch.optim.SGD(model.parameters(), 0.1, momentum=0.9, weight_decay=2e-4)

        def step():
            optimiser.zero_grad(set_to_none=True)
            F.cross_entropy(model(x), labels).backward()
            optimiser.step()

        return step
    model.eval().requires_grad_(False)
    if what == "forward":

        def step():
            with torch.no_grad():
                model(x)

        return step
    x.requires_grad_(True)

    def step():
        scores = model(x)
        torch.autograd.grad(scores.gather(1, labels[:, None]).sum(), x)

    return step


def python_time(step, steps):
    """Returns the mean time of a number of steps after the first one, in ms."""
    step()
    start = time.perf_counter()
    for _ in range(steps):
        step()
    return (time.perf_counter() - start) * 1e3 / steps


def go_time(binary, network, what, steps, threads):
    out = subprocess.run(
        [binary, "-test.run", "-", "-test.bench", f"^Benchmark{WORKLOADS[what]}{NAMES[network]}$", "-test.benchtime", f"{steps}x"],
        check=True, capture_output=True, text=True, cwd="xai/nn", env={**os.environ, "GOMAXPROCS": str(threads)},
    ).stdout
    return float(re.search(r"([\d.e+]+) ns/op", out).group(1)) / 1e6


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("networks", nargs="*", default=list(NETWORKS))
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    go = subprocess.run(["go", "version"], check=True, capture_output=True, text=True).stdout.split()[2]
    print(f"torch {torch.__version__}, {go}, {platform.machine()}, {args.threads} threads, {args.rounds} rounds\n")
    print("| network | step | Go min | PyTorch min | ratio | Go median | PyTorch median | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        binary = os.path.join(folder, "nn.test")
        subprocess.run(["go", "test", "-c", "-o", binary, "./xai/nn"], check=True)
        for network in args.networks:
            steps = NETWORKS[network][2]
            for what in WORKLOADS:
                step = workload(network, what)
                ours, theirs = [], []
                for _ in range(args.rounds):
                    theirs.append(python_time(step, steps))
                    ours.append(go_time(binary, network, what, steps, args.threads))
                low = [min(side) for side in (ours, theirs)]
                mid = [statistics.median(side) for side in (ours, theirs)]
                print(f"| {network} | {what} | {low[0]:.1f} | {low[1]:.1f} | {low[0] / low[1]:.2f} "
                      f"| {mid[0]:.1f} | {mid[1]:.1f} | {mid[0] / mid[1]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
