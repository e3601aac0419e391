"""Writes tiny random checkpoints in the diffusers layout that cover the variants of real ones.

    pip install -r Tools/requirements.txt
    python Tools/write_models.py --out Tests/Fixtures/models

The weights are large: every matrix is random and every norm has a scale and a shift, so that a wrong branch
gives a clearly wrong number. The last layers are scaled so that outputs stay of the order of one.
"""

import argparse
import json
import pathlib
import shutil

import diffusers
import torch
import transformers
from diffusers import AutoencoderKL, UNet2DConditionModel
from safetensors.torch import save_file
from tokenizers.pre_tokenizers import ByteLevel
from transformers import CLIPTextConfig, CLIPTextModel

diffusers.logging.set_verbosity_error()
transformers.logging.set_verbosity_error()
transformers.logging.disable_progress_bar()

MERGES = """c a|ca t</w>|d o|do g</w>|o n</w>|t h|th e</w>|t h</w>|m a|ma t</w>|r e|re d</w>|b i|bi g</w>|f o|fo x</w>
s i|si t|n g</w>|i ng</w>|sit t|sitt ing</w>|h a|ha t</w>|w i|wi th</w>|a n|an d</w>|l i|li on</w>""".replace("\n", "|").split("|")


def write_json(path, value):
    path.write_text(json.dumps(value, indent=2) + "\n")


def byte_symbols():
    """Returns the printable characters that represent the 256 bytes, in CLIP's order."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [b for b in range(256) if b not in printable]
    symbols = [chr(b) for b in printable] + [chr(256 + i) for i in range(len(others))]
    assert sorted(symbols) == sorted(ByteLevel.alphabet())
    return symbols


def write_tokenizer(folder, pad):
    """Writes a byte-level vocabulary of 512, a few merges, and start and end tokens, in CLIP's order."""
    folder.mkdir(parents=True)
    symbols = byte_symbols()
    vocabulary = symbols + [s + "</w>" for s in symbols] + [m.replace(" ", "") for m in MERGES]
    vocabulary += ["<|startoftext|>", "<|endoftext|>"]
    assert len(set(vocabulary)) == len(vocabulary)
    assert all(part in vocabulary for merge in MERGES for part in merge.split())
    (folder / "vocab.json").write_text(json.dumps({token: i for i, token in enumerate(vocabulary)}, ensure_ascii=False))
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(MERGES) + "\n")
    tokens = {"bos_token": "<|startoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>"}
    write_json(folder / "special_tokens_map.json", {**tokens, "pad_token": pad})
    settings = {"model_max_length": 77, "do_lower_case": True, "tokenizer_class": "CLIPTokenizer"}
    write_json(folder / "tokenizer_config.json", {**tokens, "pad_token": pad, **settings})
    return len(vocabulary)


def shout(network, generator, gain=1.5):
    """Draws large random values for every parameter."""
    with torch.no_grad():
        for name, p in network.named_parameters():
            noise = torch.randn(p.shape, generator=generator)
            if "embedding.weight" in name:
                p.copy_(noise)
            elif p.dim() > 1:
                p.copy_(noise * gain / (p[0].numel() ** 0.5))
            elif name.endswith("weight"):
                p.copy_(1 + 0.3 * noise)
            else:
                p.copy_(0.3 * noise)


def rescale(layer, output, wanted):
    """Scales a last layer so that the standard deviation of its output, now `output`, becomes `wanted`."""
    with torch.no_grad():
        factor = wanted / output.std()
        layer.weight.mul_(factor)
        layer.bias.mul_(factor)


def make_networks(unet, vae, text, seed):
    generator = torch.Generator().manual_seed(seed)
    networks = UNet2DConditionModel(**unet), AutoencoderKL(**vae), CLIPTextModel(CLIPTextConfig(**text))
    for network in networks:
        shout(network.eval(), generator)
    unet, vae, text = networks

    def normal(*shape):
        return torch.randn(shape, generator=generator)

    with torch.no_grad():
        side = unet.config.sample_size
        latent = normal(1, unet.config.in_channels, side, side)
        context = normal(1, 77, unet.config.cross_attention_dim)
        rescale(unet.conv_out, unet(latent, 500, encoder_hidden_states=context).sample, 0.15)
        pixels = side * 2 ** (len(vae.config.block_out_channels) - 1)
        moments = vae.encode(normal(1, 3, pixels, pixels)).latent_dist.mean
        rescale(vae.quant_conv or vae.encoder.conv_out, moments, 1 / vae.config.scaling_factor)
        rescale(vae.decoder.conv_out, vae.decode(latent[:, : vae.config.latent_channels] / vae.config.scaling_factor).sample, 0.4)
    return networks


