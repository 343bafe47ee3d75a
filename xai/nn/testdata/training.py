"""Writes training.json: what PyTorch makes of the optimisers, schedules and losses.

    python3 training.py > training.json
"""
import json
import sys

import numpy as np
import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)
START = [0.5, -1.25, 2.0]
GRADS = [[0.3, -0.7, 0.01], [-0.2, 0.4, 0.02], [0.9, -0.1, 0.0], [0.05, 0.6, -0.4], [-0.8, -0.3, 0.25]]
# Long-tailed CIFAR-10, 100:1.
COUNTS = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50]


def optimiser(make):
    w = torch.tensor(START, requires_grad=True)
    o = make([w])
    path = []
    for g in GRADS:
        w.grad = torch.tensor(g)
        o.step()
        path.append(w.detach().tolist())
    return path


def cosine(epochs, end):
    o = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
    s = torch.optim.lr_scheduler.CosineAnnealingLR(o, T_max=epochs, eta_min=end)
    rates = []
    for _ in range(epochs):
        rates.append(o.param_groups[0]["lr"])
        o.step()
        s.step()
    return rates


def balanced(beta):
    # LDAM-DRW, cifar_train.py
    n = np.array(COUNTS)
    w = (1.0 - beta) / (1.0 - np.power(beta, n))
    return (w / np.sum(w) * len(n)).tolist()


def margins(max_m=0.5):
    # LDAM-DRW, losses.py
    m = 1.0 / np.sqrt(np.sqrt(COUNTS))
    return m * (max_m / np.max(m))


torch.manual_seed(1)
SCORES = torch.randn(6, 10).mul(2).tolist()
LABELS = [0, 9, 3, 3, 7, 1]


def loss(f):
    x = torch.tensor(SCORES, requires_grad=True)
    value = f(x, torch.tensor(LABELS))
    value.backward()
    return {"loss": value.item(), "grad": x.grad.tolist()}


def weighted_mean(each, weight, y):
    return (each * weight[y]).sum() / weight[y].sum()


def focal(gamma, weight):
    def f(x, y):
        ce = F.cross_entropy(x, y, reduction="none")
        return weighted_mean((1 - torch.exp(-ce)) ** gamma * ce, weight, y)

    return f


def ldam(weight, s=30):
    def f(x, y):
        m = torch.tensor(margins())
        hot = F.one_hot(y, 10).bool()
        return F.cross_entropy(s * torch.where(hot, x - m[y][:, None], x), y, weight=weight)

    return f


W = torch.tensor(balanced(0.9999))
ONE = torch.ones(10)
golden = {
    "versions": f"python {sys.version.split()[0]}, torch {torch.__version__}, numpy {np.__version__}",
    "start": START,
    "gradients": GRADS,
    "optimisers": {
        "sgd": optimiser(lambda p: torch.optim.SGD(p, lr=0.1)),
        "sgd momentum": optimiser(lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=2e-2)),
        "sgd nesterov": optimiser(lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.8, weight_decay=1e-2, nesterov=True)),
        "adam": optimiser(lambda p: torch.optim.Adam(p)),
        "adam decay": optimiser(lambda p: torch.optim.Adam(p, lr=0.02, betas=(0.8, 0.95), eps=1e-3, weight_decay=0.1)),
    },
    "cosine": cosine(12, 0.05),
    "counts": COUNTS,
    "balanced": {"0.9999": balanced(0.9999), "0.99": balanced(0.99)},
    "margins": margins().tolist(),
    "scores": SCORES,
    "labels": LABELS,
    "losses": {
        "cross-entropy": loss(F.cross_entropy),
        "smoothing": loss(lambda x, y: F.cross_entropy(x, y, label_smoothing=0.1)),
        "weights": loss(lambda x, y: F.cross_entropy(x, y, weight=W)),
        "weights and smoothing": loss(lambda x, y: F.cross_entropy(x, y, weight=W, label_smoothing=0.1)),
        "focal": loss(focal(1, ONE)),
        "focal 2 with weights": loss(focal(2, W)),
        "ldam": loss(ldam(None)),
        "ldam with weights": loss(ldam(W)),
    },
}
print("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in golden.items()) + "\n}")
