"""Compares Whybook's trees, forests and clusterings with scikit-learn, in alternation.

    python3 docs/benchmarks/learners.py [--rounds 3] [--threads 2] [workloads ...]

Needs Go and, in this Python, scikit-learn. Run it from the root of the repository. The
workloads on MNIST need its four files in the folder of the variable WHYBOOK_DATA or in
Whybook's cache, where `go test ./xai/forest -run - -bench Tree -benchtime 1x` puts them.

Each round runs a workload once in scikit-learn and once in Go (the benchmarks of
xai/forest and xai/cluster), on the same data and with the round as the seed, so that both
see the same disturbances. The table has, of wall-clock and of processor time, the least and
the median over the rounds, and the ratio Go / scikit-learn of each; and the median of a
measure of the result on both sides: accuracy on the test digits, inertia, silhouette,
number of clusters.

On a machine that others use at the same time, read the processor times.
"""

import argparse
import gzip
import os
import re
import statistics
import subprocess
import tempfile
import time
import warnings

import numpy as np
import sklearn
import threadpoolctl
from sklearn.cluster import HDBSCAN, KMeans, MiniBatchKMeans, SpectralClustering
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import silhouette_score
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor


def idx(name):
    """Reads a file of MNIST."""
    cache = os.environ.get("WHYBOOK_CACHE") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "whybook")
    for folder in filter(None, (os.environ.get("WHYBOOK_DATA"), os.path.join(cache, "data"))):
        path = os.path.join(folder, name)
        if os.path.exists(path):
            raw = gzip.open(path).read()
            dims = [int.from_bytes(raw[4 + 4 * i:8 + 4 * i], "big") for i in range(raw[3])]
            return np.frombuffer(raw, np.uint8, offset=4 + 4 * raw[3]).reshape(dims[0], -1)
    raise SystemExit(f"{name} is neither in WHYBOOK_DATA nor in {cache}/data")


class Digits:
    """MNIST, read once."""

    def __init__(self):
        self.x, self.y = idx("train-images-idx3-ubyte.gz"), idx("train-labels-idx1-ubyte.gz").ravel()
        self.test, self.truth = idx("t10k-images-idx3-ubyte.gz"), idx("t10k-labels-idx1-ubyte.gz").ravel()

    def accuracy(self, classes):
        return float((classes == self.truth).mean())


def forest(digits, threads):
    def run(round):
        model = RandomForestClassifier(100, n_jobs=threads, random_state=round).fit(digits.x, digits.y)
        return lambda: digits.accuracy(model.predict(digits.test))

    return run


def predict(digits, threads):
    model = RandomForestClassifier(100, n_jobs=threads, random_state=0).fit(digits.x, digits.y)

    def run(_):
        classes = model.predict(digits.test)
        return lambda: digits.accuracy(classes)

    return run


def tree(digits, _):
    def run(round):
        model = DecisionTreeClassifier(random_state=round).fit(digits.x, digits.y)
        return lambda: digits.accuracy(model.predict(digits.test))

    return run


def regression(digits, _):
    x, y = digits.x[:10000], np.eye(10)[digits.y[:10000]]

    def run(round):
        model = DecisionTreeRegressor(max_depth=8, random_state=round).fit(x, y)
        return lambda: digits.accuracy(model.predict(digits.test).argmax(1))

    return run


def kmeans(x):
    def run(round):
        model = KMeans(10, n_init=10, random_state=round).fit(x)
        return lambda: float(model.inertia_)

    return run


def minibatch(x):
    def run(round):
        model = MiniBatchKMeans(10, random_state=round).fit(x)
        return lambda: float(((x - model.cluster_centers_[model.labels_]) ** 2).sum())

    return run


def silhouette(x):
    x, labels = x[:5000], np.arange(5000) % 10

    def run(_):
        value = silhouette_score(x, labels)
        return lambda: float(value)

    return run


def hdbscan(x):
    def run(_):
        model = HDBSCAN(min_cluster_size=5, copy=True).fit(x)
        return lambda: float(model.labels_.max() + 1)

    return run