def save(network, folder, name, variant=None, dtype=torch.float32, shards=1, rename=lambda tensors: tensors):
    """Saves weights with diffusers' file names, rounded to `dtype`, in one file or in several with an index."""
    middle = f".{variant}" if variant else ""
    tensors = {k: v.detach().to(dtype).contiguous() for k, v in network.state_dict().items()}
    tensors = rename(tensors)
    folder.mkdir(parents=True, exist_ok=True)
    if shards == 1:
        save_file(tensors, folder / f"{name}{middle}.safetensors", metadata={"format": "pt"})
        return
    names = sorted(tensors)
    files = {}
    for k in range(shards):  # distributed round-robin, so that every block is in every file
        file = f"{name}{middle}-{k + 1:05d}-of-{shards:05d}.safetensors"
        part = {n: tensors[n] for n in names[k::shards]}
        save_file(part, folder / file, metadata={"format": "pt"})
        files.update({n: file for n in part})
    total = sum(t.numel() * t.element_size() for t in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(files.items()))}
    write_json(folder / f"{name}.safetensors.index{middle}.json", index)


def write_index(folder, scheduler):
    write_json(
        folder / "model_index.json",
        {
            "_class_name": "StableDiffusionPipeline",
            "_diffusers_version": diffusers.__version__,
            "scheduler": ["diffusers", scheduler["_class_name"]],
            "text_encoder": ["transformers", "CLIPTextModel"],
            "tokenizer": ["transformers", "CLIPTokenizer"],
            "unet": ["diffusers", "UNet2DConditionModel"],
            "vae": ["diffusers", "AutoencoderKL"],
        },
    )
    (folder / "scheduler").mkdir(exist_ok=True)
    write_json(folder / "scheduler" / "scheduler_config.json", scheduler)


def text_config(size, width, **other):
    return {
        "architectures": ["CLIPTextModel"],
        "model_type": "clip_text_model",
        "vocab_size": size,
        "hidden_size": width,
        "intermediate_size": 2 * width,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "max_position_embeddings": 77,
        "layer_norm_eps": 1e-5,
        "bos_token_id": size - 2,
        "eos_token_id": size - 1,
        "pad_token_id": size - 1,
        "projection_dim": width,
        **other,
    }


def write_configs(folder, unet, vae, text):
    """Writes only the given settings: missing keys must get their defaults from the reader."""
    for part, kind, config in (
        ("unet", "UNet2DConditionModel", unet),
        ("vae", "AutoencoderKL", vae),
    ):
        config = {"_class_name": kind, "_diffusers_version": diffusers.__version__, **config}
        write_json(folder / part / "config.json", config)
    write_json(folder / "text_encoder" / "config.json", text)


CROSS_DOWN, CROSS_UP = "CrossAttnDownBlock2D", "CrossAttnUpBlock2D"

# The configurations of Stable Diffusion 1.
UNET = {
    "act_fn": "silu",
    "attention_head_dim": 8,
    "block_out_channels": [320, 640, 1280, 1280],
    "center_input_sample": False,
    "cross_attention_dim": 768,
    "down_block_types": [CROSS_DOWN, CROSS_DOWN, CROSS_DOWN, "DownBlock2D"],
    "downsample_padding": 1,
    "flip_sin_to_cos": True,
    "freq_shift": 0,
    "in_channels": 4,
    "layers_per_block": 2,
    "mid_block_scale_factor": 1,
    "norm_eps": 1e-5,
    "norm_num_groups": 32,
    "out_channels": 4,
    "sample_size": 64,
    "up_block_types": ["UpBlock2D", CROSS_UP, CROSS_UP, CROSS_UP],
}
VAE = {
    "act_fn": "silu",
    "block_out_channels": [128, 256, 512, 512],
    "down_block_types": ["DownEncoderBlock2D"] * 4,
    "in_channels": 3,
    "latent_channels": 4,
    "layers_per_block": 2,
    "norm_num_groups": 32,
    "out_channels": 3,
    "sample_size": 512,
    "up_block_types": ["UpDecoderBlock2D"] * 4,
}


