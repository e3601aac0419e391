"""Computes solutions of the teacher's sampling ODE, for distillation.

    OMP_NUM_THREADS=1 python Tools/training/trajectories.py MODEL OUT FIRST COUNT [LORA]

Writes OUT/<number>.safetensors for COUNT batches of 64 captions, starting at the number FIRST, and skips
existing files. A batch depends only on its number (and LORA), so several processes can share the work.

The guided noise prediction of the teacher is ε = ε(∅) + w (ε(caption) − ε(∅)). A batch holds two solutions of
its ODE by DPM-Solver++(2M): one from pure noise, and one from the first solution's end with new noise of a
random level, where sampling with a consistency model continues. With a partly distilled LORA, the new noise is
added to the LORA's one-step result from pure noise, where its own sampling continues. Levels k = 1…50 are the
timesteps 20 k − 1, on which such models are distilled.

A batch contains `context` (caption, token, channel), `latents` (visit, caption, 8, 16, 16), and for each visit
its level in `levels` and the index of its end in `solutions`; `ends` is (solution, caption, 8, 16, 16).
"""

import os
import random
import sys

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextModel, CLIPTokenizer

from scenes import caption, sample

BATCH = 64
GUIDANCE = 3.0
LEVELS = 50
# The number of levels between visits.
STRIDE = 3
# The first training scene; `train_autoencoder.py` and `train_unet.py` use others.
FIRST_SCENE = 50_000_000


def timestep(level):
    return 20 * level - 1


class Teacher:
    """The demo model with guidance."""

    def __init__(self, folder):
        self.tokenizer = CLIPTokenizer.from_pretrained(folder + "/tokenizer")
        self.text = CLIPTextModel.from_pretrained(folder + "/text_encoder").float().eval()
        self.unet = UNet2DConditionModel.from_pretrained(folder + "/unet").float().eval()
        self.unet.to(memory_format=torch.channels_last)
        self.alphas = DDIMScheduler.from_pretrained(folder + "/scheduler").alphas_cumprod

    @torch.no_grad()
    def context(self, captions):
        ids = self.tokenizer(captions, padding="max_length", max_length=77, return_tensors="pt").input_ids
        return self.text(ids).last_hidden_state

    @torch.no_grad()
    def noise(self, latent, t, context, empty):
        """Returns the guided noise prediction; `empty` is the context of the empty caption."""
        both = torch.cat([latent, latent]).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            contexts = torch.cat([empty.expand_as(context), context])
            without, with_caption = self.unet(both, t, contexts).sample.float().chunk(2)
        return without + GUIDANCE * (with_caption - without)

    @torch.no_grad()
    def clean(self, latent, t, context):
        """Returns the estimate of the clean latent without guidance."""
        a = self.alphas[t]
        return (latent - (1 - a).sqrt() * self.unet(latent, t, context).sample) / a.sqrt()

    def solution(self, latent, levels, context, empty):
        """Returns the latents at the levels, noisiest first, and the clean latent at the end."""
        visits, before, step = [], None, None
        for i, level in enumerate(levels):
            visits.append(latent)
            a = self.alphas[timestep(level)]
            noise = self.noise(latent, timestep(level), context, empty)
            clean = (latent - (1 - a).sqrt() * noise) / a.sqrt()
            if i + 1 == len(levels):
                return visits, clean
            b = self.alphas[timestep(levels[i + 1])]
            # Half the logarithms of the signal-to-noise ratios.
            h = (b / (1 - b)).sqrt().log() - (a / (1 - a)).sqrt().log()
            mixed = clean if before is None else clean + h / step / 2 * (clean - before)
            latent = ((1 - b) / (1 - a)).sqrt() * latent - b.sqrt() * torch.expm1(-h) * mixed
            before, step = clean, h


def levels_from(start, rng):
    """Returns levels from `start` down to 1; the first step has a random length, so that every level occurs."""
    return [start, *range(start - rng.randint(1, STRIDE), 1, -STRIDE), 1] if start > 1 else [1]


def batch(teacher, number, student=None):
    rng, generator = random.Random(number), torch.Generator().manual_seed(number)
    scenes = [sample(random.Random(FIRST_SCENE + number * BATCH + i)) for i in range(BATCH)]
    context, empty = teacher.context([caption(scene) for scene in scenes]), teacher.context([""])
    latent = torch.randn(BATCH, 8, 16, 16, generator=generator)
    start, visits, ends, levels, solutions = LEVELS, [], [], [], []
    for solution in range(2):
        path = levels_from(start, rng)
        visited, end = teacher.solution(latent, path, context, empty)
        visits, levels, solutions = visits + visited, levels + path, solutions + [solution] * len(path)
        ends.append(end)
        base = student.clean(visited[0], timestep(path[0]), context) if student and solution == 0 else end
        start = rng.randint(4, LEVELS - 1)
        a = teacher.alphas[timestep(start)]
        latent = a.sqrt() * base + (1 - a).sqrt() * torch.randn(end.shape, generator=generator)
    return {
        "context": context.half(),
        "latents": torch.stack(visits).half(),
        "levels": torch.tensor(levels),
        "solutions": torch.tensor(solutions),
        "ends": torch.stack(ends).half(),
    }


def main(folder, out, first, count, lora=None):
    teacher = Teacher(folder)
    student = None
    if lora:
        student = Teacher(folder)
        student.unet.load_lora_adapter(load_file(lora), prefix="unet")
    os.makedirs(out, exist_ok=True)
    for number in range(first, first + count):
        name = f"{out}/{number}.safetensors"
        if os.path.exists(name):
            continue
        save_file(batch(teacher, number, student), name + ".part")
        os.replace(name + ".part", name)
        print(number, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:5]), *sys.argv[5:6])