def spectral(x):
    affinity = np.exp(-((x[:, None] - x[None]) ** 2).sum(2) / 32)

    def run(round):
        SpectralClustering(5, affinity="precomputed", random_state=round).fit(affinity)
        return lambda: float("nan")

    return run


# Package, benchmark, the function above, times in a round, and for tables their size.
WORKLOADS = {
    "forest": ("forest", "Forest", forest, 1, None),
    "predict": ("forest", "ForestPredict", predict, 20, None),
    "tree": ("forest", "Tree", tree, 1, None),
    "regression": ("forest", "Regression", regression, 1, None),
    "kmeans": ("cluster", "KMeans", kmeans, 1, (10000, 128)),
    "minibatch": ("cluster", "MiniBatch", minibatch, 3, (10000, 128)),
    "silhouette": ("cluster", "Silhouette", silhouette, 3, (10000, 128)),
    "hdbscan": ("cluster", "HDBSCAN", hdbscan, 1, (4000, 16)),
    "spectral": ("cluster", "Spectral", spectral, 1, (1000, 16)),
}


def python_time(run, round, times):
    """Returns the means of wall-clock and processor time in ms, and the measure."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(times):
        measure = run(round)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return wall * 1e3 / times, cpu * 1e3 / times, measure()


def go_time(binary, benchmark, round, times, threads, table):
    env = {**os.environ, "GOMAXPROCS": str(threads), "WHYBOOK_SEED": str(round)}
    if table:
        env["WHYBOOK_BENCH"] = table
    out = subprocess.run([binary, "-test.run", "-", "-test.bench", f"^Benchmark{benchmark}$", "-test.benchtime", f"{times}x"],
                         check=True, capture_output=True, text=True, env=env).stdout

    def metric(unit):
        return float(re.search(rf"([-\d.e+]+) {unit}", out).group(1))

    return metric("ns/op") / 1e6, metric("cpu-ms/op"), metric("measure")


def main():
    warnings.filterwarnings("ignore", category=FutureWarning)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("workloads", nargs="*", default=list(WORKLOADS))
    args = parser.parse_args()
    threadpoolctl.threadpool_limits(args.threads)
    go = subprocess.run(["go", "version"], check=True, capture_output=True, text=True).stdout.split()[2]
    print(f"scikit-learn {sklearn.__version__}, {go}, {args.threads} threads, {args.rounds} rounds; ms\n")
    print("| workload | time | Go min | sklearn min | ratio | Go median | sklearn median | ratio | measure: Go | sklearn |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    digits = None
    with tempfile.TemporaryDirectory() as folder:
        for name in args.workloads:
            package, benchmark, make, times, size = WORKLOADS[name]
            binary = os.path.join(folder, package + ".test")
            if not os.path.exists(binary):
                subprocess.run(["go", "test", "-c", "-o", binary, "./xai/" + package], check=True)
            table = None
            if size:
                x = np.random.default_rng(1).standard_normal(size)
                table = os.path.join(folder, name + ".bin")
                x.astype("<f8").tofile(table)
                run = make(x)
            else:
                digits = digits or Digits()
                run = make(digits, args.threads)
            theirs, ours = [], []
            for round in range(args.rounds):
                theirs.append(python_time(run, round, times))
                ours.append(go_time(binary, benchmark, round, times, args.threads, table))
            for column, what in enumerate(("wall", "processor")):
                a, b = [[r[column] for r in side] for side in (ours, theirs)]
                measures = ["%.6g" % statistics.median(r[2] for r in side) for side in (ours, theirs)] if column == 0 else ["", ""]
                print(f"| {name} | {what} | {min(a):.0f} | {min(b):.0f} | {min(a) / min(b):.2f} | {statistics.median(a):.0f} | "
                      f"{statistics.median(b):.0f} | {statistics.median(a) / statistics.median(b):.2f} | {measures[0]} | {measures[1]} |", flush=True)


if __name__ == "__main__":
    main()
