"""Writes the initial inputs of a fuzzer, with a folder per reader, to the given folder.

    python3 Tools/write_fuzz_seeds.py seeds

They are small files of every kind that the readers of Tests/FuzzReaders read, derived from the fixtures or
generated here. Needs only Python. `Tools/fuzz.sh` adds them to Tests/Corpus.
"""

import base64
import json
import math
import pathlib
import struct
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FIXTURES = ROOT / "Tests/Fixtures"
MODELS = FIXTURES / "models"


def safetensors(tensors, metadata=None):
    """Returns a file of tensors, each given as type, shape and bytes."""
    header, data = {"__metadata__": metadata} if metadata else {}, b""
    for name, (kind, shape, content) in tensors.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def floats(*shape):
    count = math.prod(shape)
    return ("F32", list(shape), struct.pack(f"<{count}f", *[0.5 + i / 8 for i in range(count)]))


def inversion(steps, made, method="nullText", sweeps=None, **options):
    """Returns an inversion of `steps` steps of which `made` are complete, with the smallest possible latents."""
    pivots = steps + 1 if made or sweeps else 1
    tensors = {
        "pivots": floats(pivots, 1, 1, 2), "trajectory": floats(made + 1 if pivots > 1 else 0, 1, 1, 2),
        "null_embeddings": floats(made, 2, 1), "losses": floats(made),
        "inner_steps": ("F32", [made], struct.pack(f"<{made}f", *[1.0] * made)),
    }
    metadata = {
        "format": "null-text-inversion", "version": "1", "method": method, "caption": "a cat", "steps": str(steps),
        "guidance": "7.5", "steps_offset": "1", "final_alpha": "first", "prediction_type": "epsilon",
        "model_fingerprint": "0123456789abcdef", "source_size": "16x8", "crop": "8x8+4+0", "psnr": "20.5",
        "psnr_bound": "inf", "library_version": "1.0.0", "picture_fingerprint": "0123456789abcdef",
        "sampler": "ddim", "timestep_spacing": "leading", "options": json.dumps({"method": method, "steps": steps, **options}),
    }
    if sweeps is not None:
        metadata |= {"sweeps": str(sweeps), "sweep_distance": "0.5", "sweep_best_distance": "0.25"}
        for name in ["sweep_embedding", "sweep_best", "sweep_mean", "sweep_square"]:
            tensors[name] = floats(2, 1)
    return safetensors(tensors, metadata)


