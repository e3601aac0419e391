"""Writes the table of tensor names by CompVis and Stability AI, as fixtures for the reader of single files.

    pip install -r Tools/requirements.txt
    python Tools/single_files.py --out Tests/Fixtures/single-files

The table is written independently of the library's own. It is checked with diffusers' converters, which must
restore the original tensors.
"""

import argparse
import gzip
import json
import pathlib
import tempfile

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from diffusers.loaders.single_file_utils import (
    convert_ldm_clip_checkpoint, convert_ldm_unet_checkpoint, convert_ldm_vae_checkpoint
)
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from write_models import CROSS_DOWN, CROSS_UP, UNET, VAE, byte_symbols, text_config, write_json

ROOT = pathlib.Path(__file__).resolve().parent.parent

RESIDUAL = [
    ("norm1", "in_layers.0"), ("conv1", "in_layers.2"), ("time_emb_proj", "emb_layers.1"),
    ("norm2", "out_layers.0"), ("conv2", "out_layers.3"), ("conv_shortcut", "skip_connection"),
]


def original_unet(tensors, config):
    """Renames tensors from diffusers to CompVis names, with consecutively numbered blocks."""
    levels = len(config["block_out_channels"])
    layers = config["layers_per_block"]
    layers = [layers] * levels if isinstance(layers, int) else layers
    table = [("conv_in", "input_blocks.0.0"), ("time_embedding.linear_1", "time_embed.0"),
             ("time_embedding.linear_2", "time_embed.2"), ("time_embedding.cond_proj", "time_embed.cond_proj"),
             ("conv_norm_out", "out.0"), ("conv_out", "out.2"), ("mid_block.attentions.0", "middle_block.1")]

    def residual(new, old):
        table.extend((f"{new}.{a}", f"{old}.{b}") for a, b in RESIDUAL)

    residual("mid_block.resnets.0", "middle_block.0")
    residual("mid_block.resnets.1", "middle_block.2")
    block = 1
    for level in range(levels):
        for layer in range(layers[level]):
            residual(f"down_blocks.{level}.resnets.{layer}", f"input_blocks.{block}.0")
            table.append((f"down_blocks.{level}.attentions.{layer}", f"input_blocks.{block}.1"))
            block += 1
        table.append((f"down_blocks.{level}.downsamplers.0.conv", f"input_blocks.{block}.0.op"))
        block += 1
    block = 0
    for level in range(levels):
        attends = config["up_block_types"][level] == CROSS_UP
        for layer in range(layers[levels - 1 - level] + 1):
            residual(f"up_blocks.{level}.resnets.{layer}", f"output_blocks.{block}.0")
            table.append((f"up_blocks.{level}.attentions.{layer}", f"output_blocks.{block}.1"))
            block += 1
        table.append((f"up_blocks.{level}.upsamplers.0.conv", f"output_blocks.{block - 1}.{1 + attends}.conv"))
    return renamed(tensors, table)


def original_vae(tensors, config):
    levels = len(config["block_out_channels"])
    table = [("quant_conv", "quant_conv"), ("post_quant_conv", "post_quant_conv")]
    for half, way in (("encoder", "down"), ("decoder", "up")):
        table += [(f"{half}.{a}", f"{half}.{b}") for a, b in (
            ("conv_in", "conv_in"), ("conv_out", "conv_out"), ("conv_norm_out", "norm_out"),
            ("mid_block.resnets.0", "mid.block_1"), ("mid_block.resnets.1", "mid.block_2"),
            ("mid_block.attentions.0.group_norm", "mid.attn_1.norm"), ("mid_block.attentions.0.to_q", "mid.attn_1.q"),
            ("mid_block.attentions.0.to_k", "mid.attn_1.k"), ("mid_block.attentions.0.to_v", "mid.attn_1.v"),
            ("mid_block.attentions.0.to_out.0", "mid.attn_1.proj_out"))]
        for level in range(levels):
            old = level if way == "down" else levels - 1 - level
            table.append((f"{half}.{way}_blocks.{level}.{way}samplers.0.conv", f"{half}.{way}.{old}.{way}sample.conv"))
            for layer in range(config["layers_per_block"] + 1):
                new = f"{half}.{way}_blocks.{level}.resnets.{layer}"
                table.append((f"{new}.conv_shortcut", f"{half}.{way}.{old}.block.{layer}.nin_shortcut"))
                table.append((new, f"{half}.{way}.{old}.block.{layer}"))
    out = renamed(tensors, table)
    # Attention projections were 1x1 convolutions.
    return {k: v[:, :, None, None] if ".attn_1." in k and v.dim() == 2 else v for k, v in out.items()}


