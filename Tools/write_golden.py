"""Writes the golden values of the tests with PyTorch, diffusers and transformers.

    pip install -r Tools/requirements.txt
    python Tools/write_models.py --out Tests/Fixtures/models
    python Tools/write_golden.py --model Sources/EmojiScenes/Resources --out Tests/Fixtures/golden

`--only mappers` etc. writes only some of the files. Tests/Fixtures/README.md describes them.
"""

import argparse
import pathlib

import torch

from golden import edits, inversions, mappers, methods, networks, primitives, samplers
from reference.model import Model

TINY = ["four-levels", "linear-v", "plain-first", "sharded"]


class Checkpoints:
    """The models by name: the tiny ones, and the demo model as `emoji`."""

    def __init__(self, demo, tiny):
        self.demo, self.tiny = demo, tiny

    def load(self, name, dtype=torch.float32):
        return Model(self.demo if name == "emoji" else self.tiny / name, dtype)

    @property
    def bench(self):
        return self.demo / "bench"


def write_mappers(checkpoints, out):
    mappers.write(checkpoints.load("emoji"), out / "mappers.json")


def write_networks(checkpoints, out):
    for seed, name in enumerate(TINY):
        networks.write_tiny(checkpoints.load(name, torch.float64), out / f"{name}.safetensors", seed)
    networks.write_demo(checkpoints.load("emoji", torch.float64), out / "emoji.safetensors", checkpoints.bench)


def write_inversions(checkpoints, out):
    caption = "a cat sitting on the mat"
    for name, size, inner_steps, early_stop in [
        ("four-levels", (16, 16), 4, 0.0243),
        ("linear-v", (16, 16), 4, 8.2e-4),
        ("plain-first", (16, 24), 3, 0.04),
        ("sharded", (8, 8), 4, 0.0076),
    ]:
        model = checkpoints.load(name, torch.float64)
        path = out / f"inversion-{name}.safetensors"
        inversions.write_tiny(model, path, checkpoints.bench, caption, size, inner_steps, early_stop)
    model = checkpoints.load("emoji", torch.float64)
    path = out / "inversion-emoji-short.safetensors"
    caption = "a donut next to a panda on a white background"
    inversions.write_short(model, path, checkpoints.bench, "300000000002", caption)


def write_full_inversions(checkpoints, out):
    model = checkpoints.load("emoji")
    for name, caption in [
        ("100000000006", "a penguin on sand"),
        ("200000000031", "a cat under water"),
    ]:
        path = out / f"inversion-emoji-{name}.safetensors"
        inversions.write_full(model, path, checkpoints.bench, name, caption)


def write_edits(checkpoints, out):
    for name, chosen in [*edits.TINY.items(), ("emoji", edits.EMOJI)]:
        model, single = checkpoints.load(name, torch.float64), checkpoints.load(name)
        path = out / f"inversion-{'emoji-short' if name == 'emoji' else name}.safetensors"
        edits.write(model, single, path, out, name, chosen)


def write_methods(checkpoints, out):
    for name, settings in methods.TINY.items():
        model, single = checkpoints.load(name, torch.float64), checkpoints.load(name)
        methods.write(model, single, out / f"inversion-{name}.safetensors", out, name, **settings)


def write_primitives(_, out):
    primitives.write(out / "primitives.json")


def write_samplers(_, out):
    samplers.write(out)


WRITERS = {
    "mappers": write_mappers,
    "primitives": write_primitives,
    "samplers": write_samplers,
    "networks": write_networks,
    "inversions": write_inversions,
    "full-inversions": write_full_inversions,
    "edits": write_edits,
    "methods": write_methods,
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, required=True, help="the demo model, in the diffusers layout")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--tiny", type=pathlib.Path, help="the tiny models (default: the folder models next to --out)")
    parser.add_argument("--only", nargs="+", choices=WRITERS)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    checkpoints = Checkpoints(options.model, options.tiny or options.out.parent / "models")
    for name in options.only or WRITERS:
        WRITERS[name](checkpoints, options.out)


if __name__ == "__main__":
    main()
