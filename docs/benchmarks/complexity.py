"""Compares Whybook's complexity table with pymfe's, in alternation.

    python3 docs/benchmarks/complexity.py [--rounds 5] [rows ...]

Needs Go and, in this Python, pymfe and gower. Run it from the root of the repository on an
idle machine; with other work on the same processors, read the ratios.

A table has that many rows, 20 features and 3 overlapping classes: one of those in
BenchmarkComplexity of xai/imbalance. Each round measures it on either side: all measures of
pymfe's group "complexity", and Whybook's whole table by the same convention. That table also
has values for each class against the others; pymfe has none, but gives such values when it is
run once for each class on two-class labels, which is measured too. Both sides are warm: pymfe
has measured another table before, and Go's time is the mean of five tables. Times are
milliseconds, medians over the rounds, and ratios pymfe / Go; processor time is the sum over
the processors, which other work disturbs less.
"""

import argparse
import os
import platform
import re
import statistics
import subprocess
import tempfile
import time
import warnings
from importlib.metadata import version

import numpy as np
from pymfe.mfe import MFE

SIZES = [250, 500, 1000, 2000]
COLUMNS = 20
TABLES = 5  # of a Go process


def blobs(n):
    rng = np.random.default_rng(1)
    y = np.minimum(rng.geometric(0.5, n) - 1, 2)
    x = rng.normal(size=(n, COLUMNS))
    x[:, 0] += 1.5 * y
    x[:, -1] += 0.75 * y * y
    return x, y


def python_time(n):
    """Returns wall and processor time in ms of the set, and wall time of the set and each class."""
    x, y = blobs(n)
    start, cpu = time.perf_counter(), time.process_time()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        MFE(groups=["complexity"]).fit(x, y, transform_num=False).extract()
        whole, used = (time.perf_counter() - start) * 1e3, (time.process_time() - cpu) * 1e3
        for label in np.unique(y):
            MFE(groups=["complexity"]).fit(x, (y == label).astype(int), transform_num=False).extract()
    return whole, used, (time.perf_counter() - start) * 1e3


def go_time(binary, n, convention):
    """Returns wall time in ms of one table and processor time in ms of the process."""
    child = subprocess.Popen(
        [binary, "-test.run", "-", "-test.bench", f"^BenchmarkComplexity$/^{convention}$/^{n}x{COLUMNS}$", "-test.benchtime", f"{TABLES}x"],
        stdout=subprocess.PIPE, text=True, cwd="xai/imbalance",
    )
    out = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = status
    return float(re.search(r"([\d.e+]+) ns/op", out).group(1)) / 1e6, (usage.ru_utime + usage.ru_stime) * 1e3 / TABLES


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--conventions", nargs="*", default=["PyMFE", "ECoL"])
    parser.add_argument("rows", nargs="*", type=int, default=SIZES)
    args = parser.parse_args()
    go = subprocess.run(["go", "version"], check=True, capture_output=True, text=True).stdout.split()[2]
    print(f"pymfe {version('pymfe')}, {go}, {platform.machine()}, {os.cpu_count()} processors, {args.rounds} rounds\n")
    print("| convention | rows | Go | pymfe, set | ratio | pymfe, set and classes | ratio | processor time: Go | pymfe, set | ratio |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        binary = os.path.join(folder, "imbalance.test")
        subprocess.run(["go", "test", "-c", "-o", binary, "./xai/imbalance"], check=True)
        python_time(100)
        for n in args.rows:
            theirs, ours = [], {c: [] for c in args.conventions}
            for _ in range(args.rounds):
                theirs.append(python_time(n))
                for c in args.conventions:
                    ours[c].append(go_time(binary, n, c))
            for c in args.conventions:
                go_wall, go_cpu = (statistics.median(t[i] for t in ours[c]) for i in (0, 1))
                wall, cpu, classes = (statistics.median(t[i] for t in theirs) for i in (0, 1, 2))
                cells = [f"{go_wall:.0f}", f"{wall:.0f}", f"{wall / go_wall:.1f}", f"{classes:.0f}", f"{classes / go_wall:.1f}"]
                cells += [f"{go_cpu:.0f}", f"{cpu:.0f}", f"{cpu / go_cpu:.1f}"]
                print(f"| {c} | {n} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
