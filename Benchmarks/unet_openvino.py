"""Times the networks of a checkpoint in OpenVINO on the inputs of `nti benchmark --dump`, and compares the results.

    pip install openvino
    python Benchmarks/unet_openvino.py MODEL inputs.safetensors [--what unet,encode,decode --runs 3 --threads 2 --cache DIR]

Uses single precision, static shapes, and compilation for one inference at a time. OpenVINO computes no gradients. Prints JSON
like unet_pytorch.py. Conversion takes about a minute and much memory; --cache keeps the converted networks.
"""

import hashlib
import pathlib

import openvino
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel

from networks import arguments, measure, open_inputs, report


class Evaluation(torch.nn.Module):
    def __init__(self, unet):
        super().__init__()
        self.unet = unet

    def forward(self, latent, timestep, embedding):
        return self.unet(latent, timestep, encoder_hidden_states=embedding, return_dict=False)[0]


class Encoding(torch.nn.Module):
    def __init__(self, vae):
        super().__init__()
        self.vae = vae

    def forward(self, picture):
        return self.vae.encode(picture).latent_dist.mean * self.vae.config.scaling_factor


class Decoding(torch.nn.Module):
    def __init__(self, vae):
        super().__init__()
        self.vae = vae

    def forward(self, latent):
        return self.vae.decode(latent / self.vae.config.scaling_factor).sample


def network(options, part):
    plain = {"torch_dtype": torch.float32}
    if part == "unet":
        return Evaluation(UNet2DConditionModel.from_pretrained(options.model, subfolder="unet", **plain).eval())
    vae = AutoencoderKL.from_pretrained(options.model, subfolder="vae", **plain).eval()
    return Encoding(vae) if part == "encode" else Decoding(vae)


def converted(options, part, example):
    """Returns the network with static shapes, from the cache or newly converted."""
    key = hashlib.sha256(f"{pathlib.Path(options.model).resolve()} {[tuple(e.shape) for e in example]}".encode())
    path = options.cache and pathlib.Path(options.cache) / f"{part}-{key.hexdigest()[:12]}.xml"
    if path and path.exists():
        return openvino.Core().read_model(path)
    with torch.no_grad():
        model = openvino.convert_model(
            network(options, part), example_input=tuple(example), input=[list(e.shape) for e in example]
        )
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        openvino.save_model(model, path, compress_to_fp16=False)
    return model


def main():
    options = arguments(__doc__, ["unet", "encode", "decode"])
    inputs, timestep = open_inputs(options.inputs)
    examples = {
        "unet": [inputs["latent"][None], torch.tensor([timestep]), inputs["embedding"][None]],
        "encode": [inputs["picture"][None]],
        "decode": [inputs["latent"][None]],
    }
    names = {"unet": "unet", "encode": "encoded", "decode": "decoded"}
    settings = {
        "INFERENCE_PRECISION_HINT": "f32",
        "INFERENCE_NUM_THREADS": options.threads,
        "PERFORMANCE_HINT": "LATENCY",
    }
    times, results = {}, {}
    for part in options.what:
        model = converted(options, part, examples[part])
        compiled = openvino.Core().compile_model(model, "CPU", settings)
        values = [example.numpy() for example in examples[part]]
        times[part], result = measure(lambda: compiled(values)[0], options.runs)
        results[names[part]] = result[0]
    report(times, results, inputs)


if __name__ == "__main__":
    main()
