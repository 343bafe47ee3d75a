"""Writes golden.json: what PyTorch makes of FLINT, in float64, from the paper and the
authors' form of the losses, without a look at the Go code.

    python3 golden.py > golden.json

The tiny network has the structure of the paper's for MNIST: f is conv3x3, ReLU, conv3x3,
2x2 max-pool, ReLU (the hidden layer), dense, ReLU, dense; psi is conv3x3, LeakyReLU(0.01),
adaptive average pool to 3x3 (of 4x4, so that windows overlap, as with 14x14), dense,
LeakyReLU; h is dense; d is dense, 2x2x2, two transposed convolutions (3x3, stride 2, padding
1, output padding 1), each with ReLU. Arrays are row-major in PyTorch's shapes: conv
out,in,h,w; transposed conv in,out,h,w; dense out,in. Dropout is off throughout.
"""
import json
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

TAUS = [1.5, 2, 2.5, 3, 4, 5]
WEIGHTS = {"if": 0.8, "of": 0.5, "spa": 0.1, "ent": 0.2}


class Flint(nn.Module):
    """The paper's structure for MNIST, of any size. drop is the dropout of f (twice), and of h."""

    def __init__(self, size, classes, attributes, c1, c2, hidden, mid, seed, decoder, drop=(0, 0)):
        super().__init__()
        self.seed, self.grid = seed, size // 4
        self.drop_f, self.drop_h = nn.Dropout(drop[0]), nn.Dropout(drop[1])
        conv = lambda a, b: nn.Conv2d(a, b, 3, padding=1)
        up = lambda a, b: nn.ConvTranspose2d(a, b, 3, stride=2, padding=1, output_padding=1)
        self.f = nn.ModuleDict({"conv1": conv(1, c1), "conv2": conv(c1, c2), "fc1": nn.Linear(c2 * (size // 2) ** 2, hidden), "fc2": nn.Linear(hidden, classes)})
        self.psi = nn.ModuleDict({"conv": conv(c2, mid), "fc": nn.Linear(9 * mid, attributes)})
        self.h = nn.ModuleDict({"fc": nn.Linear(attributes, classes)})
        self.d = nn.ModuleDict({"fc": nn.Linear(attributes, seed * self.grid**2), "up1": up(seed, decoder), "up2": up(decoder, 1)})

    def predict(self, x):
        """f alone: the hidden layer and the scores."""
        hidden = F.relu(self.drop_f(F.max_pool2d(self.f["conv2"](F.relu(self.f["conv1"](x))), 2)))
        return hidden, self.f["fc2"](self.drop_f(F.relu(self.f["fc1"](hidden.flatten(1)))))

    def forward(self, x):
        hidden, f = self.predict(x)
        z = F.adaptive_avg_pool2d(F.leaky_relu(self.psi["conv"](hidden), 0.01), 3)
        phi = F.leaky_relu(self.psi["fc"](z.flatten(1)), 0.01)
        g = self.h["fc"](self.drop_h(phi))
        z = self.d["fc"](phi).view(-1, self.seed, self.grid, self.grid)
        return {"hidden": hidden, "f": f, "phi": phi, "g": g, "reconstruction": F.relu(self.d["up2"](F.relu(self.d["up1"](z))))}


def entropy(v):
    p = F.softmax(v, -1)
    return -(p * F.log_softmax(v, -1)).sum(-1)


def terms(out, x, y):
    phi = out["phi"].abs()
    return {
        "pred": F.cross_entropy(out["f"], y),
        "of": -(F.softmax(out["f"], 1).detach() * F.log_softmax(out["g"], 1)).sum(1).mean(),
        "h1": entropy(phi).mean(),
        "h2": entropy(phi.mean(0)),
        "spa": phi.mean(),
        "mse": ((out["reconstruction"] - x) ** 2).mean(),
        "mae": (out["reconstruction"] - x).abs().mean(),
    }


def total(t, pred=1, fit="mse", w=WEIGHTS):
    return pred * t["pred"] + w["of"] * t["of"] + w["if"] * t[fit] + w["ent"] * (t["h1"] - t["h2"]) + w["spa"] * t["spa"]


def schedule(epoch):
    """The weights for MNIST in an epoch counted from 1."""
    return {"if": 0.8, "of": 0.5 if epoch >= 3 else 0, "spa": 0.1 if epoch >= 3 else 0, "ent": 0.2 if epoch >= 5 else 0}


def values(d):
    return {k: v.detach().tolist() if v.dim() < 2 else v.detach().flatten(1).tolist() for k, v in d.items()}


def params(net, what):
    return {k: what(p).detach().flatten().tolist() for k, p in net.named_parameters()}


def gradients(net, loss, posthoc=False):
    kept = {k: p for k, p in net.named_parameters() if not (posthoc and k.startswith("f."))}
    grads = dict(zip(kept, torch.autograd.grad(loss, list(kept.values()))))
    for k, g in grads.items():
        tiny = g[g != 0].abs()
        assert len(tiny) and tiny.min() > 1e-9, f"the gradient of {k} is all zero or has rounding noise that Adam would amplify"
    return {k: g.flatten().tolist() for k, g in grads.items()}


def term_gradient(out, x, y, term):
    """The gradient of one term by the outputs that it sees."""
    leaves = {k: out[k].detach().requires_grad_(True) for k in ("f", "phi", "g", "reconstruction")}
    grads = torch.autograd.grad(terms(leaves, x, y)[term], list(leaves.values()), allow_unused=True)
    return {k: g.flatten(1).tolist() for k, g in zip(leaves, grads) if g is not None}


def relevance(phi, g, w):
    """alpha, r and class of each sample, r's class means, and conciseness; W has rows of classes."""
    c = g.argmax(1)
    alpha = phi * w[c]
    r = alpha / alpha.abs().max(1, keepdim=True).values
    positive = alpha / alpha.max(1, keepdim=True).values
    mean = lambda a: [a[c == k].mean(0).tolist() if (c == k).any() else None for k in range(len(w))]
    return {
        "class": c.tolist(),
        "alpha": alpha.tolist(),
        "r": r.tolist(),  # by max |alpha|: the definition
        "rClass": mean(r),  # null: no sample is predicted so
        "rClassByMax": mean(positive),  # by max alpha, as the authors' pass over the set
        "conciseness": [(r > 1 / t).sum(1).double().mean().item() for t in TAUS],  # r > 1/tau, r by max |alpha|
        "concisenessByMax": [(alpha > alpha.max(1, keepdim=True).values / t).sum(1).double().mean().item() for t in TAUS],
        "concisenessOfMagnitude": [(r.abs() > 1 / t).sum(1).double().mean().item() for t in TAUS],
    }


def tv(x):
    return (x[..., 1:, :] - x[..., :-1, :]).abs().mean() + (x[..., :, 1:] - x[..., :, :-1]).abs().mean()


def bo(x, low=0.0, high=1.0):
    return (x.abs() * ((x > high) | (x < low))).mean()


def with_gradient(f, x):
    x = x.clone().requires_grad_(True)
    v = f(x)
    return {"value": v.item(), "gradient": torch.autograd.grad(v, x)[0].flatten().tolist()}


def tiny():
    net = Flint(size=8, classes=3, attributes=4, c1=2, c2=3, hidden=5, mid=4, seed=2, decoder=3)
    with torch.no_grad():
        for k, p in net.named_parameters():
            p.copy_((torch.randn_like(p) * (0.45 if "conv" in k or "up" in k else 0.35) + (0.15 if k.startswith("d.") else 0.02)).mul(1000).round() / 1000)
    x = torch.stack([torch.randperm(100)[:64].view(1, 8, 8) / 100.0 for _ in range(3)])
    return net, x, torch.tensor([0, 2, 1])


def maximise(net, x, attribute, steps):
    """Activation maximisation with partial initialisation: the first stage, lr 0.05."""
    x = (0.3 * x[None]).requires_grad_(True)
    optimiser = torch.optim.Adam([x], lr=0.05)
    objective, path = [], [x.detach().flatten().tolist()]
    for _ in range(steps):
        value = 2 * net(x)["phi"][0, attribute] - 6 * tv(x) - 10 * bo(x)
        optimiser.zero_grad()
        (-value).backward()
        optimiser.step()
        objective.append(value.item())
        path.append(x.detach().flatten().tolist())
    return {"attribute": attribute, "low": 0, "high": 1, "initial": 0.3, "C": 2, "tv": 6, "bo": 10, "lr": 0.05, "objective": objective, "path": path}


def adam(net, x, y, steps, posthoc=False):
    optimiser = torch.optim.Adam([p for k, p in net.named_parameters() if not (posthoc and k.startswith("f."))], lr=0.01)
    losses = []
    for _ in range(steps):
        loss = total(terms(net(x), x, y), pred=0 if posthoc else 1)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    return {"lr": 0.01, "losses": losses, "parameters": params(net, lambda p: p)}


def mnist_preset():
    return Flint(size=28, classes=10, attributes=25, c1=16, c2=32, hidden=128, mid=64, seed=2, decoder=8, drop=(0.5, 0.01))


def main():
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(1052)  # classes differ, of f and g too; some phi below 0; no dead feature map
    net, x, y = tiny()
    start = {k: v.clone() for k, v in net.state_dict().items()}
    out = net(x)
    t = terms(out, x, y)
    fresh = lambda: (net.load_state_dict(start), net)[1]
    golden = {
        "versions": f"python {sys.version.split()[0]}, torch {torch.__version__}",
        "taus": TAUS,
        "weights": WEIGHTS,
        "images": x.flatten(1).tolist(),
        "labels": y.tolist(),
        "shapes": {k: list(p.shape) for k, p in net.named_parameters()},
        "parameters": params(net, lambda p: p),
        "forward": values(out),
        "terms": values(t),
        "total": {"mse": total(t).item(), "mae": total(t, fit="mae").item(), "posthoc": total(t, pred=0).item()},
        # Of every parameter; post hoc without f's.
        "gradients": {
            "mse": gradients(net, total(terms(net(x), x, y))),
            "mae": gradients(net, total(terms(net(x), x, y), fit="mae")),
            "posthoc": gradients(net, total(terms(net(x), x, y), pred=0), posthoc=True),
        },
        # The gradient of each term by what it sees.
        "termGradients": {k: term_gradient(out, x, y, k) for k in t},
        "relevances": relevance(out["phi"].detach(), out["g"].detach(), net.h["fc"].weight.detach()),
        "adam": adam(fresh(), x, y, 3),
        "adamPosthoc": adam(fresh(), x, y, 3, posthoc=True),
        "maximise": maximise(fresh(), x[1], out["phi"][1].argmax().item(), 3),
    }
    vectors = [[0, 0, 0, 0], [1, 2, 3, 4], [0, 0, 50, 0], [0.5, 0.5, 0.1, 2.5], [1000, 0, 0, 999]]
    batches = {
        "identical": [[1.0, 2, 0.5], [1, 2, 0.5]],
        "diverse": [[6.0, 0, 0], [0, 6, 0], [0, 0, 6]],
        "negative H2-H1": [[2.0, 0], [6, 0]],
        "signed": [[-1.5, 0.25, 3], [2, -0.75, -0.5]],
        "one": [[0.3, 1.2, 0.7]],
    }
    golden["entropy"] = [{"v": v, **with_gradient(entropy, torch.tensor(v, dtype=torch.float64))} for v in vectors]
    golden["batches"] = {}
    for k, rows in batches.items():
        phi = torch.tensor(rows)
        h1, h2 = with_gradient(lambda p: entropy(p.abs()).mean(), phi), with_gradient(lambda p: entropy(p.abs().mean(0)), phi)
        golden["batches"][k] = {"phi": rows, "h1": h1, "h2": h2, "h2-h1": h2["value"] - h1["value"], "spa": with_gradient(lambda p: p.abs().mean(), phi)}
    assert golden["batches"]["negative H2-H1"]["h2-h1"] < 0
    f, g = torch.tensor([[2.0, -1, 0.5], [0, 0, 0], [800, -800, 1]]), torch.tensor([[0.3, 0.2, -4], [1, 2, 3], [5, 4, 900]])
    fidelity = lambda a, b: -(F.softmax(a, 1) * F.log_softmax(b, 1)).sum(1).mean()
    golden["of"] = {"f": f.tolist(), "g": g.tolist(), "value": fidelity(f, g).item(), "equal": fidelity(f, f).item()}
    phi = torch.randn(8, 5).mul(2).mul(100).round() / 100
    w = torch.randn(3, 5).mul(100).round() / 100
    g = phi @ w.T + torch.tensor([0.1, -0.2, 0.09])
    phi[7], g[7] = -w[0].sign(), torch.tensor([1.0, 0, 0])  # all alpha are negative
    golden["relevance"] = {"phi": phi.tolist(), "W": w.tolist(), "g": g.tolist(), **relevance(phi, g, w)}
    image = torch.tensor([[[-0.5, 0.0, 0.25], [1.0, 1.5, 0.25]], [[0.75, -0.125, 2.0], [0.5, 0.5, -1.0]]])
    golden["penalties"] = {"shape": list(image.shape), "x": image.flatten().tolist(), "tv": with_gradient(tv, image), "bo": with_gradient(bo, image),
                           "boWide": with_gradient(lambda a: bo(a, -0.6, 1.6), image)}
    mnist = mnist_preset()
    out = mnist(torch.zeros(2, 1, 28, 28))
    golden["mnist"] = {
        "outputs": {k: list(v.shape[1:]) for k, v in out.items()},
        "shapes": {k: list(p.shape) for k, p in mnist.named_parameters()},
        "counts": {k: p.numel() for k, p in mnist.named_parameters()},
        "parts": {k: sum(p.numel() for p in getattr(mnist, k).parameters()) for k in ("f", "psi", "h", "d")},
        # of 14 pixels to 3 (ends exclusive)
        "poolWindows": [[i * 14 // 3, -((i + 1) * -14 // 3)] for i in range(3)],
        "epochs": [{"epoch": e, **schedule(e)} for e in range(1, 13)],
    }
    print("{\n" + ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in golden.items()) + "\n}")


if __name__ == "__main__":
    main()
