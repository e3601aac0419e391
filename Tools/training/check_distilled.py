"""Compares the pictures of a distilled LoRA with those of the teacher and of the plain model.

The pictures are computed with diffusers. It prints figures and writes contact sheets.

    python Tools/training/check_distilled.py MODEL LORA OUT

For captions of scenes outside the training data, from the same noise: `teacher` is DDIM with 50 steps at
guidance 3; `ddim` is the same with fewer steps; `plain` is LCM sampling of the plain model at guidance 1;
`lora` is the same with the LoRA. A DDIM step takes two evaluations of the network, an LCM step one. Prints for
each:

  teacher   mean squared error of the latent and PSNR of the picture, relative to the teacher. LCM sampling adds
            new noise after each step but the last, so with several steps a different picture is not necessarily worse.
  solution  the same, relative to the teacher's solution from the latent before the last step, which is the
            target of a consistency model
  detail    the mean difference of neighboring pixels, relative to the teacher's; below 1, the picture is blurred
  named     with --name: the number of pictures whose first object the model itself identifies among nine
            captions, as the caption that best predicts noise added to the picture. `scenes`, as drawn, is the
            control.

It also writes OUT/<way>-<steps>.png, one cell per caption in the order of OUT/captions.txt.
"""

import argparse
import dataclasses
import os
import random

import numpy as np
import torch
from diffusers import DDIMScheduler, LCMScheduler, StableDiffusionPipeline
from PIL import Image

from scenes import OBJECTS, caption, render, sample
from trajectories import GUIDANCE

FIRST_SCENE = 900_000_000
STEPS = (1, 2, 4, 8)
COLUMNS = 8
# The number of candidate captions for naming an object, and the timesteps of the predicted noise.
CANDIDATES, LEVELS_TO_NAME_AT = 9, (300, 450, 600, 750)


class Checker:
    """A pipeline, the captions, and the sampling methods."""

    def __init__(self, folder, count):
        self.pipe = StableDiffusionPipeline.from_pretrained(folder, dtype=torch.float32)
        self.pipe.unet.to(memory_format=torch.channels_last)
        self.scenes = [sample(random.Random(FIRST_SCENE + i)) for i in range(count)]
        self.captions = [caption(scene) for scene in self.scenes]
        self.context, self.empty = self.encoded(self.captions), self.encoded([""])
        self.ddim = DDIMScheduler.from_config(self.pipe.scheduler.config)
        self.lcm = LCMScheduler.from_config(self.pipe.scheduler.config)

    @torch.no_grad()
    def encoded(self, captions):
        tokenized = self.pipe.tokenizer(captions, padding="max_length", max_length=77, return_tensors="pt")
        return self.pipe.text_encoder(tokenized.input_ids).last_hidden_state

    @torch.no_grad()
    def noise(self, z, t, guidance):
        noise = self.pipe.unet(z, t, self.context).sample
        if guidance == 1:
            return noise
        without = self.pipe.unet(z, t, self.empty.expand_as(self.context)).sample
        return without + guidance * (noise - without)

    def start(self):
        """Returns the initial noise of each caption, and the generators of further noise."""
        generators = [torch.Generator().manual_seed(i) for i in range(len(self.captions))]
        return torch.cat([torch.randn(1, 8, 16, 16, generator=g) for g in generators]), generators

    def by_ddim(self, steps):
        z, _ = self.start()
        self.ddim.set_timesteps(steps)
        for t in self.ddim.timesteps:
            z = self.ddim.step(self.noise(z, t, GUIDANCE), t, z, return_dict=False)[0]
        return z

    def by_lcm(self, steps):
        """Returns the sample, and the latent and the timestep of the last step."""
        z, generators = self.start()
        self.lcm.set_timesteps(steps)
        for t in self.lcm.timesteps:
            seen = z
            z = self.lcm.step(self.noise(z, t, 1), t, z, generator=generators, return_dict=False)[0]
        return z, seen, int(t)

    def solution(self, z, t):
        """Returns the end of the teacher's ODE from a latent, in steps of 20 timesteps; in bf16, as during the
        distillation."""
        alphas = self.ddim.alphas_cumprod
        for t in range(t, 0, -20):
            with torch.autocast("cpu", dtype=torch.bfloat16):
                noise = self.noise(z, t, GUIDANCE).float()
            clean = (z - (1 - alphas[t]).sqrt() * noise) / alphas[t].sqrt()
            if t > 20:
                z = alphas[t - 20].sqrt() * clean + (1 - alphas[t - 20]).sqrt() * noise
        return clean

    @torch.no_grad()
    def pictures(self, z):
        x = self.pipe.vae.decode(z / self.pipe.vae.config.scaling_factor).sample
        return ((x / 2 + 0.5).clamp(0, 1) * 255).round().permute(0, 2, 3, 1).byte().numpy()

    @torch.no_grad()
    def latents_of_scenes(self):
        x = np.stack([np.asarray(render(scene)) for scene in self.scenes])
        x = torch.from_numpy(x).permute(0, 3, 1, 2).float() / 127.5 - 1
        return self.pipe.vae.encode(x).latent_dist.mean * self.pipe.vae.config.scaling_factor

    @torch.no_grad()
    def named(self, latents):
        """Returns how many of the first objects the model recognizes. The plain model must be loaded."""
        right = 0
        for i, (z, scene) in enumerate(zip(latents, self.scenes)):
            rng = random.Random(i)
            first = scene.things[0]
            others = rng.sample([o for o in OBJECTS if o not in [t.name for t in scene.things]], CANDIDATES - 1)
            scenes = [
                dataclasses.replace(scene, things=(dataclasses.replace(first, name=name), *scene.things[1:]))
                for name in (first.name, *others)
            ]
            context = self.encoded([caption(s) for s in scenes])
            generator = torch.Generator().manual_seed(i)
            errors = torch.zeros(CANDIDATES)
            for t in LEVELS_TO_NAME_AT:
                a = self.pipe.scheduler.alphas_cumprod[t]
                noise = torch.randn(z.shape, generator=generator)
                x = (a.sqrt() * z + (1 - a).sqrt() * noise).expand(CANDIDATES, -1, -1, -1)
                with torch.autocast("cpu", dtype=torch.bfloat16):
                    predicted = self.pipe.unet(x, t, context).sample.float()
                errors += (predicted - noise).square().mean((1, 2, 3))
            right += errors.argmin().item() == 0
        return right


