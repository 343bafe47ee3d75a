"""Compares Whybook's principal components and t-SNE with scikit-learn's, in alternation.

    python3 docs/benchmarks/project.py [--rounds 3] [--threads 2] [--processor] [pca] [tsne] [large]

Needs Go and, in this Python, scikit-learn. Run it from the root of the repository on an
idle machine. With other work on the same processors, --processor --threads 1 compares the
processor time of one thread instead: waiting threads of either side would distort both.

The data are the 5,000 training digits of MNIST that the repository holds: 784 columns for
pca; for tsne, with the defaults of both sides, the first 50 components. For large, t-SNE in
Whybook alone runs on 20,000 digits: each one at four positions.

Each round runs one side and then the other. Divergences are computed here from the
positions, for both sides by the same code: with affinities of the 90 nearest neighbours at
perplexity 30 and normalised over all pairs.
"""

import argparse
import gzip
import os
import platform
import re
import resource
import statistics
import subprocess
import tempfile
import time

import numpy as np
import scipy.sparse as sparse
import sklearn
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits


def digits():
    with gzip.open("datasets/mnist/train-images.gz") as file:
        return np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28) / 255.0


def affinities(x, perplexity=30.0):
    """Returns the symmetric sparse matrix P, whose entries add up to 1."""
    n, k = len(x), int(3 * perplexity)
    far, near = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(x).kneighbors()
    square = far**2 - far[:, :1] ** 2
    low, high = np.full(n, -50.0), np.full(n, 50.0)  # of log beta
    for _ in range(80):
        middle = (low + high) / 2
        beta = np.exp(middle)[:, None]
        w = np.exp(-square * beta)
        total = w.sum(1)
        wide = np.log(total) + (w * square * beta).sum(1) / total > np.log(perplexity)
        low, high = np.where(wide, middle, low), np.where(wide, high, middle)
    p = sparse.csr_array(((w / total[:, None]).ravel(), near.ravel(), np.arange(0, n * k + 1, k)), shape=(n, n))
    return (p + p.T) / (2 * n)


def divergence(p, y):
    """Returns the KL divergence of positions, with the normaliser over all pairs."""
    y = np.asarray(y, dtype=float)
    z = -float(len(y))
    for i in range(0, len(y), 1000):
        d = ((y[i : i + 1000, None] - y[None]) ** 2).sum(2)
        z += (1 / (1 + d)).sum()
    p = sparse.coo_array(p)
    kept = p.data > 0
    row, col, value = p.row[kept], p.col[kept], p.data[kept]
    return (value * np.log(value * z * (1 + ((y[row] - y[col]) ** 2).sum(1)))).sum()


def write(path, x):
    with open(path, "wb") as file:
        np.array([x.shape[1]], np.uint64).tofile(file)
        np.ascontiguousarray(x, np.float64).tofile(file)


def python_time(step, args):
    clock = time.process_time if args.processor else time.perf_counter
    start = clock()
    result = step()
    return clock() - start, result


def go_time(binary, name, times, args, folder):
    """Returns the mean time of a benchmark's runs."""

    def used():
        r = resource.getrusage(resource.RUSAGE_CHILDREN)
        return r.ru_utime + r.ru_stime

    before = used()
    out = subprocess.run(
        [binary, "-test.run", "-", "-test.bench", f"^Benchmark{name}$", "-test.benchtime", f"{times}x"],
        check=True, capture_output=True, text=True, cwd="xai/project",
        env={**os.environ, "GOMAXPROCS": str(args.threads), "WHYBOOK_PROJECT_BENCH": folder},
    ).stdout
    if args.processor:
        return (used() - before) / times  # with the reading of the data
    return float(re.search(r"([\d.e+]+) ns/op", out).group(1)) / 1e9


def line(what, ours, theirs, note=""):
    low, mid = [min(side) for side in (ours, theirs)], [statistics.median(side) for side in (ours, theirs)]
    print(f"| {what} | {low[0]:.3g} | {low[1]:.3g} | {low[0] / low[1]:.2f} "
          f"| {mid[0]:.3g} | {mid[1]:.3g} | {mid[0] / mid[1]:.2f} | {note} |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--processor", action="store_true")
    parser.add_argument("what", nargs="*", help="pca, tsne, large", default=["pca", "tsne"])
    args = parser.parse_args()
    go = subprocess.run(["go", "version"], check=True, capture_output=True, text=True).stdout.split()[2]
    print(f"scikit-learn {sklearn.__version__}, {go}, {platform.machine()}, {args.threads} threads, "
          f"{args.rounds} rounds, {'processor' if args.processor else 'elapsed'} time\n")
    images = digits()
    x = images.reshape(len(images), -1)
    z = PCA(50, svd_solver="full").fit_transform(x)
    with tempfile.TemporaryDirectory() as folder, threadpool_limits(args.threads):
        binary = os.path.join(folder, "project.test")
        subprocess.run(["go", "test", "-c", "-o", binary, "./xai/project"], check=True)
        write(os.path.join(folder, "pca.f64"), x)
        write(os.path.join(folder, "tsne.f64"), z)
        positions = lambda: np.fromfile(os.path.join(folder, "y.f64")).reshape(-1, 2)
        print("| seconds | Go min | sklearn min | ratio | Go median | sklearn median | ratio | |")
        print("|---|---|---|---|---|---|---|---|")
        if "pca" in args.what:
            ours, solvers = [], {"auto": [], "full": [], "covariance_eigh": []}
            for _ in range(3 * args.rounds):
                ours.append(go_time(binary, "PCA", 10, args, folder))
                for solver, theirs in solvers.items():
                    pca = PCA(50, svd_solver=solver, random_state=0)
                    theirs.append(python_time(lambda: pca.fit_transform(x), args)[0])
            for solver, theirs in solvers.items():
                line(f"PCA, {len(x):,} x 784, `{solver}`", ours, theirs)
        if "tsne" in args.what:
            p, ours, theirs = affinities(z), [], []
            for _ in range(args.rounds):
                seconds, y = python_time(lambda: TSNE(init="pca", random_state=0).fit_transform(z), args)
                theirs.append(seconds)
                ours.append(go_time(binary, "TSNE", 1, args, folder))
            line(f"t-SNE, {len(z):,} x 50", ours, theirs, f"KL {divergence(p, positions()):.4f} and {divergence(p, y):.4f}")
        if "large" in args.what:
            padded = np.pad(images, ((0, 0), (0, 1), (0, 1)))
            many = np.concatenate([padded[:, r : r + 28, c : c + 28] for r in (0, 1) for c in (0, 1)])
            z = PCA(50, svd_solver="full").fit_transform(many.reshape(len(many), -1))
            write(os.path.join(folder, "tsne.f64"), z)
            seconds = go_time(binary, "TSNE", 1, args, folder)
            print(f"\nt-SNE, {len(z):,} x 50, in Go: {seconds:.1f} s, KL {divergence(affinities(z), positions()):.4f}")


if __name__ == "__main__":
    main()