def original_clip(tensors):
    return {f"transformer.text_model.{k.removeprefix('text_model.')}": v for k, v in tensors.items()}


def original_open_clip(tensors, generator):
    """Returns OpenCLIP tensors: query, key and value in one matrix, and an additional unused last layer."""
    tensors = {k.removeprefix("text_model."): v for k, v in tensors.items()}
    layers = 1 + max(int(k.split(".")[2]) for k in tensors if k.startswith("encoder.layers."))
    out = {
        "token_embedding.weight": tensors["embeddings.token_embedding.weight"],
        "positional_embedding": tensors["embeddings.position_embedding.weight"],
        "ln_final.weight": tensors["final_layer_norm.weight"],
        "ln_final.bias": tensors["final_layer_norm.bias"],
        "logit_scale": torch.tensor(4.6052),
    }
    width = out["ln_final.weight"].numel()
    out["text_projection"] = torch.randn(width, width, generator=generator)
    for layer in range(layers):
        new, old = f"encoder.layers.{layer}", f"transformer.resblocks.{layer}"
        for kind in ("weight", "bias"):
            parts = [tensors[f"{new}.self_attn.{p}_proj.{kind}"] for p in "qkv"]
            out[f"{old}.attn.in_proj_{kind}"] = torch.cat(parts)
            for a, b in (("self_attn.out_proj", "attn.out_proj"), ("layer_norm1", "ln_1"), ("layer_norm2", "ln_2"),
                         ("mlp.fc1", "mlp.c_fc"), ("mlp.fc2", "mlp.c_proj")):
                out[f"{old}.{b}.{kind}"] = tensors[f"{new}.{a}.{kind}"]
    for name in [k for k in out if k.startswith("transformer.resblocks.0.")]:
        out[name.replace("resblocks.0", f"resblocks.{layers}")] = torch.randn(out[name].shape, generator=generator)
    return {f"model.{k}": v for k, v in out.items()}


def renamed(tensors, table):
    out = {}
    for name, tensor in tensors.items():
        new, old = next((a, b) for a, b in table if name.startswith(a + "."))
        out[old + name[len(new):]] = tensor
    return out


def single_file(unet, vae, text, second_generation, generator):
    """Returns the tensors of a whole checkpoint with the names of CompVis or Stability AI."""
    text_tensors = text.state_dict()
    text_tensors = original_open_clip(text_tensors, generator) if second_generation else original_clip(text_tensors)
    parts = {
        "model.diffusion_model.": original_unet(unet.state_dict(), dict(unet.config)),
        "first_stage_model.": original_vae(vae.state_dict(), dict(vae.config)),
        "cond_stage_model.": text_tensors,
    }
    out = {prefix + k: v.detach().contiguous() for prefix, part in parts.items() for k, v in part.items()}
    # Tensors that such files also contain, but that are not used.
    out["model_ema.decay"] = torch.tensor(0.9999)
    out["alphas_cumprod"] = torch.linspace(0.999, 0.005, 1000)
    if not second_generation:
        out["cond_stage_model.transformer.text_model.embeddings.position_ids"] = torch.arange(77)[None]
    check(out, unet, vae, text, second_generation)
    return out


def check(checkpoint, unet, vae, text, second_generation):
    """Checks that diffusers' converters restore the networks; they do not support missing middle blocks."""

    def same(found, network, normal=lambda k: k):
        found = {normal(k): v for k, v in found.items() if not k.endswith("position_ids")}
        wanted = {normal(k): v for k, v in network.state_dict().items()}
        assert found.keys() == wanted.keys(), sorted(found.keys() ^ wanted.keys())[:5]
        for name, tensor in wanted.items():
            assert torch.equal(found[name].reshape(tensor.shape), tensor), name

    if unet.mid_block is not None:
        same(convert_ldm_unet_checkpoint(dict(checkpoint), dict(unet.config)), unet)
    same(convert_ldm_vae_checkpoint(dict(checkpoint), dict(vae.config)), vae)
    if not second_generation:
        same(convert_ldm_clip_checkpoint(dict(checkpoint)), text, lambda k: k.removeprefix("text_model."))