def four_levels(folder):
    """Stable Diffusion 1: four levels, a short old configuration, old names of some weights."""
    size = write_tokenizer(folder / "tokenizer", pad="<|endoftext|>")
    unet = {
        **UNET,
        "attention_head_dim": 2,
        "block_out_channels": [8, 8, 12, 16],
        "cross_attention_dim": 16,
        "norm_num_groups": 4,
        "sample_size": 16,
    }
    vae = {
        **VAE,
        "block_out_channels": [8, 8],
        "down_block_types": ["DownEncoderBlock2D"] * 2,
        "norm_num_groups": 4,
        "sample_size": 32,
        "up_block_types": ["UpDecoderBlock2D"] * 2,
    }
    text = text_config(size, 16, hidden_act="quick_gelu")
    nets = make_networks(unet, vae, text, seed=1)

    def old_text_names(tensors):
        tensors = {f"text_model.{k.removeprefix('text_model.')}": v for k, v in tensors.items()}
        tensors["text_model.embeddings.position_ids"] = torch.arange(77)[None]
        return tensors

    def old_attention_names(tensors):
        new = {".to_q.": ".query.", ".to_k.": ".key.", ".to_v.": ".value.", ".to_out.0.": ".proj_attn."}
        for a, b in new.items():
            tensors = {k.replace(a, b): v for k, v in tensors.items()}
        return tensors

    save(nets[0], folder / "unet", "diffusion_pytorch_model")
    save(nets[1], folder / "vae", "diffusion_pytorch_model", rename=old_attention_names)
    save(nets[2], folder / "text_encoder", "model", rename=old_text_names)
    write_configs(folder, unet, vae, text)
    write_index(
        folder,
        {
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
        },
    )


def linear_v(folder):
    """Stable Diffusion 2: linear projections, heads per level, v-prediction, padding with token 0, half precision."""
    size = write_tokenizer(folder / "tokenizer", pad="!")
    unet = {
        "act_fn": "silu",
        "attention_head_dim": [1, 2, 6],
        "block_out_channels": [8, 16, 24],
        "cross_attention_dim": 32,
        "down_block_types": [CROSS_DOWN, CROSS_DOWN, "DownBlock2D"],
        "dual_cross_attention": False,
        "flip_sin_to_cos": True,
        "freq_shift": 0,
        "in_channels": 4,
        "layers_per_block": 2,
        "norm_eps": 1e-5,
        "norm_num_groups": 4,
        "num_class_embeds": None,
        "only_cross_attention": False,
        "out_channels": 4,
        "sample_size": 8,
        "up_block_types": ["UpBlock2D", CROSS_UP, CROSS_UP],
        "upcast_attention": True,
        "use_linear_projection": True,
    }
    vae = {
        "act_fn": "silu",
        "block_out_channels": [8, 16, 16],
        "down_block_types": ["DownEncoderBlock2D"] * 3,
        "in_channels": 3,
        "latent_channels": 4,
        "layers_per_block": 1,
        "norm_num_groups": 4,
        "out_channels": 3,
        "sample_size": 32,
        "scaling_factor": 0.5,
        "up_block_types": ["UpDecoderBlock2D"] * 3,
    }
    text = text_config(size, 32, hidden_act="gelu")
    nets = make_networks(unet, vae, text, seed=2)
    half = {"dtype": torch.float16}
    save(nets[0], folder / "unet", "diffusion_pytorch_model", **half)
    save(nets[1], folder / "vae", "diffusion_pytorch_model", **half)
    save(nets[2], folder / "text_encoder", "model", **half)
    write_configs(folder, unet, vae, text)
    write_index(
        folder,
        {
            "_class_name": "DDIMScheduler",
            "_diffusers_version": "0.8.0",
            "beta_end": 0.012,
            "beta_schedule": "scaled_linear",
            "beta_start": 0.00085,
            "clip_sample": False,
            "num_train_timesteps": 1000,
            "prediction_type": "v_prediction",
            "set_alpha_to_one": False,
            "skip_prk_steps": True,
            "steps_offset": 1,
            "trained_betas": None,
        },
    )


