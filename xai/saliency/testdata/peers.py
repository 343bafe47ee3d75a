"""Writes peers.json: maps of Captum and Zennit that TestPeers compares ours with.

Made with Python 3.11, torch 2.15.0, captum 0.9.0, zennit 0.5.1. Weights and input are
fractions that Python and Go compute exactly, so nothing but the maps needs storing.
"""
import json
import sys
import types

import torch
from torch import nn

# Zennit imports torchvision for the names of its networks only.
for name, classes in {"torchvision": [], "torchvision.models": [], "torchvision.models.resnet": ["Bottleneck", "BasicBlock"],
                      "torchvision.models.vgg": ["VGG"]}.items():
    try:
        __import__(name)
    except ImportError:
        module = types.ModuleType(name)
        for c in classes:
            setattr(module, c, type(c, (), {}))
        sys.modules[name] = module

import captum.attr as A  # noqa: E402
from zennit.attribution import Gradient  # noqa: E402
from zennit.canonizers import SequentialMergeBatchNorm  # noqa: E402
from zennit.composites import LayerMapComposite, SpecialFirstLayerMapComposite  # noqa: E402
from zennit.rules import AlphaBeta, Epsilon, Flat, Gamma, Norm, Pass, WSquare, ZBox, ZPlus  # noqa: E402
from zennit.types import Activation, AvgPool, Convolution  # noqa: E402

torch.set_default_dtype(torch.float64)
EPS = 1e-12  # of the normalisations: Zennit leaves it in what it has merged, an error of EPS / 2 each
SHAPES = {
    "c1.weight": (4, 2, 3, 3), "c1.bias": (4,), "b1.weight": (4,), "b1.bias": (4,), "b1.running_mean": (4,), "b1.running_var": (4,),
    "c2.weight": (4, 4, 3, 3), "b2.weight": (4,), "b2.bias": (4,), "b2.running_mean": (4,), "b2.running_var": (4,),
    "f1.weight": (6, 16), "f1.bias": (6,), "f2.weight": (3, 6), "f2.bias": (3,),
}


def tensor(name):
    t, shape = list(SHAPES).index(name), SHAPES[name]
    v = torch.tensor([((j * j * 7 + j * 13 + t * 5) % 23 - 11) / 16 for j in range(torch.Size(shape).numel())])
    return (v.abs() + 0.5 if name.endswith("running_var") else v).reshape(shape)


def fill(module, name):
    for part in [k.split(".")[1] for k in SHAPES if k.split(".")[0] == name]:
        if part.startswith("running"):
            setattr(module, part, tensor(f"{name}.{part}"))
        else:
            getattr(module, part).data = tensor(f"{name}.{part}")
    return module


def model():
    return nn.Sequential(
        fill(nn.Conv2d(2, 4, 3, padding=1), "c1"), fill(nn.BatchNorm2d(4, eps=EPS), "b1"), nn.ReLU(), nn.MaxPool2d(2),
        fill(nn.Conv2d(4, 4, 3, padding=1, bias=False), "c2"), fill(nn.BatchNorm2d(4, eps=EPS), "b2"), nn.ReLU(), nn.AvgPool2d(2),
        nn.Flatten(), fill(nn.Linear(16, 6), "f1"), nn.ReLU(), fill(nn.Linear(6, 3), "f2")).eval()


TARGET, SIZE = 0, (8, 8)
x = torch.tensor([((j * j * 3 + j * 5) % 19) / 18 for j in range(128)]).reshape(1, 2, *SIZE)


def lrp(rules, first=None, stabilizer=1e-6):
    kinds = [(Activation, Pass()), (AvgPool, Norm(stabilizer=stabilizer))] + rules
    merge = [SequentialMergeBatchNorm()]
    c = LayerMapComposite(kinds, canonizers=merge) if first is None else SpecialFirstLayerMapComposite(kinds, [(Convolution, first)], canonizers=merge)
    m = model()
    seed = torch.zeros(1, 3)
    seed[0, TARGET] = m(x)[0, TARGET].detach()
    with Gradient(m, c) as attribute:
        return attribute(x.clone(), seed)[1]


def grad(method):
    return method.attribute(x.clone().requires_grad_(), target=TARGET)


net = model()
cam = A.LayerGradCam(net, net[6]).attribute(x, target=TARGET)
large = torch.nn.functional.interpolate(cam.clamp(min=0), size=SIZE, mode="bilinear", align_corners=False)
signed = torch.nn.functional.interpolate(cam, size=SIZE, mode="bilinear", align_corners=False)
guided = grad(A.GuidedBackprop(model()))
dense = [(nn.Linear, Epsilon(1e-6))]
maps = {
    "scores": model()(x),
    "guided": guided,
    "deconvnet": grad(A.Deconvolution(model())),
    "Grad-CAM": large,
    "Grad-CAM, signed": signed,
    "guided Grad-CAM": guided * large,
    "epsilon": lrp([(Convolution, Epsilon(1e-6))] + dense),
    "epsilon 0.25": lrp([(Convolution, Epsilon(0.25)), (nn.Linear, Epsilon(0.25))], stabilizer=1e-12),
    "epsilon plus": lrp([(Convolution, ZPlus(stabilizer=1e-12))] + dense),
    "epsilon gamma box": lrp([(Convolution, Gamma(0.25, stabilizer=1e-12))] + dense, ZBox(torch.zeros_like(x), torch.ones_like(x), stabilizer=1e-12)),
    "epsilon alpha-beta": lrp([(Convolution, AlphaBeta(2, 1, stabilizer=1e-12))] + dense, Flat(stabilizer=1e-12)),
    "plus squares": lrp([(Convolution, ZPlus(stabilizer=1e-12))] + dense, WSquare(zero_params="bias", stabilizer=1e-12)),
}
with open(sys.argv[1], "w") as out:
    json.dump({k: [float(f"{v:.12g}") for v in m.detach().flatten().tolist()] for k, m in maps.items()}, out, indent=None, separators=(",", ":"))
    out.write("\n")