# The structures of real checkpoints with small widths; group norms of single files have 32 groups.
SMALL_UNET = {**UNET, "block_out_channels": [32, 32, 64, 64], "cross_attention_dim": 64}
SMALL_VAE = {**VAE, "block_out_channels": [32, 32, 32, 64]}
STRUCTURES = {
    "sd1": (SMALL_UNET, False),
    "sd2": (
        {**SMALL_UNET, "attention_head_dim": [1, 1, 1, 1], "use_linear_projection": True}, True,
    ),
    "inpainting": ({**SMALL_UNET, "in_channels": 9}, False),
    "bk-sdm-tiny": (
        {
            **SMALL_UNET,
            "block_out_channels": [32, 32, 64],
            "layers_per_block": 1,
            "down_block_types": [CROSS_DOWN] * 3,
            "up_block_types": [CROSS_UP] * 3,
            "mid_block_type": None,
        },
        False,
    ),
    "sdxs": (
        {
            **SMALL_UNET,
            "block_out_channels": [32, 32, 64],
            "layers_per_block": 1,
            "down_block_types": ["DownBlock2D", CROSS_DOWN, CROSS_DOWN],
            "up_block_types": [CROSS_UP, CROSS_UP, "UpBlock2D"],
            "mid_block_type": None,
        },
        False,
    ),
}


TEXTS = [
    "a photo of a cat", "", "A Tiger, sitting next to a mirror!", "photo réaliste d'un café à Orléans", "猫が鏡の隣に座っている",
    "👩‍🚀 on the moon, 8k, (masterpiece:1.2)", "supercalifragilisticexpialidocious pneumonoultramicroscopic", "it's don't we'll I'd",
]


def write_vocabulary(folder, pad):
    """Writes CLIP's whole vocabulary as a tokenizer folder."""
    folder.mkdir(parents=True, exist_ok=True)
    text = gzip.decompress((ROOT / "Sources/CLIPVocabulary/Resources/merges.txt.gz").read_bytes()).decode()
    symbols = byte_symbols()
    tokens = symbols + [s + "</w>" for s in symbols] + [m.replace(" ", "") for m in text.split("\n")[1:-1]]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(tokens)}, ensure_ascii=False))
    (folder / "merges.txt").write_text(text)
    special = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>", "pad_token": pad}
    write_json(folder / "special_tokens_map.json", special)
    write_json(folder / "tokenizer_config.json",
               {**special, "model_max_length": 77, "do_lower_case": True, "tokenizer_class": "CLIPTokenizer"})
    return len(tokens)


def networks(structure, vocabulary=100):
    unet, second_generation = STRUCTURES[structure]
    other = {"num_attention_heads": 1, "hidden_act": "gelu" if second_generation else "quick_gelu"}
    text = CLIPTextConfig(**text_config(vocabulary, 64, **other))
    return UNet2DConditionModel(**unet), AutoencoderKL(**SMALL_VAE), CLIPTextModel(text), second_generation


def views(structure):
    """Returns the shape of each tensor in a file, and the diffusers tensors that its rows belong to.

    The rows of all networks are numbered to find them.
    """
    *parts, second_generation = networks(structure)
    number, rows = 1.0, {}
    with torch.no_grad():
        for part, network in zip(("unet", "vae", "text_encoder"), parts):
            for name, p in network.state_dict().items():
                count = p.shape[0]
                numbers = torch.arange(number, number + count)
                p.copy_(numbers.reshape([count] + [1] * (p.dim() - 1)).expand(p.shape))
                if part == "text_encoder":
                    name = "text_model." + name.removeprefix("text_model.")
                rows[number] = (part, name, list(p.shape))
                number += count
                assert number < 2**24
    file = single_file(*parts, second_generation, torch.Generator().manual_seed(0))
    table = {}
    for stored, tensor in sorted(file.items()):
        if tensor.dtype != torch.float32:
            continue
        found, at = [], 0
        first = tensor.reshape(tensor.shape[0], -1)[:, 0].tolist() if tensor.dim() else []
        while at < len(first) and first[at] in rows:
            found.append([*rows[first[at]], at])
            at += rows[first[at]][2][0]
        table[stored] = [list(tensor.shape), found]
    return table


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True)
    out = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    for structure in STRUCTURES:
        lines = ",\n".join(f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in views(structure).items())
        (out / f"{structure}.json").write_text("{\n" + lines + "\n}\n")
        print(out / f"{structure}.json", (out / f"{structure}.json").stat().st_size)
    with tempfile.TemporaryDirectory() as folder:
        write_vocabulary(pathlib.Path(folder), "<|endoftext|>")
        tokenizer = CLIPTokenizer.from_pretrained(folder)
        tokens = {text: tokenizer(text).input_ids for text in TEXTS}
    (out / "tokens.json").write_text(json.dumps(tokens, ensure_ascii=False, indent=1) + "\n")


if __name__ == "__main__":
    main()
