"""Times the networks of a checkpoint in PyTorch on the inputs of `nti benchmark --dump`, and compares the results.

    nti benchmark --model MODEL --dump inputs.safetensors
    python Benchmarks/unet_pytorch.py MODEL inputs.safetensors [--what unet,gradient,encode,decode --runs 3 --threads 2]

Uses the fastest single-precision configuration: channels last, fused attention, no autograd records unless a gradient is
computed. Prints JSON: the seconds of each run by part, and the relative L2 errors of the file's results. Requires
Tools/requirements.txt.
"""

import torch
from diffusers import AutoencoderKL, UNet2DConditionModel

from networks import arguments, measure, open_inputs, report


def main():
    options = arguments(__doc__, ["unet", "gradient", "encode", "decode"])
    torch.set_num_threads(options.threads)
    inputs, timestep = open_inputs(options.inputs)
    last, plain = {"memory_format": torch.channels_last}, {"torch_dtype": torch.float32}
    latent = inputs["latent"][None].to(**last)
    picture = inputs["picture"][None].to(**last)
    embedding = inputs["embedding"][None]
    times, results = {}, {}

    if {"unet", "gradient"} & set(options.what):
        unet = UNet2DConditionModel.from_pretrained(options.model, subfolder="unet", **plain)
        unet = unet.eval().requires_grad_(False).to(**last)

    def evaluate():
        with torch.inference_mode():
            return unet(latent, timestep, encoder_hidden_states=embedding).sample

    def gradient():
        leaf = embedding.clone().requires_grad_()
        loss = (unet(latent, timestep, encoder_hidden_states=leaf).sample - latent).square().mean()
        return torch.autograd.grad(loss, leaf)[0]

    if "unet" in options.what:
        times["unet"], results["unet"] = measure(evaluate, options.runs)
    if "gradient" in options.what:
        times["gradient"], results["gradient"] = measure(gradient, options.runs)
    unet = None

    if {"encode", "decode"} & set(options.what):
        vae = AutoencoderKL.from_pretrained(options.model, subfolder="vae", **plain).eval().to(**last)
        scale = vae.config.scaling_factor

    @torch.inference_mode()
    def encode():
        return vae.encode(picture).latent_dist.mean * scale

    @torch.inference_mode()
    def decode():
        return vae.decode(latent / scale).sample

    if "encode" in options.what:
        times["encode"], results["encoded"] = measure(encode, options.runs)
    if "decode" in options.what:
        times["decode"], results["decoded"] = measure(decode, options.runs)
    report(times, {name: tensor[0] for name, tensor in results.items()}, inputs)


if __name__ == "__main__":
    main()
