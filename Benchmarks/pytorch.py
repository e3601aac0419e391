"""The computations of `nti invert` and `nti edit` in PyTorch, to compare speed (see compare.py).

    python Benchmarks/pytorch.py MODEL PHOTO CAPTION PROMPT [--steps 50 --inner-steps 10 --guidance 7.5 --threads 2]

Uses the reference implementation in Tools/reference with the networks of diffusers and frozen weights. Requires
Tools/requirements.txt.
"""

import argparse
import pathlib
import sys
import time

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "Tools"))
from reference import control, inversion, model  # noqa: E402


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ["model", "photo", "caption", "prompt"]:
        parser.add_argument(name)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--inner-steps", type=int, default=10)
    parser.add_argument("--guidance", type=float, default=7.5)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    network = model.Model(arguments.model)
    start = time.time()
    latent = network.encode(network.prepare(arguments.photo))
    found = inversion.invert(
        network, latent, arguments.caption, arguments.steps, arguments.inner_steps, arguments.guidance
    )
    middle = time.time()
    print(f"inversion {middle - start:.2f} s, {sum(found.iterations)} inner iterations", flush=True)
    _, target, _ = control.sample(network, found, control.Edit(arguments.prompt))
    network.render(target)
    print(f"edit {time.time() - middle:.2f} s")


if __name__ == "__main__":
    main()
