"""Writes small checkpoints of every variant and naming, and compares the library's results with those of
diffusers.

    swift build -c release --product nti
    python Tools/verify_checkpoints.py --nti .build/release/nti [--keep DIR]

It checks the fingerprints of a folder and of a single file with the same tensors, predictions, gradients,
latents and pictures, embeddings of captions, and LoRAs of all namings. Errors are relative, in the L2 norm. The
exit status is 1 if an error is above its limit.
"""

import argparse
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

import diffusers
import torch
from diffusers import UNet2DConditionModel
from PIL import Image
from safetensors.torch import save_file
from transformers import CLIPTextModel, CLIPTokenizer

from single_files import SMALL_VAE, STRUCTURES, original_unet, single_file, write_vocabulary
from verify_full_size import LIMITS, error, read, reference
from write_models import make_networks, save, shout, text_config, write_configs, write_index

diffusers.utils.logging.disable_progress_bar()
ROOT = pathlib.Path(__file__).resolve().parent.parent
CAPTION = "a photo of two cats, sitting on a café's table!"
DTYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


def write_checkpoint(folder, structure, dtype):
    """Writes a folder, and the single file with the same tensors next to it."""
    unet, second_generation = STRUCTURES[structure]
    size = write_vocabulary(folder / "tokenizer", "!" if second_generation else "<|endoftext|>")
    other = {"num_attention_heads": 1, "hidden_act": "gelu" if second_generation else "quick_gelu"}
    text = text_config(size, 64, pad_token_id=0 if second_generation else size - 1, **other)
    vae = {**SMALL_VAE, "scaling_factor": 0.18215}
    unet = {**unet, "sample_size": 16}
    nets = make_networks(unet, vae, text, seed=5)
    for net in nets:
        net.to(dtype)
    save(nets[0], folder / "unet", "diffusion_pytorch_model", dtype=dtype)
    save(nets[1], folder / "vae", "diffusion_pytorch_model", dtype=dtype)
    save(nets[2], folder / "text_encoder", "model", dtype=dtype)
    write_configs(folder, {**unet, "sample_size": 64}, vae, text)
    schedule = {"_class_name": "DDIMScheduler", "_diffusers_version": diffusers.__version__, "beta_end": 0.012,
                "beta_schedule": "scaled_linear", "beta_start": 0.00085, "clip_sample": False,
                "num_train_timesteps": 1000, "set_alpha_to_one": False, "steps_offset": 1}
    write_index(folder, schedule)
    file = folder.with_suffix(".safetensors")
    save_file(single_file(*nets, second_generation, torch.Generator().manual_seed(6)), file)
    return file, second_generation


