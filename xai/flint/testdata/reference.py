"""Writes reference.json: what FLINT reaches in PyTorch on the digits in this repository.

    python3 xai/flint/testdata/reference.py [--epochs 12] [--seeds 3] > xai/flint/testdata/reference.json

Run it from the root of the repository. The networks, losses, weights, schedule, batch size and
optimiser are the authors' for MNIST; the set is smaller: 5,000 training and 1,000 test digits.
PyTorch's own initial weights, float32, one thread. Rates are fractions of the test digits after
each epoch. Runs: "flint", FLINT with the authors' learning rate, where 12 epochs of so few digits
leave g far from its end; "plain", f alone on its own loss; "fast", FLINT with ten times the
learning rate; "fast, no entropy", the same without the entropy terms.
"""
import argparse
import gzip
import json
import statistics
import sys

import torch
import torch.nn.functional as F

from golden import TAUS, mnist_preset, relevance, schedule, terms, total

# Learning rates.
RUNS = {"flint": 1e-4, "plain": 1e-4, "fast": 1e-3, "fast, no entropy": 1e-3}
COMMAND = "python3 xai/flint/testdata/reference.py"


def idx(name):
    raw = bytearray(gzip.open(f"datasets/mnist/{name}.gz").read())
    data = torch.frombuffer(raw, dtype=torch.uint8, offset=4 + 4 * raw[3])
    return data.view(-1, 1, 28, 28).float() / 255 if raw[3] == 3 else data.long()


def epoch_of(net, optimiser, x, y, generator, weights):
    """One pass in batches of 16; weights None trains f alone."""
    net.train()
    for rows in torch.randperm(len(x), generator=generator).split(16):
        images, labels = x[rows], y[rows]
        if weights is None:
            loss = F.cross_entropy(net.predict(images)[1], labels)
        else:
            loss = total(terms(net(images), images, labels), w=weights)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return loss.item()


def adam(net, plain=False, lr=1e-4):
    return torch.optim.Adam(net.f.parameters() if plain else net.parameters(), lr=lr)


@torch.no_grad()
def measure(net, x, y, plain):
    net.eval()
    out = net(x)
    f, g = out["f"].argmax(1), out["g"].argmax(1)
    rate = lambda right: right.double().mean().item()
    m = {"f": rate(f == y)}
    if plain:
        return m
    r = relevance(out["phi"].double(), out["g"].double(), net.h["fc"].weight.double())
    t = terms(out, x, y)
    m.update({"g": rate(g == y), "fidelity": rate(f == g), "conciseness": r["conciseness"], "concisenessByMax": r["concisenessByMax"],
              "terms": {k: v.item() for k, v in t.items()}})
    classes = torch.tensor([c for c in r["rClass"] if c is not None])
    m["pairs"] = (classes > 0.1).sum().item()  # (class, attribute) with r above the authors' threshold
    m["strongPerClass"] = (classes > 0.5).sum(1).tolist()
    m["unused"] = (classes.max(0).values <= 0.1).sum().item()
    return m


def run(kind, seed, epochs, train, test):
    torch.manual_seed(seed)
    net, generator = mnist_preset(), torch.Generator().manual_seed(seed)
    plain, path = kind == "plain", []
    optimiser = adam(net, plain, RUNS[kind])
    for e in range(1, epochs + 1):
        weights = None if plain else schedule(e)
        if kind == "fast, no entropy":
            weights["ent"] = 0
        epoch_of(net, optimiser, *train, generator, weights)
        path.append({"epoch": e, **rounded(measure(net, *test, plain))})
        print(kind, seed, {k: v for k, v in path[-1].items() if k != "terms"}, file=sys.stderr, flush=True)
    return path


def rounded(v):
    if isinstance(v, dict):
        return {k: rounded(a) for k, a in v.items()}
    if isinstance(v, list):
        return [rounded(a) for a in v]
    return round(v, 5) if isinstance(v, float) else v


def summary(paths):
    """Mean and standard deviation (n-1) over the seeds, after the last epoch."""
    last = [p[-1] for p in paths]
    pair = lambda values: rounded([statistics.mean(values), statistics.stdev(values) if len(values) > 1 else 0.0])
    result = {}
    for k in ("f", "g", "fidelity", "pairs", "unused"):
        if k in last[0]:
            result[k] = pair([p[k] for p in last])
    for k in ("conciseness", "concisenessByMax"):
        if k in last[0]:
            result[k] = [pair(list(column)) for column in zip(*(p[k] for p in last))]
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("runs", nargs="*", default=list(RUNS))
    args = parser.parse_args()
    torch.set_num_threads(1)
    train, test = ([idx(part + "-images"), idx(part + "-labels")] for part in ("train", "test"))
    paths = {kind: [run(kind, seed, args.epochs, train, test) for seed in range(1, args.seeds + 1)] for kind in args.runs}
    result = {
        "versions": f"python {sys.version.split()[0]}, torch {torch.__version__}",
        "command": " ".join([COMMAND, *sys.argv[1:]]),
        "setting": {"train": len(train[0]), "test": len(test[0]), "epochs": args.epochs, "batch": 16, "rates": RUNS, "seeds": list(range(1, args.seeds + 1)), "taus": TAUS},
        "summary": {kind: summary(p) for kind, p in paths.items()},
    }
    print("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in result.items()) + ',\n"paths": {')
    print(",\n".join(f"{json.dumps(kind)}: [\n" + ",\n".join("[" + ",\n".join(map(json.dumps, p)) + "]" for p in ps) + "]" for kind, ps in paths.items()) + "}\n}")


if __name__ == "__main__":
    main()