def seeds():
    """Yields pairs of a reader and an input."""
    for path in sorted((FIXTURES / "weights").glob("*.safetensors")):
        yield "safetensors", path.read_bytes()
    kinds = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "U8": 1, "BOOL": 1, "F8_E4M3": 1}
    yield "safetensors", safetensors({kind: (kind, [2, 1], bytes(2 * size)) for kind, size in kinds.items()}, {"a": "b"})
    yield "safetensors", safetensors({"scalar": ("F32", [], bytes(4)), "none": ("F16", [0, 3], b"")})

    original = {
        "model.diffusion_model.": ["input_blocks.0.0", "input_blocks.1.0.in_layers.2", "input_blocks.1.1.proj_in",
                                   "input_blocks.1.1.transformer_blocks.0.attn2.to_k", "input_blocks.2.0.op",
                                   "input_blocks.3.0.in_layers.2", "middle_block.0.in_layers.2", "out.2",
                                   "output_blocks.0.0.in_layers.2", "output_blocks.1.1.conv", "time_embed.0"],
        "first_stage_model.": ["encoder.conv_in", "encoder.down.0.block.0.conv1", "encoder.down.0.block.0.norm1",
                               "encoder.mid.attn_1.q", "decoder.conv_in", "decoder.conv_out", "quant_conv"],
    }
    texts = [
        {"transformer.text_model.embeddings.token_embedding.weight": floats(2, 4),
         "transformer.text_model.embeddings.position_embedding.weight": floats(3, 4),
         "transformer.text_model.encoder.layers.0.layer_norm1.weight": floats(4),
         "transformer.text_model.encoder.layers.0.mlp.fc1.weight": floats(8, 4)},
        {"model.token_embedding.weight": floats(2, 4), "model.positional_embedding": floats(3, 4),
         **{f"model.transformer.resblocks.{k}.attn.in_proj_weight": floats(12, 4) for k in range(2)},
         "model.transformer.resblocks.0.ln_1.weight": floats(4), "model.transformer.resblocks.0.mlp.c_fc.weight": floats(8, 4)},
    ]
    for shape in ([4, 4, 1, 1], [4, 4]):
        for text in texts:
            tensors = {f"{part}{name}.weight": floats(*shape) for part, names in original.items() for name in names}
            tensors |= {f"cond_stage_model.{name}": tensor for name, tensor in text.items()}
            yield "singleFile", safetensors(tensors, {"modelspec.prediction_type": "v"})
    for path in ("unet/diffusion_pytorch_model.safetensors", "vae/diffusion_pytorch_model.safetensors"):
        yield "singleFile", (MODELS / "four-levels" / path).read_bytes()
    yield "singleFile", (FIXTURES / "autoencoders/tiny/diffusion_pytorch_model.safetensors").read_bytes()

    layer, about = "mid_block.resnets.0.conv1", {"unet.lora_alpha": 3, "unet.r": 2, "unet.alpha_pattern": {"conv1": 2}}
    for down, up, alpha in [
        (f"lora_unet_{layer.replace('.', '_')}.lora_down.weight", f"lora_unet_{layer.replace('.', '_')}.lora_up.weight",
         f"lora_unet_{layer.replace('.', '_')}.alpha"),
        (f"unet.{layer}.lora_A.weight", f"unet.{layer}.lora_B.weight", None),
        ("lora_unet_middle_block_0_in_layers_2.lora_down.weight", "lora_unet_middle_block_0_in_layers_2.lora_up.weight", None),
    ]:
        tensors = {down: floats(2, 16, 3, 3), up: floats(16, 2, 1, 1)} | ({alpha: floats()} if alpha else {})
        yield "lora", safetensors(tensors, {"lora_adapter_metadata": json.dumps(about)})
    text = "lora_te_text_model_encoder_layers_0_self_attn_q_proj"
    yield "lora", safetensors({f"{text}.lora_down.weight": floats(1, 16), f"{text}.lora_up.weight": floats(16, 1)})
    for kind in ("dora_scale", "hada_w1_a", "lokr_w1", "lora_mid.weight", "diff"):
        yield "lora", safetensors({f"lora_unet_x.{kind}": floats(1)})

    yield "index", (MODELS / "sharded/unet/diffusion_pytorch_model.safetensors.index.json").read_bytes()
    shard = "diffusion_pytorch_model-00001-of-00003.safetensors"
    yield "index", json.dumps({"metadata": {"total_size": 4}, "weight_map": {"conv_in.weight": shard}}).encode()

    parts = ["unet/config.json", "vae/config.json", "text_encoder/config.json", "scheduler/scheduler_config.json"]
    for model in sorted(MODELS.iterdir()):
        for number, part in enumerate(parts):
            yield "configuration", bytes([number]) + (model / part).read_bytes()

    names = ["vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "tokenizer.json"]
    for model in sorted(MODELS.iterdir()):
        for number, name in enumerate(names):
            file = model / "tokenizer" / name
            if file.exists():
                yield "tokenizer", bytes([number]) + file.read_bytes()
    yield "tokenizer", bytes([4]) + b'{"<cat>": 400, "<dog>": 401}'
    vocabulary = {"<|startoftext|>": 0, "<|endoftext|>": 1, "a</w>": 2, "c": 3, "at</w>": 4, "cat</w>": 5}
    model = {"type": "BPE", "vocab": vocabulary, "merges": ["c at</w>", ["a", "t</w>"]]}
    added = [{"id": 1, "content": "<|endoftext|>", "special": True, "normalized": False, "lstrip": True}]
    yield "tokenizer", bytes([5]) + json.dumps({"version": "1.0", "added_tokens": added, "model": model}).encode()

    for text in [
        "a cat sitting next to a mirror", "the cat's 12 mirrors aren't “bright”", "naïve café — ½ ①  ﬁ",
        "日本語 の 猫", "👩‍👩‍👧 🏳️‍🌈 e\u0301\u0327", "<|startoftext|> a <|endoftext|>!!", "\u0000\t\r\n\u2028İıß",
    ]:
        yield "text", text.encode()
    yield "text", b"\xff\xfe broken \xc3("

    yield "inversion", inversion(2, 2, innerSteps=1, earlyStop=1e-5, optimizer="adam", start="empty")
    yield "inversion", inversion(3, 1, innerSteps=1)
    yield "inversion", inversion(2, 0)
    yield "inversion", inversion(2, 2, method="negativePrompt", interpolation=1)
    yield "inversion", inversion(2, 0, method="globalNullText", sweeps=3, innerSteps=5)

    pictures = FIXTURES / "pictures"
    photos = sorted((FIXTURES / "photos").glob("*.*p*g")) + sorted((FIXTURES / "photos").glob("*.webp"))
    for path in sorted([*pictures.glob("*.png"), *pictures.glob("*.jpg")]) + photos:
        if path.stat().st_size <= 4096:
            yield "picture", path.read_bytes()
    # The first byte gives the colors of the picture: RGB, gray or CMYK.
    for name, model in {"P3-like": 0, "A98-like": 0, "wide": 0, "sRGB": 0, "grey": 1, "cmyk-inks": 2}.items():
        content = (FIXTURES / f"photos/{name}.jpg").read_bytes()
        mark = content.index(b"ICC_PROFILE\0\1\1")
        length = int.from_bytes(content[mark - 2 : mark], "big")
        yield "profile", bytes([model]) + content[mark + 14 : mark - 2 + length]
    for start in [b"GIF89a", b"RIFF\x08\0\0\0WEBPVP8 ", b"\0\0\0\x0cJXL ", b"IIRO", b"\0\0\0\x18ftypheic", b"\0\0\0\x18ftypavif", b"II*\0", b"BM" + bytes(14)]:
        yield "picture", start.ljust(32, b"\0")

    words = {"source": ["cat"], "target": ["dog"]}
    mask = {"width": 2, "height": 2, "coverage": base64.b64encode(bytes([0, 255, 128, 1])).decode(), "softEdge": 0}
    for options in [
        {}, {"guidance": 7.5, "crossSteps": 0.8, "selfSteps": [0.1, 0.4], "selfGrid": 16, "controller": "refine"},
        {"emphasis": [{"word": "cat", "weight": 2}], "crossStepsOfWords": [{"word": "cat", "window": [0.2, 0.5]}]},
        {"blend": {"words": words, "subtracted": words, "threshold": 0.3, "subtractThreshold": 0.3, "start": 0.2}},
        {"control": {"kind": "sdEdit", "strength": 0.5}, "spatialReplace": {"stopInject": 0.2}},
        {"control": {"kind": "masaCtrl", "firstLayer": 10, "start": 0.08, "largestGrid": 16}},
        {"proximal": {"dilation": 1, "pullBack": 0.5, "pullBackStart": 0.6, "quantile": 0.7, "shrinkage": "soft"}},
        {"mask": mask, "control": {"kind": "promptToPrompt"}}, {"mask": mask | {"softEdge": 2.5}},
        {"method": "nullText", "steps": 50, "innerSteps": 10, "earlyStop": 1e-5, "budget": 60, "randomPivotSeed": 1},
        {"method": "globalNullText", "innerSteps": 3, "pivotRefinements": 2},
    ]:
        yield "options", json.dumps(options).encode()

    record = {
        "image_path": "1.png", "original_prompt": "a [cat] on a mat", "editing_prompt": "a [dog] on a mat",
        "editing_instruction": "change the cat", "editing_type_id": "1", "blended_word": "cat dog", "mask": [0, 4, 20, 8],
    }
    yield "benchmark", json.dumps({"000": record}).encode()
    yield "benchmark", json.dumps({"0": record, "1": record | {"image_path": "a/2.png", "mask": [], "mask_size": [8, 8], "answer": "b.png"}}).encode()


def main():
    folder = pathlib.Path(sys.argv[1])
    for number, (reader, content) in enumerate(seeds()):
        (folder / reader).mkdir(parents=True, exist_ok=True)
        (folder / reader / f"seed-{number:03}").write_bytes(content)


if __name__ == "__main__":
    main()