class Verification:
    def __init__(self, nti, scratch):
        self.nti, self.scratch, self.fine = nti, scratch, True

    def run(self, *arguments):
        return subprocess.run([str(self.nti), *map(str, arguments)], check=True, stdout=subprocess.PIPE, text=True).stdout

    def say(self, label, what, found, limit):
        isFine = found <= limit
        self.fine = self.fine and isFine
        print(f"{label:24} {what:22} {found:.2e}  limit {limit:.0e}{'' if isFine else '  ABOVE THE LIMIT'}", flush=True)

    def fingerprint(self, *model):
        return json.loads(self.run("inspect", *model, "--json"))["fingerprint"]

    def dump(self, *model):
        path = self.scratch / "dump.safetensors"
        self.run("benchmark", "--model", *model, "--size", "128x128", "--what", "unet,gradient,encode,decode", "--runs", 1,
                 "--dump", path, "--quiet")
        return read(path)

    def caption(self, *model):
        """Returns the embedding of the caption, which negative-prompt inversion stores as its null embedding."""
        photo, path = self.scratch / "photo.png", self.scratch / "photo.nti"
        Image.new("RGB", (64, 64), (200, 120, 40)).save(photo)
        self.run("invert", photo, "--caption", CAPTION, "--method", "negative-prompt", "--steps", 1, "--model", *model,
                 "-o", path, "--force", "--quiet")
        return read(path)[0]["null_embeddings"][0]

    def networks(self, label, folder, *model):
        ours, metadata = self.dump(*model)
        theirs = reference(folder, ours, int(metadata["timestep"]))
        for name, limit in LIMITS.items():
            self.say(label, name, error(ours[name].reshape(theirs[name].shape), theirs[name]), limit)

    def checkpoint(self, structure, dtype):
        folder = self.scratch / f"{structure}-{dtype}"
        file, second_generation = write_checkpoint(folder, structure, DTYPES[dtype])
        options = ["--prediction", "epsilon"] if second_generation else []
        label = f"{structure} {dtype}"
        same = self.fingerprint(folder) == self.fingerprint(file, *options)
        self.say(label, "fingerprints differ", float(not same), 0)
        self.networks(label, folder, file, *options)
        tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
        ids = tokenizer(CAPTION, padding="max_length", max_length=77, return_tensors="pt").input_ids
        text = CLIPTextModel.from_pretrained(folder / "text_encoder", dtype=torch.float32)
        with torch.no_grad():
            theirs = text(ids).last_hidden_state[0]
        if structure == "inpainting":
            return folder, file, [file]
        self.say(label, "caption, file", error(self.caption(file, *options), theirs), 1e-4)
        self.say(label, "caption, folder", error(self.caption(folder), theirs), 1e-4)
        return folder, file, [file, *options]

    def conversion(self, structure, dtype, folder, file, *options):
        """Checks that a folder converted from a file has the tensors of the file's source folder."""
        out = self.scratch / f"{structure}-{dtype}-converted"
        shutil.rmtree(out, ignore_errors=True)
        self.run("convert", file, *options, "-o", out, "--quiet")
        pipe = diffusers.StableDiffusionPipeline.from_pretrained(out, safety_checker=None)
        assert type(pipe.scheduler).__name__ == "DDIMScheduler"
        different = 0
        for part, name in (("unet", "diffusion_pytorch_model"), ("vae", "diffusion_pytorch_model"), ("text_encoder", "model")):
            ours, theirs = (read(f / part / f"{name}.safetensors")[0] for f in (out, folder))
            theirs = {k if part != "text_encoder" else "text_model." + k.removeprefix("text_model."): v for k, v in theirs.items()}
            different += len(ours.keys() ^ theirs.keys())
            different += sum(v.dtype != ours[k].dtype or not torch.equal(v, ours[k]) for k, v in theirs.items())
        self.say(f"{structure} {dtype}", "converted tensors", different, 0)

    def loras(self, structure, dtype, folder):
        """Compares merged weights and predictions with those of `load_lora_weights` and `fuse_lora`."""
        for naming, weight in lora_files(folder, self.scratch):
            path = self.scratch / f"lora-{naming}.safetensors"
            # diffusers does not support the names of CompVis in LoRAs for Stable Diffusion 1.
            known = self.scratch / "lora-renamed.safetensors" if naming == "original" else path
            pipe = diffusers.StableDiffusionPipeline.from_pretrained(folder, safety_checker=None, dtype=torch.float32)
            pipe.load_lora_weights(known)
            pipe.fuse_lora(lora_scale=weight)
            pipe.unload_lora_weights()
            fused = self.scratch / "fused"
            pipe.save_pretrained(fused)
            out = self.scratch / "merged"
            shutil.rmtree(out, ignore_errors=True)
            self.run("convert", folder, "--lora", f"{path}={weight}", "-o", out, "--quiet")
            label, worst, changed = f"lora {naming} {dtype}", 0, 0
            for part, name in (("unet", "diffusion_pytorch_model"), ("text_encoder", "model")):
                ours, theirs, plain = (read(f / part / f"{name}.safetensors")[0] for f in (out, fused, folder))
                for k, v in theirs.items():
                    k = k if k in ours else f"text_model.{k}"
                    changed += not torch.equal(v, plain[k if k in plain else k.removeprefix("text_model.")].float())
                    limit = v.abs() * {"f32": 1e-5, "f16": 2**-11, "bf16": 2**-8}[dtype] + 1e-7
                    worst = max(worst, ((ours[k].float() - v).abs() / limit).max().item())
            self.say(label, f"{changed} weights, roundings", worst, 1.01)
            self.networks(label, fused, folder, "--lora", f"{path}={weight}")

    def tiny_autoencoder(self, structure, dtype):
        """Checks a tiny autoencoder in a folder, in a checkpoint, and as a file without configuration."""
        folder = self.scratch / f"{structure}-{dtype}"
        out = self.scratch / "with-tiny-autoencoder"
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(folder, out)
        shutil.rmtree(out / "vae")
        widths = [32] * 4
        vae = diffusers.AutoencoderTiny(encoder_block_out_channels=widths, decoder_block_out_channels=widths)
        shout(vae, torch.Generator().manual_seed(8), gain=1.0)
        vae.save_pretrained(out / "vae")
        file = self.scratch / "tiny.safetensors"
        shutil.copy(out / "vae/diffusion_pytorch_model.safetensors", file)
        for label, model in (("its folder", [out]), ("--vae folder", [folder, "--vae", out / "vae"]),
                             ("--vae checkpoint", [folder, "--vae", out]), ("--vae file", [folder, "--vae", file])):
            self.networks(f"tiny, {label}", out, *model)
        prints = {self.fingerprint(*m) for m in ([out], [folder, "--vae", file])}
        self.say("tiny", "fingerprints differ", len(prints) - 1, 0)

    def time_condition(self, structure, dtype):
        """Checks a UNet with weights for a guidance embedding that is not used."""
        folder = self.scratch / f"{structure}-{dtype}"
        out = self.scratch / "with-time-condition"
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(folder, out)
        config = {**STRUCTURES[structure][0], "time_cond_proj_dim": 16}
        unet = UNet2DConditionModel(**config)
        shout(unet, torch.Generator().manual_seed(9), gain=1.0)
        unet.save_pretrained(out / "unet")
        self.networks("time condition", out, out)


