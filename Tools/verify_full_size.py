"""Compares the networks at the size of Stable Diffusion 1, and a DDIM inversion with the demo model, with PyTorch.

    swift build -c release --product nti
    python Tools/verify_full_size.py --nti .build/release/nti [--f16 DIR --f32 DIR] [--cache DIR]

Both sides compute in single precision with the stored weights. Without --f16 and --f32, random checkpoints are
written (6.4 GB in total); --cache keeps them and PyTorch's results for the next call. Errors are relative, in
the L2 norm. The exit status is 1 if an error is above its limit.
"""

import argparse
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile
import time

import diffusers
import torch
from diffusers import UNet2DConditionModel
from safetensors import safe_open
from safetensors.torch import save_file

from reference import inversion
from reference.model import Model
from write_full_size_checkpoint import write_checkpoint

ROOT = pathlib.Path(__file__).resolve().parent.parent
DEMO = ROOT / "Sources/EmojiScenes/Resources"
PHOTO, CAPTION = DEMO / "bench/annotation_images/100000000042.png", "a tiger on grass"
LIMITS = {"unet": 1e-4, "gradient": 1e-3, "encoded": 1e-4, "decoded": 1e-4}


def run(*arguments):
    finished = subprocess.run([str(a) for a in arguments], stdout=subprocess.PIPE, check=True, text=True)
    return finished.stdout


def read(path):
    """Returns the tensors and the metadata of a safetensors file."""
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}


def error(ours, theirs):
    ours, theirs = ours.double(), theirs.double()
    return ((ours - theirs).norm() / theirs.norm()).item()


def reference(folder, inputs, timestep):
    """Returns PyTorch's results for the same inputs."""
    unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet", torch_dtype=torch.float32)
    unet.requires_grad_(False).eval()
    latent = inputs["latent"][None]
    embedding = inputs["embedding"][None].clone().requires_grad_()
    prediction = unet(inputs.get("input", inputs["latent"])[None], timestep, encoder_hidden_states=embedding).sample
    (gradient,) = torch.autograd.grad((prediction - latent).square().mean(), embedding)
    results = {"unet": prediction.detach()[0], "gradient": gradient[0]}
    del unet
    kind = json.loads((pathlib.Path(folder) / "vae/config.json").read_text()).get("_class_name", "AutoencoderKL")
    vae = getattr(diffusers, kind).from_pretrained(folder, subfolder="vae", torch_dtype=torch.float32).eval()
    scale = vae.config.scaling_factor
    with torch.no_grad():
        encoded = vae.encode(inputs["picture"][None])
        results["encoded"] = (encoded.latent_dist.mean if kind == "AutoencoderKL" else encoded.latents)[0] * scale
        results["decoded"] = vae.decode(latent / scale).sample[0]
    return {name: tensor.contiguous() for name, tensor in results.items()}


def cached_reference(folder, fingerprint, inputs, timestep, cache):
    """Returns PyTorch's results from the cache, or computes and stores them."""
    name = hashlib.sha256(f"{fingerprint} {timestep} {torch.__version__}".encode())
    for part in ("latent", "embedding", "picture"):
        name.update(inputs[part].numpy().tobytes())
    path = cache / f"reference-{name.hexdigest()[:16]}.safetensors"
    if not path.exists():
        save_file(reference(folder, inputs, timestep), path)
    return read(path)[0]


def compare_networks(nti, label, folder, cache, scratch):
    """Prints the errors of all networks, and returns whether all are within their limits."""
    path = scratch / f"{label}.safetensors"
    run(nti, "benchmark", "--model", folder, "--what", "unet,gradient,encode,decode", "--runs", 1, "--dump", path, "--quiet")
    ours, metadata = read(path)
    fingerprint = json.loads(run(nti, "inspect", folder, "--json"))["fingerprint"]
    theirs = cached_reference(folder, fingerprint, ours, int(metadata["timestep"]), cache)
    fine = True
    for name, limit in LIMITS.items():
        found = error(ours[name], theirs[name])
        fine = fine and found <= limit
        verdict = "" if found <= limit else "  ABOVE THE LIMIT"
        deviation = theirs[name].std().item()
        print(f"{label}  {name:9} error {found:.2e}  limit {limit:.0e}  deviation {deviation:.2g}{verdict}", flush=True)
    return fine


def compare_trajectory(nti, scratch, steps=50):
    """Prints the errors of the pivots of a DDIM inversion."""
    path = scratch / "trajectory.nti"
    run(nti, "invert", PHOTO, "--caption", CAPTION, "--method", "direct", "--steps", steps, "-o", path, "--quiet")
    ours = read(path)[0]["pivots"]
    model = Model(DEMO)
    with torch.no_grad():
        theirs = inversion.pivots(model, model.encode(model.prepare(PHOTO)), model.embed(CAPTION), steps)
    errors = [error(a, b[0]) for a, b in zip(ours, theirs, strict=True)]
    print(f"demo model, {steps} pivots: error {errors[-1]:.2e} at the last pivot, {max(errors):.2e} maximum")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nti", type=pathlib.Path, default=ROOT / ".build/release/nti")
    parser.add_argument("--f16", type=pathlib.Path, help="a checkpoint in half precision")
    parser.add_argument("--f32", type=pathlib.Path, help="the same in single precision")
    parser.add_argument("--cache", type=pathlib.Path, help="a folder for files to keep")
    options = parser.parse_args()
    start, fine = time.time(), True
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        cache = options.cache or scratch
        cache.mkdir(parents=True, exist_ok=True)
        for label in ("f16", "f32"):
            folder = getattr(options, label) or cache / f"sd-{label}"
            # The index is written last.
            if not (folder / "model_index.json").exists():
                write_checkpoint(folder, label)
            fine = compare_networks(options.nti, label, folder, cache, scratch) and fine
        compare_trajectory(options.nti, scratch)
    print(f"{'all errors are within the limits' if fine else 'NOT all errors are within the limits'}, {time.time() - start:.0f} s")
    sys.exit(not fine)


if __name__ == "__main__":
    main()
