"""Compares FLINT's training with plain training of its predictor, in Whybook and PyTorch.

    python3 docs/benchmarks/flint.py [--rounds 5] [--threads 2] [--images 3200] [--epoch 60000]

Needs Go and, in this Python, torch. Run it from the root of the repository on an idle
machine; with other work on the same processors, use --threads 1 and read processor times.

Each round trains, in PyTorch and then in Go (BenchmarkEpoch of xai/flint), the paper's
network for MNIST in batches of 16: f alone on its own loss, and FLINT in the authors'
formulation with all terms of the loss, on the first digits of the repository. PyTorch has the
images in memory and no loader beside it. The table has the least and the median over the rounds,
per epoch of --epoch images: times of --images images, scaled. Ratios below it: Go / PyTorch,
and FLINT / plain on each side.
"""

import argparse
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join("xai", "flint", "testdata"))

import torch
from golden import mnist_preset, schedule
from reference import adam, epoch_of, idx

KINDS = ("plain", "flint")
TIMES = ("wall", "processor")


def trainer(kind, images):
    """Returns a function that passes once over the images and returns seconds: wall, processor."""
    torch.manual_seed(1)
    net, generator = mnist_preset(), torch.Generator().manual_seed(1)
    optimiser = adam(net, kind == "plain")
    x, y = idx("train-images")[:images], idx("train-labels")[:images]
    weights = None if kind == "plain" else schedule(12)

    def run(rows=images):
        wall, cpu = time.perf_counter(), time.process_time()
        epoch_of(net, optimiser, x[:rows], y[:rows], generator, weights)
        return time.perf_counter() - wall, time.process_time() - cpu

    run(160)
    return run


def go_binary(folder):
    """Compiles the benchmarks of xai/flint; None if there are none."""
    binary = os.path.join(folder, "flint.test")
    if subprocess.run(["go", "list", "./xai/flint"], capture_output=True).returncode:
        return None
    subprocess.run(["go", "test", "-c", "-o", binary, "./xai/flint"], check=True)
    if not os.path.exists(binary):
        return None
    names = subprocess.run([binary, "-test.list", "^BenchmarkEpoch$"], check=True, capture_output=True, text=True, cwd="xai/flint").stdout
    return binary if "BenchmarkEpoch" in names.split() else None


def go_time(binary, kind, threads):
    """Returns seconds per image: wall and, where the benchmark reports it, processor."""
    out = subprocess.run([binary, "-test.run", "-", "-test.bench", f"^BenchmarkEpoch$/^{kind}$", "-test.benchtime", "1x"],
                         check=True, capture_output=True, text=True, cwd="xai/flint", env={**os.environ, "GOMAXPROCS": str(threads)}).stdout

    def metric(unit):
        m = re.search(rf"([\d.e+]+) {unit}\b", out)
        return float(m.group(1)) / 1e9 if m else None

    if metric("ns/image") is None:
        raise SystemExit(f"BenchmarkEpoch/{kind} of xai/flint reports no ns/image:\n{out}")
    return metric("ns/image"), metric("cpu-ns/image")


def summary(side, kind, column, epoch):
    """Returns the least and the median, in seconds per epoch; None without values."""
    values = [r[column] for r in side[kind]]
    if not values or None in values:
        return None
    return min(values) * epoch, statistics.median(values) * epoch


def ratio(a, b):
    return ("–", "–") if a is None or b is None else tuple(f"{p / q:.2f}" for p, q in zip(a, b))


def show(value):
    return ("–", "–") if value is None else tuple(f"{v:.1f}" for v in value)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--images", type=int, default=3200)
    parser.add_argument("--epoch", type=int, default=60000)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    go = subprocess.run(["go", "version"], check=True, capture_output=True, text=True).stdout.split()[2]
    runs = {kind: trainer(kind, args.images) for kind in KINDS}
    ours, theirs = {k: [] for k in KINDS}, {k: [] for k in KINDS}
    with tempfile.TemporaryDirectory() as folder:
        binary = go_binary(folder)
        if binary is None:
            print("xai/flint has no BenchmarkEpoch: only PyTorch is measured.\n")
        for _ in range(args.rounds):
            for kind in KINDS:
                theirs[kind].append([t / args.images for t in runs[kind]()])
                if binary:
                    ours[kind].append(go_time(binary, kind, args.threads))
    print(f"torch {torch.__version__}, {go}, {platform.machine()}, {args.threads} threads, {args.rounds} rounds of {args.images} images; "
          f"seconds per epoch of {args.epoch}\n")
    print("| training | time | Go min | PyTorch min | ratio | Go median | PyTorch median | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for column, what in enumerate(TIMES):
        for kind in KINDS:
            a, b = summary(ours, kind, column, args.epoch), summary(theirs, kind, column, args.epoch)
            print("| " + " | ".join([kind, what] + [v for t in zip(show(a), show(b), ratio(a, b)) for v in t]) + " |")
    print()
    for side, name in ((ours, "Go"), (theirs, "PyTorch")):
        for column, what in enumerate(TIMES):
            low, mid = ratio(*(summary(side, kind, column, args.epoch) for kind in reversed(KINDS)))
            if low != "–":
                print(f"{name}, {what}: FLINT takes {low} times plain training (min), {mid} (median)")


if __name__ == "__main__":
    main()