def lora_files(folder, scratch):
    """Writes a LoRA in every naming; yields its name and a weight."""
    generator = torch.Generator().manual_seed(7)
    unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet")
    text = CLIPTextModel.from_pretrained(folder / "text_encoder")
    linear = ("to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2")
    layers = [("unet", n, m.weight) for n, m in unet.named_modules() if n.endswith(linear)]
    convs = [("unet", n, m.weight) for n, m in unet.named_modules() if n.endswith(("conv1", "proj_in", "downsamplers.0.conv"))]
    texts = [("te", "text_model." + n.removeprefix("text_model."), m.weight) for n, m in text.named_modules()
             if n.endswith(("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2"))]

    def matrices(weight, rank):
        down = torch.randn(rank, *weight.shape[1:], generator=generator) / weight[0].numel() ** 0.5
        up = torch.randn(weight.shape[0], rank, *[1] * (weight.dim() - 2), generator=generator) * 0.3
        return down, up

    kohya = {}
    for part, name, weight in layers + convs + texts:
        down, up = matrices(weight, 4)
        key = f"lora_{part}_{name.replace('.', '_')}"
        kohya |= {f"{key}.lora_down.weight": down, f"{key}.lora_up.weight": up, f"{key}.alpha": torch.tensor(2.0)}
    save_file(kohya, scratch / "lora-kohya.safetensors")
    yield "kohya", 0.8

    original, renamed = {}, {}
    config = dict(unet.config)
    for part, name, weight in layers:
        down, up = matrices(weight, 3)
        (old,) = original_unet({f"{name}.weight": weight}, config)
        key = f"lora_unet_{old.removesuffix('.weight').replace('.', '_')}"
        for out, key in ((original, key), (renamed, f"lora_unet_{name.replace('.', '_')}")):
            out |= {f"{key}.lora_down.weight": down, f"{key}.lora_up.weight": up, f"{key}.alpha": torch.tensor(1.5)}
    save_file(renamed, scratch / "lora-renamed.safetensors")
    save_file(original, scratch / "lora-original.safetensors")
    yield "original", 1.0

    peft = {}
    for part, name, weight in layers + convs + texts:
        down, up = matrices(weight, 4)
        key = f"unet.{name}" if part == "unet" else f"text_encoder.{name}"
        peft |= {f"{key}.lora_A.weight": down, f"{key}.lora_B.weight": up}
    save_file(peft, scratch / "lora-peft.safetensors")
    yield "peft", -0.5

    about = {f"{part}.{k}": v for part in ("unet", "text_encoder")
             for k, v in {"r": 4, "lora_alpha": 10, "alpha_pattern": {}, "rank_pattern": {}, "use_dora": False,
                          "use_rslora": False, "target_modules": [], "peft_type": "LORA"}.items()}
    wanted = {"unet": sorted({n for p, n, _ in layers + convs}), "text_encoder": sorted({n.removeprefix("text_model.") for p, n, _ in texts})}
    for part, names in wanted.items():
        about[f"{part}.target_modules"] = names
    save_file(peft, scratch / "lora-peft-alpha.safetensors",
              metadata={"format": "pt", "lora_adapter_metadata": json.dumps(about)})
    yield "peft-alpha", 1.0

    old = {}
    for part, name, weight in layers:
        if ".attn" not in name:
            continue
        down, up = matrices(weight, 4)
        block, projection = name.rsplit(".attn", 1)
        number, projection = projection.split(".", 1)
        key = f"unet.{block}.attn{number}.processor.{projection.removesuffix('.0')}_lora"
        old |= {f"{key}.down.weight": down, f"{key}.up.weight": up}
    for part, name, weight in texts:
        if "self_attn" not in name:
            continue
        down, up = matrices(weight, 4)
        key = f"text_encoder.{name}.lora_linear_layer"
        old |= {f"{key}.down.weight": down, f"{key}.up.weight": up}
    save_file(old, scratch / "lora-old.safetensors")
    yield "old", 1.5


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nti", type=pathlib.Path, default=ROOT / ".build/release/nti")
    parser.add_argument("--keep", type=pathlib.Path, help="a folder in which to keep the checkpoints")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = options.keep or pathlib.Path(scratch)
        scratch.mkdir(parents=True, exist_ok=True)
        verification = Verification(options.nti.resolve(), scratch)
        for structure, dtype in (("sd1", "f16"), ("sd1", "f32"), ("sd2", "f32"), ("sd2", "bf16"), ("bk-sdm-tiny", "f16"), ("sdxs", "f32"),
                                 ("inpainting", "f16")):
            folder, file, model = verification.checkpoint(structure, dtype)
            verification.conversion(structure, dtype, folder, *model)
            if structure == "sd1":
                verification.loras(structure, dtype, folder)
        verification.tiny_autoencoder("sd1", "f32")
        verification.time_condition("sd1", "f32")
    print("all errors are within the limits" if verification.fine else "NOT all errors are within the limits")
    sys.exit(not verification.fine)


if __name__ == "__main__":
    main()
