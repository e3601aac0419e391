"""Writes a small `AutoencoderTiny` with large weights, and diffusers' results for a picture and a latent.

    pip install -r Tools/requirements.txt
    python Tools/write_tiny_autoencoder.py --out Tests/Fixtures
"""

import argparse
import pathlib

import torch
from diffusers import AutoencoderTiny
from safetensors.torch import save_file

from write_models import shout


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    out = parser.parse_args().out
    generator = torch.Generator().manual_seed(11)
    vae = AutoencoderTiny(
        encoder_block_out_channels=(8, 8, 8), num_encoder_blocks=(1, 2, 1), decoder_block_out_channels=(12, 12, 12),
        num_decoder_blocks=(2, 1, 1), scaling_factor=0.5,
    ).eval()
    shout(vae, generator, gain=1.0)
    vae.save_pretrained(out / "autoencoders/tiny")
    picture = torch.randn(1, 3, 24, 32, generator=generator).clamp(-1, 1)
    # Some values exceed the limits to which the decoder compresses latents.
    latent = 3 * torch.randn(1, 4, 6, 8, generator=generator)
    with torch.no_grad():
        results = {
            "picture": picture[0], "latent": latent[0], "encoded": vae.encode(picture).latents[0] * 0.5,
            "decoded": vae.decode(latent / 0.5).sample[0],
        }
    save_file({k: v.contiguous() for k, v in results.items()}, out / "golden/tiny-autoencoder.safetensors")


if __name__ == "__main__":
    main()
