"""inversion-NAME.safetensors: null-text inversions, complete or as single steps, with the embeddings each step
starts from."""

import math

import torch
from PIL import Image

from golden.store import Golden, exact
from reference.inversion import invert, threshold
from reference.measure import psnr

WATCHED = [0, 10, 25, 49]
NEAR = 0.01  # relative to a threshold; rounding decides whether a step closer to it stops


def pixels(path, width, height, dtype):
    """Returns a benchmark picture at another size, in -1...1."""
    picture = Image.open(path).convert("RGB").resize((width, height), Image.Resampling.BICUBIC)
    values = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8).reshape(height, width, 3)
    return values.permute(2, 0, 1)[None].to(dtype) / 127.5 - 1


def quality(model, picture, latent):
    """Returns the PSNR of a latent's picture and the model's input picture, in dB."""
    original = ((picture[0] + 1) * 127.5).round().permute(1, 2, 0)
    return psnr(model.render(latent), original)


def run(model, picture, caption, steps, inner_steps, guidance, early_stop):
    """Returns an inversion, its golden file with the picture, the settings and one number per step, and the steps
    near a threshold."""
    latent = exact(model.encode(picture))
    inversion = invert(model, latent, caption, steps, inner_steps, guidance, early_stop)
    golden = Golden()
    golden.remark(caption=caption, steps=steps, inner_steps=inner_steps, guidance=guidance, early_stop=early_stop)
    golden.add("", picture=picture, pivots=torch.cat(inversion.pivots), trajectory=torch.cat(inversion.trajectory))
    golden.add("", start=model.embed(""), context=model.embed(caption))
    golden.add("", inner_steps=inversion.iterations, losses=[x[-1] for x in inversion.losses])
    golden.add("", all_losses=[x + [-1.0] * (inner_steps - len(x)) for x in inversion.losses])
    bounds = [quality(model, picture, z) for z in (inversion.trajectory[-1], inversion.pivots[0])]
    golden.add("", psnr=bounds[:1], psnr_bound=bounds[1:])
    close = {
        step
        for step, losses in enumerate(inversion.losses)
        if any(abs(loss / threshold(step, early_stop) - 1) < NEAR for loss in losses)
    }
    drift = math.sqrt((inversion.trajectory[-1] - inversion.pivots[0]).square().mean().item())
    print(
        f"  '{caption}': {sum(inversion.iterations)} iterations {inversion.iterations},"
        f" {bounds[0]:.2f} dB of {bounds[1]:.2f} dB, latent off by {drift:.4f}, near a threshold: {sorted(close)}"
    )
    return inversion, golden, close


def write_tiny(model, path, bench, caption, size, inner_steps, early_stop):
    """Writes a short inversion with every step's embedding: 8 steps at guidance 3. `size` is the latent's size."""
    factor = 2 ** (len(model.vae.config.block_out_channels) - 1)
    height, width = (x * factor for x in size)
    picture = pixels(bench / "annotation_images" / "100000000006.png", width, height, model.dtype)
    inversion, golden, close = run(model, picture, caption, 8, inner_steps, 3.0, early_stop)
    if close:
        raise SystemExit(f"{path.stem}: steps {close} are close to the threshold")
    golden.add("", null_embeddings=torch.cat(inversion.null))
    golden.save(path)


def write_short(model, path, bench, name, caption):
    """Writes the demo model's inversion that edits start from: 10 steps of 3 iterations."""
    picture = model.prepare(bench / "annotation_images" / f"{name}.png")
    inversion, golden, _ = run(model, picture, caption, 10, 3, 7.5, 1e-5)
    golden.add("", null_embeddings=torch.cat(inversion.null))
    golden.remark(bench=name)
    golden.save(path)


def write_full(model, path, bench, name, caption):
    """Writes an inversion with the published settings in single precision: 50 steps of at most 10 iterations at
    guidance 7.5."""
    picture = model.prepare(bench / "annotation_images" / f"{name}.png")
    inversion, golden, close = run(model, picture, caption, 50, 10, 7.5, 1e-5)
    starts = [model.embed(""), *inversion.null]
    if close & set(WATCHED):
        raise SystemExit(f"{name}: steps {close & set(WATCHED)} are close to a threshold; use another picture")
    stopped = [s for s, n in enumerate(inversion.iterations) if 1 < n < 10 and s not in close]
    watched = sorted({*WATCHED, *stopped[-1:]})
    golden.remark(watched=" ".join(map(str, watched)))
    for step in watched:
        golden.add(f"step.{step}", latent=inversion.trajectory[step], start=starts[step], end=inversion.null[step])
        golden.add(f"step.{step}", losses=inversion.losses[step], next=inversion.trajectory[step + 1])
    golden.remark(bench=name)
    golden.save(path)