def plain_first(folder):
    """Attention only from the second level on, deep transformers, another schedule, bfloat16."""
    size = write_tokenizer(folder / "tokenizer", pad="<|endoftext|>")
    unet = {
        "act_fn": "silu",
        "attention_head_dim": 4,
        "block_out_channels": [8, 16, 24],
        "cross_attention_dim": 24,
        "down_block_types": ["DownBlock2D", CROSS_DOWN, CROSS_DOWN],
        "flip_sin_to_cos": True,
        "freq_shift": 0,
        "in_channels": 8,
        "layers_per_block": 1,
        "norm_eps": 1e-5,
        "norm_num_groups": 8,
        "out_channels": 8,
        "sample_size": 8,
        "transformer_layers_per_block": 2,
        "up_block_types": [CROSS_UP, CROSS_UP, "UpBlock2D"],
    }
    vae = {
        "act_fn": "silu",
        "block_out_channels": [8, 16],
        "down_block_types": ["DownEncoderBlock2D"] * 2,
        "in_channels": 3,
        "latent_channels": 8,
        "layers_per_block": 1,
        "norm_num_groups": 8,
        "out_channels": 3,
        "sample_size": 16,
        "scaling_factor": 0.7,
        "up_block_types": ["UpDecoderBlock2D"] * 2,
    }
    text = text_config(size, 24, hidden_act="quick_gelu")
    nets = make_networks(unet, vae, text, seed=3)
    brief = {"dtype": torch.bfloat16}
    save(nets[0], folder / "unet", "diffusion_pytorch_model", **brief)
    save(nets[1], folder / "vae", "diffusion_pytorch_model", **brief)
    save(nets[2], folder / "text_encoder", "model", **brief)
    write_configs(folder, unet, vae, text)
    write_index(
        folder,
        {
            "_class_name": "DDIMScheduler",
            "_diffusers_version": diffusers.__version__,
            "beta_end": 0.02,
            "beta_schedule": "linear",
            "beta_start": 0.0001,
            "clip_sample": False,
            "num_train_timesteps": 1000,
            "prediction_type": "epsilon",
            "set_alpha_to_one": True,
            "steps_offset": 0,
            "timestep_spacing": "leading",
        },
    )


def sharded(folder):
    """Weights in several files and with variant names, and rare settings: no middle block, no quantization
    convolutions, no attention in the autoencoder, sines before cosines, another epsilon."""
    size = write_tokenizer(folder / "tokenizer", pad="<|endoftext|>")
    unet = {
        "act_fn": "silu",
        "attention_head_dim": [2, 4],
        "block_out_channels": [8, 24],
        "cross_attention_dim": 16,
        "down_block_types": [CROSS_DOWN, CROSS_DOWN],
        "flip_sin_to_cos": False,
        "freq_shift": 1,
        "in_channels": 4,
        "layers_per_block": 1,
        "mid_block_type": None,
        "norm_eps": 1e-3,
        "norm_num_groups": 8,
        "out_channels": 4,
        "sample_size": 8,
        "transformer_layers_per_block": [1, 2],
        "up_block_types": [CROSS_UP, CROSS_UP],
    }
    vae = {
        "act_fn": "silu",
        "block_out_channels": [8, 16],
        "down_block_types": ["DownEncoderBlock2D"] * 2,
        "in_channels": 3,
        "latent_channels": 4,
        "layers_per_block": 1,
        "mid_block_add_attention": False,
        "norm_num_groups": 4,
        "out_channels": 3,
        "sample_size": 16,
        "scaling_factor": 0.9,
        "up_block_types": ["UpDecoderBlock2D"] * 2,
        "use_post_quant_conv": False,
        "use_quant_conv": False,
    }
    text = text_config(size, 16, hidden_act="quick_gelu", layer_norm_eps=1e-2)
    nets = make_networks(unet, vae, text, seed=4)
    save(nets[0], folder / "unet", "diffusion_pytorch_model", shards=3)
    half = {"dtype": torch.float16, "variant": "fp16"}
    save(nets[1], folder / "vae", "diffusion_pytorch_model", **half)
    save(nets[2], folder / "text_encoder", "model", **half)
    write_configs(folder, unet, vae, text)
    write_index(
        folder,
        {
            "_class_name": "DDIMScheduler",
            "_diffusers_version": diffusers.__version__,
            "beta_end": 0.012,
            "beta_schedule": "scaled_linear",
            "beta_start": 0.00085,
            "clip_sample": False,
            "num_train_timesteps": 1000,
            "prediction_type": "epsilon",
            "set_alpha_to_one": False,
            "steps_offset": 0,
        },
    )


MODELS = {"four-levels": four_levels, "linear-v": linear_v, "plain-first": plain_first, "sharded": sharded}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=pathlib.Path, required=True)
    parser.add_argument("--only", nargs="+", choices=MODELS)
    options = parser.parse_args()
    for name in options.only or MODELS:
        shutil.rmtree(options.out / name, ignore_errors=True)
        MODELS[name](options.out / name)
        files = [f for f in (options.out / name).rglob("*") if f.is_file()]
        print(f"{name}: {sum(f.stat().st_size for f in files) / 1000:.0f} KB in {len(files)} files")


if __name__ == "__main__":
    main()
