"""Compares Whybook's saliency methods with Captum's on one network, in alternation.

    python3 docs/benchmarks/saliency.py [--rounds 9] [--threads 2 | --cpu] [methods ...]
    python3 docs/benchmarks/saliency.py --memory

Needs Go and, in this Python, torch and captum. Run it from the root of the repository on
an idle machine; with other work on the same processors, read the minima.

First both sides explain the same 32 images on the same weights: the largest difference of
two maps, relative to their largest value, in float64 and in float32. In float32 it is the
median of the images that counts: where a path or a noisy copy comes so close to a kink of
the network that rounding decides on which side it is, a single map may differ by more. A
difference beyond rounding ends the program, since then the times would say nothing.

Then each round runs a method for a number of calls in Captum and as many in Whybook (the
benchmarks of xai/saliency), in float32, so that both see the same disturbances. Captum
gets the batch size that was fastest for it among several, which is rarely its default. The
table has the fastest round and the median over the rounds, both of a round's mean, in
milliseconds per call, and the ratio Whybook / Captum of each.

With --cpu it is the processor time on one thread, which also tells something when other
programs run: threads that wait for each other, as those of PyTorch do after every
operation, wait for the other programs too.

With --memory, instead: the most memory that a process needs for integrated gradients of one
image with more and more steps (Linux).
"""

import argparse
import json
import os
import platform
import re
import statistics
import struct
import subprocess
import sys
import tempfile
import time
import warnings
from unittest import mock

import captum
import numpy as np
import torch
from captum.attr import IntegratedGradients, NoiseTunnel, Occlusion, Saliency
from engine import CNN

warnings.filterwarnings("ignore", message="Input Tensor 0 did not already require gradients")

SAMPLES, SIGMA = 50, 0.15
TOLERANCE = {"64": 1e-7, "32": 1e-5}  # in float64 too, Captum rounds the weights of steps and the maps of occlusion to float32


def gradient(model, x, y, _):
    return Saliency(model).attribute(x, target=y, abs=False)


def integrated_gradients(model, x, y, size):
    return IntegratedGradients(model).attribute(
        x, target=y, n_steps=SAMPLES, method="riemann_middle", internal_batch_size=size or None)


def smooth_grad(model, x, y, size):
    return NoiseTunnel(Saliency(model)).attribute(
        x, target=y, nt_samples=SAMPLES, stdevs=SIGMA, nt_samples_batch_size=size or None, abs=False)


def occlusion(model, x, y, size):
    with torch.no_grad():
        return Occlusion(model).attribute(
            x, target=y, sliding_window_shapes=(1, 4, 4), strides=(1, 2, 2), perturbations_per_eval=size)


# The Go benchmark, Captum's side, the sizes that Captum may choose from (0 is its default,
# all at once), and how many calls make a round; the latter two for 1 and for 32 images.
METHODS = {
    "gradient": ("Gradient", gradient, {1: (0,), 32: (0,)}, {1: 200, 32: 10}),
    "ig": ("IntegratedGradients50", integrated_gradients, {1: (0,), 32: (0, 64, 128)}, {1: 10, 32: 1}),
    "smoothgrad": ("SmoothGrad50", smooth_grad, {1: (0, 8), 32: (0, 2, 4)}, {1: 10, 32: 1}),
    "occlusion": ("Occlusion", occlusion, {1: (1, 64, 169), 32: (1, 2, 8)}, {1: 10, 32: 1}),
}


def load(model, path):
    """Loads a safetensors file, whose names and layouts are PyTorch's."""
    with open(path, "rb") as f:
        data = f.read()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:8 + size])
    header.pop("__metadata__", None)
    tensors = {}
    for name, t in header.items():
        lo, hi = t["data_offsets"]
        assert t["dtype"] == "F32", t
        values = np.frombuffer(data[8 + size + lo:8 + size + hi], "<f4").reshape(t["shape"])
        tensors[name] = torch.from_numpy(values.copy())
    model.load_state_dict(tensors)
    return model.eval()


