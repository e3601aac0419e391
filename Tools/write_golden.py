"""Writes the golden values of the tests with PyTorch, diffusers and transformers.

    pip install -r Tools/requirements.txt
    python Tools/write_models.py --out Tests/Fixtures/models
    python Tools/write_golden.py --model Sources/EmojiScenes/Resources --out Tests/Fixtures/golden

`--only mappers` and so on writes some of the files only. Tests/Fixtures/README.md says what is in them.
"""

import argparse
import pathlib

import torch

from golden import mappers, networks, primitives
from reference.model import Model

TINY = ["four-levels", "linear-v", "plain-first", "sharded"]


class Checkpoints:
    """The models by name, the tiny ones and the demo model, which is `emoji`."""

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


def write_primitives(_, out):
    primitives.write(out / "primitives.json")


WRITERS = {"mappers": write_mappers, "networks": write_networks, "primitives": write_primitives}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path, required=True, help="the demo model, in diffusers layout")
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--tiny", type=pathlib.Path, help="the tiny models (default: models beside --out)")
    parser.add_argument("--only", nargs="+", choices=WRITERS)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    checkpoints = Checkpoints(options.model, options.tiny or options.out.parent / "models")
    for name in options.only or WRITERS:
        WRITERS[name](checkpoints, options.out)


if __name__ == "__main__":
    main()
