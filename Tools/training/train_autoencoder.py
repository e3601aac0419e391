"""Trains the autoencoder of the demo model.

    python Tools/training/train_autoencoder.py OUT [STEPS_ON_CROPS 8000] [STEPS_ON_WHOLE 600]

It trains on 64x64 crops first (four times cheaper) and on whole pictures last, so that the middle attention is
trained at its actual grid. It uses bf16 autocast and channels-last memory.
"""

import math
import sys
import time
from multiprocessing import Pool

import numpy as np
import torch
from diffusers import AutoencoderKL

from samples import picture_and_caption

CONFIG = dict(
    in_channels=3, out_channels=3, down_block_types=("DownEncoderBlock2D",) * 4,
    up_block_types=("UpDecoderBlock2D",) * 4, block_out_channels=(24, 48, 96, 96), layers_per_block=1,
    norm_num_groups=8, latent_channels=8, sample_size=128,
)
RATE = 1e-3
# The number of pictures at the end that are held out from training.
HELD_OUT = 500


def crops_of(data, count, rng):
    chosen = rng.randint(0, len(data) - HELD_OUT, count)
    corners = rng.randint(0, 65, (count, 2))
    return np.stack([data[k, a : a + 64, b : b + 64] for k, (a, b) in zip(chosen, corners)])


def loss_of(model, pictures):
    """Returns the loss and the mean squared error."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        posterior = model.encode(pictures).latent_dist
        decoded = model.decode(posterior.sample()).sample
    d = decoded.float() - pictures
    edges = (d[..., 1:] - d[..., :-1]).abs().mean() + (d[..., 1:, :] - d[..., :-1, :]).abs().mean()
    kl = posterior.kl().mean() / posterior.mean[0].numel()
    square = d.square().mean()
    return d.abs().mean() + 0.5 * edges + square + 2e-4 * kl, square.item()


def main(out, crops=8000, whole=600, pictures=30000):
    torch.manual_seed(0)
    rng = np.random.RandomState(0)
    steps = crops + whole
    with Pool() as pool:
        samples = pool.map(picture_and_caption, range(10_000, 10_000 + pictures), chunksize=200)
        data = np.stack([picture for picture, _ in samples])
    model = AutoencoderKL(**CONFIG).to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0, betas=(0.9, 0.99))
    start = time.time()
    for i in range(steps):
        for group in optimizer.param_groups:
            cosine = 0.5 * (1 + math.cos(math.pi * i / steps))
            group["lr"] = RATE * min(1, (i + 1) / 200) * (0.02 + 0.98 * cosine)
        batch = crops_of(data, 16, rng) if i < crops else data[rng.randint(0, pictures - HELD_OUT, 8)]
        batch = torch.from_numpy(batch).permute(0, 3, 1, 2).float() / 127.5 - 1
        loss, square = loss_of(model, batch.contiguous(memory_format=torch.channels_last))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if i % 100 == 0:
            seconds = (time.time() - start) / (i + 1)
            print(i, f"psnr {10 * math.log10(4 / square):.2f}  {seconds:.3f} s/step", flush=True)
        if i % 1000 == 999 or i == steps - 1:
            model.save_pretrained(out)


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:4]))