def compare(binary, model, methods):
    """Makes the maps of both sides for 32 images and prints their largest differences."""
    print("| method | float64, largest | float32, median image | float32, largest |\n|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        read = lambda name: np.fromfile(os.path.join(folder, name + ".f64"), "<f8")
        subprocess.run([binary, "-test.run", "^TestWriteForCaptum$"], check=True, capture_output=True,
                       cwd="xai/saliency", env={**os.environ, "WHYBOOK_CAPTUM": folder})
        load(model, os.path.join(folder, "weights.safetensors"))
        images, noise = read("images").reshape(32, 1, 28, 28), read("noise").reshape(SAMPLES, 1, 28, 28)
        y = torch.arange(32) % 10

        def normal(_, std):  # for NoiseTunnel: our noise, for every image all of its copies, not in float32 only
            return SIGMA * torch.tensor(np.tile(noise, (len(std) // SAMPLES, 1, 1, 1)), dtype=dtype)

        for method in methods:
            name, captums, _, _ = METHODS[method]
            cells = []
            for bits, dtype in (("64", torch.float64), ("32", torch.float32)):
                model.to(dtype)
                with mock.patch("torch.normal", normal):
                    theirs = captums(model, torch.tensor(images, dtype=dtype), y, 1 if method == "occlusion" else 0)
                theirs, ours = theirs.detach().double().numpy().reshape(32, -1), read(f"{name}-{bits}").reshape(32, -1)
                apart = np.abs(ours - theirs).max(1) / np.abs(theirs).max(1)
                cells += [f"{apart.max():.0e}"] if bits == "64" else [f"{np.median(apart):.0e}", f"{apart.max():.0e}"]
                if not (apart.max() if bits == "64" else np.median(apart)) <= TOLERANCE[bits]:
                    sys.exit(f"{method}: the maps differ by {cells[-1]} of their largest value in float{bits}")
            print(f"| {method} | {' | '.join(cells)} |", flush=True)
    print()


def python_time(call, calls, cpu):
    """Returns the mean time of a number of calls after the first one, in ms."""
    clock = time.process_time if cpu else time.perf_counter
    call()
    start = clock()
    for _ in range(calls):
        call()
    return (clock() - start) * 1e3 / calls


def go_time(binary, name, images, calls, threads, cpu):
    """Does the same for a Go benchmark."""
    def run(calls):
        """Returns what the benchmark prints, and the processor time of its process in ms."""
        process = subprocess.Popen(
            [binary, "-test.run", "-", "-test.bench", f"^Benchmark{name}$/^{images}$", "-test.benchtime", f"{calls}x"],
            stdout=subprocess.PIPE, text=True, cwd="xai/saliency", env={**os.environ, "GOMAXPROCS": str(threads)})
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        if status != 0:
            sys.exit(out)
        return out, (usage.ru_utime + usage.ru_stime) * 1e3

    if cpu:  # without what comes before the first call
        return (run(3 * calls)[1] - run(calls)[1]) / (2 * calls)
    return float(re.search(r"([\d.e+]+) ns/op", run(calls)[0]).group(1)) / 1e6


def peak(steps, size):
    """Prints the most memory that this process had, in MB, after integrated gradients."""
    model = CNN().requires_grad_(False).eval()
    IntegratedGradients(model).attribute(torch.rand(1, 1, 28, 28), target=0, n_steps=steps,
                                         method="riemann_middle", internal_batch_size=size or None)
    with open("/proc/self/status") as f:
        print(int(re.search(r"VmHWM:\s*(\d+) kB", f.read()).group(1)) / 1024)


def memory(binary):
    def run(*command, **options):
        return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout

    print("| steps | Whybook, MB | Captum, 64 points at once | Captum, all at once |\n|---|---|---|---|")
    for steps in (50, 500, 5000):
        out = run(binary, "-test.run", "-", "-test.bench", f"^BenchmarkMemory$/^{steps}$", "-test.benchtime", "1x", cwd="xai/saliency")
        ours = float(re.search(r"([\d.]+) peak-MB", out).group(1))
        theirs = [float(run(sys.executable, __file__, "--peak", str(steps), str(size))) for size in (64, 0)]
        print(f"| {steps} | {ours:.0f} | {theirs[0]:.0f} | {theirs[1]:.0f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("methods", nargs="*", default=list(METHODS))
    parser.add_argument("--cpu", action="store_true", help="processor time on one thread")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--peak", nargs=2, type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.cpu:
        args.threads = 1
    torch.set_num_threads(args.threads)
    if args.peak:
        peak(*args.peak)
        return
    go = subprocess.run(["go", "version"], check=True, capture_output=True, text=True).stdout.split()[2]
    print(f"captum {captum.__version__}, torch {torch.__version__}, {go}, {platform.machine()}, "
          f"{args.threads} threads, {args.rounds} rounds{', processor time' if args.cpu else ''}\n")
    with tempfile.TemporaryDirectory() as folder:
        binary = os.path.join(folder, "saliency.test")
        subprocess.run(["go", "test", "-c", "-o", binary, "./xai/saliency"], check=True)
        if args.memory:
            memory(binary)
            return
        model = CNN().requires_grad_(False)
        compare(binary, model, args.methods)
        print("| method | images | Captum's size | Whybook min | Captum min | ratio | Whybook median | Captum median | ratio |")
        print("|---|---|---|---|---|---|---|---|---|")
        for method in args.methods:
            name, captums, sizes, calls = METHODS[method]
            for images in (1, 32):
                x, y = torch.rand(images, 1, 28, 28), torch.arange(images) % 10
                n = calls[images]
                step = lambda size: lambda: captums(model, x, y, size)
                best = sizes[images][0]
                if len(sizes[images]) > 1:
                    best = min(sizes[images], key=lambda size: min(python_time(step(size), 1, args.cpu) for _ in range(2)))
                ours, theirs = [], []
                for _ in range(args.rounds):
                    theirs.append(python_time(step(best), n, args.cpu))
                    ours.append(go_time(binary, name, images, n, args.threads, args.cpu))
                low = [min(side) for side in (ours, theirs)]
                mid = [statistics.median(side) for side in (ours, theirs)]
                print(f"| {method} | {images} | {best or 'all'} | {low[0]:.2f} | {low[1]:.2f} | {low[0] / low[1]:.2f} "
                      f"| {mid[0]:.2f} | {mid[1]:.2f} | {mid[0] / mid[1]:.2f} |", flush=True)


if __name__ == "__main__":
    main()