def distance(z, pictures, reference, shown):
    squares = ((pictures.astype(float) - shown) ** 2).mean((1, 2, 3))
    psnr = np.mean(10 * np.log10(255**2 / np.maximum(squares, 0.01)))
    return f"{(z - reference).square().mean().item():.4f} {psnr:5.2f} dB"


def detail(pictures):
    x = pictures.astype(float)
    return np.abs(np.diff(x, axis=1)).mean() + np.abs(np.diff(x, axis=2)).mean()


def sheet(pictures, path):
    rows = [np.concatenate(list(pictures[i : i + COLUMNS]), 1) for i in range(0, len(pictures), COLUMNS)]
    Image.fromarray(np.concatenate(rows, 0)).resize((COLUMNS * 160, len(rows) * 160), Image.LANCZOS).save(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("lora")
    parser.add_argument("out")
    parser.add_argument("--count", type=int, default=24)
    parser.add_argument("--name", action="store_true", help="let the model name the objects (most of the time)")
    options = parser.parse_args()
    checker = Checker(options.model, options.count)
    os.makedirs(options.out, exist_ok=True)
    with open(options.out + "/captions.txt", "w") as file:
        file.writelines(f"{i}: {words}\n" for i, words in enumerate(checker.captions))
    results = {("teacher", 50): checker.by_ddim(50), ("scenes", 0): checker.latents_of_scenes()}
    sampled = {}
    for steps in STEPS:
        results["ddim", steps] = checker.by_ddim(steps)
        sampled["plain", steps] = checker.by_lcm(steps)
    folder, name = os.path.split(os.path.abspath(options.lora))
    checker.pipe.load_lora_weights(folder, weight_name=name)
    for steps in STEPS:
        sampled["lora", steps] = checker.by_lcm(steps)
    checker.pipe.unload_lora_weights()

    teacher = results["teacher", 50]
    shown = checker.pictures(teacher)
    for (way, steps), z in (results | {key: sample[0] for key, sample in sampled.items()}).items():
        pictures = checker.pictures(z)
        sheet(pictures, f"{options.out}/{way}-{steps}.png")
        text = f"{way:8}{steps:3}  teacher {distance(z, pictures, teacher, shown)}"
        if (way, steps) in sampled:
            solution = checker.solution(*sampled[way, steps][1:])
            text += f"  solution {distance(z, pictures, solution, checker.pictures(solution))}"
        text += f"  detail {detail(pictures) / detail(shown):.2f}"
        if options.name:
            text += f"  named {checker.named(z)}/{options.count}"
        print(text, flush=True)


if __name__ == "__main__":
    main()
