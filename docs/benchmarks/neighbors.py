"""Compares Whybook's nearest neighbours with scikit-learn's brute force, in alternation.

    python3 docs/benchmarks/neighbors.py [--rounds 9] [sizes ...]

Needs Go and, in this Python, scikit-learn. Run it from the root of the repository on an
idle machine; with other work on the same processors, read the minima.

A size is rows x columns, one of those in BenchmarkNearest of xai/neighbors. Each round
finds the 5 nearest neighbours of all rows among the others once on either side, from the
matrix to the sorted lists. The table has the fastest round and the median in milliseconds,
and the ratio Go / scikit-learn of each; memory is the peak of the whole Go process, in MiB.
"""

import argparse
import os
import platform
import re
import statistics
import subprocess
import tempfile
import time

import numpy as np
import sklearn
from sklearn.neighbors import NearestNeighbors

SIZES = ["1000x64", "3100x64", "12406x64", "25000x64", "50000x64", "12406x784"]


def python_time(x):
    start = time.perf_counter()
    NearestNeighbors(n_neighbors=5, algorithm="brute").fit(x).kneighbors()
    return (time.perf_counter() - start) * 1e3


def go_time(binary, size):
    """Returns milliseconds and the peak memory of the process in MiB."""
    child = subprocess.Popen(
        [binary, "-test.run", "-", "-test.bench", f"^BenchmarkNearest$/^{size}$", "-test.benchtime", "1x"],
        stdout=subprocess.PIPE, text=True,
    )
    out = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = status
    return float(re.search(r"([\d.e+]+) ns/op", out).group(1)) / 1e6, usage.ru_maxrss / 1024


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("sizes", nargs="*", default=SIZES)
    args = parser.parse_args()
    go = subprocess.run(["go", "version"], check=True, capture_output=True, text=True).stdout.split()[2]
    print(f"scikit-learn {sklearn.__version__}, {go}, {platform.machine()}, {os.cpu_count()} processors, {args.rounds} rounds\n")
    print("| rows x columns | Go min | scikit-learn min | ratio | Go median | scikit-learn median | ratio | Go MiB |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        binary = os.path.join(folder, "neighbors.test")
        subprocess.run(["go", "test", "-c", "-o", binary, "./xai/neighbors"], check=True)
        for size in args.sizes:
            n, d = map(int, size.split("x"))
            rng = np.random.default_rng(7)
            x = np.maximum(0, rng.exponential(size=(10, d))[np.arange(n) % 10] + rng.normal(size=(n, d)) / 2)
            python_time(x[:1000])
            ours, theirs, memory = [], [], 0
            for _ in range(args.rounds):
                theirs.append(python_time(x))
                ms, peak = go_time(binary, size)
                ours.append(ms)
                memory = max(memory, peak)
            low = [min(side) for side in (ours, theirs)]
            mid = [statistics.median(side) for side in (ours, theirs)]
            print(f"| {size} | {low[0]:.1f} | {low[1]:.1f} | {low[0] / low[1]:.2f} "
                  f"| {mid[0]:.1f} | {mid[1]:.1f} | {mid[0] / mid[1]:.2f} | {memory:.0f} |", flush=True)


if __name__ == "__main__":
    main()
