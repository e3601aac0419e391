"""Writes a random checkpoint with the architecture of Stable Diffusion 1, for measurements and comparisons at full
size.

    pip install -r Tools/requirements.txt
    python Tools/write_full_size_checkpoint.py --dtype f16 --out sd-f16

The configurations are those of Stable Diffusion 1.4: 860 million parameters in the UNet, 84 million in the
autoencoder, 123 million in the text encoder. Matrices preserve the variance of their inputs, and the last
layers are scaled so that predictions, latents and pixels have realistic magnitudes. Both types use the same
random numbers: f16 is f32 rounded. The pictures of such a model are noise; its speed, memory and rounding
errors are like those of a trained one.
"""

import argparse
import itertools
import json
import math
import pathlib
import time

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from write_models import (
    UNET, VAE, byte_symbols, rescale, save, text_config, write_configs, write_index, write_json
)

VOCABULARY = 49408
TEXT = text_config(
    VOCABULARY,
    768,
    intermediate_size=3072,
    num_hidden_layers=12,
    num_attention_heads=12,
    hidden_act="quick_gelu",
    pad_token_id=1,
)
SCHEDULER = {
    "_class_name": "PNDMScheduler",
    "_diffusers_version": "0.7.0.dev0",
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "num_train_timesteps": 1000,
    "set_alpha_to_one": False,
    "skip_prk_steps": True,
    "steps_offset": 1,
    "trained_betas": None,
    "clip_sample": False,
}
# The magnitudes of a trained model's noise, latents and pixels, as in `write_models.make_networks`.
PREDICTION, LATENT, PIXEL = 1.0, 1.0, 0.4


def write_tokenizer(folder):
    """Writes a vocabulary of CLIP's size: the bytes, then pairs of bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    symbols = byte_symbols()
    ends = [s + "</w>" for s in symbols]
    count = VOCABULARY - 2 - 2 * len(symbols)
    merges = list(itertools.islice(itertools.product(symbols, ends), count))
    vocabulary = symbols + ends + [a + b for a, b in merges] + ["<|startoftext|>", "<|endoftext|>"]
    assert len(set(vocabulary)) == VOCABULARY
    indices = {token: i for i, token in enumerate(vocabulary)}
    (folder / "vocab.json").write_text(json.dumps(indices, ensure_ascii=False))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(f"{a} {b}" for a, b in merges) + "\n")
    tokens = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    tokens["pad_token"] = "<|endoftext|>"
    write_json(folder / "special_tokens_map.json", tokens)
    settings = {"model_max_length": 77, "do_lower_case": True, "tokenizer_class": "CLIPTokenizer"}
    write_json(folder / "tokenizer_config.json", {**tokens, **settings})


def draw(network, generator):
    """Draws random parameters; matrices and kernels preserve the variance of their input."""
    with torch.no_grad():
        for name, p in network.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if "embedding.weight" in name:
                p.copy_(0.02 * noise)
            elif p.dim() > 1:
                p.copy_(noise / math.sqrt(p[0].numel()))
            elif name.endswith("weight"):
                p.copy_(1 + 0.1 * noise)
            else:
                p.copy_(0.1 * noise)
    return network


def empty(make):
    """Returns a network without the usual initialization of its weights."""
    with torch.device("meta"):
        network = make()
    return network.to_empty(device="cpu").eval()


def make_unet(generator):
    network = draw(empty(lambda: UNet2DConditionModel(**UNET)), generator)
    with torch.no_grad():
        latent = torch.randn((1, 4, 32, 32), generator=generator)
        text = torch.randn((1, 77, UNET["cross_attention_dim"]), generator=generator)
        rescale(network.conv_out, network(latent, 500, encoder_hidden_states=text).sample, PREDICTION)
    return network


def make_vae(generator):
    network = draw(empty(lambda: AutoencoderKL(**VAE)), generator)
    scaling = network.config.scaling_factor
    with torch.no_grad():
        picture = torch.rand((1, 3, 128, 128), generator=generator) * 2 - 1
        rescale(network.quant_conv, network.encode(picture).latent_dist.mean, LATENT / scaling)
        latent = torch.randn((1, 4, 16, 16), generator=generator)
        rescale(network.decoder.conv_out, network.decode(latent / scaling).sample, PIXEL)
    return network


def write_checkpoint(folder, dtype):
    """Writes the whole checkpoint; `dtype` is f16 or f32."""
    kind = {"f16": torch.float16, "f32": torch.float32}[dtype]
    generator = torch.Generator().manual_seed(1)
    write_tokenizer(folder / "tokenizer")
    save(make_unet(generator), folder / "unet", "diffusion_pytorch_model", dtype=kind)
    save(make_vae(generator), folder / "vae", "diffusion_pytorch_model", dtype=kind)
    text = draw(CLIPTextModel(CLIPTextConfig(**TEXT)).eval(), generator)
    save(text, folder / "text_encoder", "model", dtype=kind)
    write_configs(folder, UNET, VAE, TEXT)
    write_index(folder, SCHEDULER)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--dtype", choices=["f16", "f32"], default="f16")
    options = parser.parse_args()
    start = time.time()
    write_checkpoint(options.out, options.dtype)
    size = sum(f.stat().st_size for f in options.out.rglob("*") if f.is_file())
    print(f"{options.out}: {size / 1e9:.2f} GB in {time.time() - start:.0f} s")


if __name__ == "__main__":
    main()
