"""Assembles a diffusers folder from the trained parts.

    python Tools/training/assemble.py AUTOENCODER TOKENIZER PARTS OUT [half]
"""

import json
import shutil
import sys

from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextModel

INDEX = {
    "_class_name": "StableDiffusionPipeline",
    "_diffusers_version": "0.42.1",
    "requires_safety_checker": False,
    "safety_checker": [None, None],
    "feature_extractor": [None, None],
    "image_encoder": [None, None],
    "scheduler": ["diffusers", "DDIMScheduler"],
    "text_encoder": ["transformers", "CLIPTextModel"],
    "tokenizer": ["transformers", "CLIPTokenizer"],
    "unet": ["diffusers", "UNet2DConditionModel"],
    "vae": ["diffusers", "AutoencoderKL"],
}


def main(autoencoder, tokenizer, parts, out, half=False):
    with open(parts + "/scale.json") as file:
        scale = json.load(file)["scale"]
    vae = AutoencoderKL.from_pretrained(autoencoder)
    vae.register_to_config(scaling_factor=scale)
    models = {
        "vae": vae,
        "unet": UNet2DConditionModel.from_pretrained(parts + "/unet"),
        "text_encoder": CLIPTextModel.from_pretrained(parts + "/text_encoder"),
    }
    for name, model in models.items():
        (model.half() if half else model).save_pretrained(f"{out}/{name}", safe_serialization=True)
    scheduler = DDIMScheduler(
        beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", clip_sample=False, set_alpha_to_one=False,
        steps_offset=1, num_train_timesteps=1000, prediction_type="epsilon",
    )
    scheduler.save_pretrained(out + "/scheduler")
    shutil.copytree(tokenizer, out + "/tokenizer", dirs_exist_ok=True)
    with open(out + "/model_index.json", "w") as file:
        json.dump(INDEX, file, indent=2)


if __name__ == "__main__":
    main(*sys.argv[1:5], len(sys.argv) > 5)
