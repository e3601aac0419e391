"""Distills the demo model into a LoRA for sampling in a few steps.

    python Tools/training/distil.py MODEL DATA OUT --state STATE --minutes 45

DATA is a folder that `trajectories.py` has written or is still writing. The student starts as the teacher; its
LoRA learns to estimate, from every visited latent and without guidance, the clean latent at the end of the
teacher's guided ODE. The result is a consistency model with built-in guidance, for LCM sampling. STATE and OUT
are written every few minutes; an existing STATE is continued.

The loss of a latent is the root mean square error of the clean latent, smoothed near zero by C, so that high and
low noise levels have similar weights. OUT contains averaged factors.
"""

import argparse
import glob
import math
import os
import time

import torch
from diffusers import DDIMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn.utils import parametrize

from trajectories import LEVELS, timestep

BATCH, RATE, C = 16, 1e-3, 0.03
# The approximate number of averaged steps.
AVERAGED_STEPS = 300
# The numbers of samples per batch from the first visit and from the one with renewed noise; the others are from any
# visit.
FIRST, RENEWED = 5, 5


class LowRank(nn.Module):
    """A weight plus the product of two matrices, which is zero initially."""

    def __init__(self, weight, rank):
        super().__init__()
        outputs, inputs = weight.shape[0], weight[0].numel()
        rank = min(rank, outputs, inputs)
        self.down = nn.Parameter(torch.randn(rank, inputs) / math.sqrt(inputs))
        self.up = nn.Parameter(torch.zeros(outputs, rank))

    def forward(self, weight):
        return weight + (self.up @ self.down).view_as(weight)


def add_low_rank(unet, rank):
    """Freezes the network and adds a low-rank update to every linear layer and convolution; returns the updates by
    name."""
    unet.requires_grad_(False)
    layers = {n: m for n, m in unet.named_modules() if isinstance(m, (nn.Linear, nn.Conv2d))}
    updates = {name: LowRank(layer.weight, rank) for name, layer in layers.items()}
    for name, layer in layers.items():
        parametrize.register_parametrization(layer, "weight", updates[name])
    return updates


def write_lora(out, updates, averaged, kernels):
    """Writes the LoRA in half precision with the names of PEFT and diffusers; the factor of the product is 1, as
    without alpha."""
    tensors = {}
    for name, update in updates.items():
        kernel = kernels[name]
        down = averaged[update.down].view(update.down.shape[0], -1, *kernel)
        up = averaged[update.up].view(*update.up.shape, *(1 for _ in kernel))
        tensors[f"unet.{name}.lora_A.weight"] = down.half().contiguous()
        tensors[f"unet.{name}.lora_B.weight"] = up.half().contiguous()
    save_file(tensors, out + ".part", {"format": "pt"})
    os.replace(out + ".part", out)


class Trajectories:
    """Pairs of a visited latent and the end of its solution, from the existing files."""

    def __init__(self, folder, seed):
        self.folder, self.files = folder, {}
        self.generator = torch.Generator().manual_seed(seed)
        self.find()

    def find(self):
        for name in sorted(glob.glob(self.folder + "/*.safetensors")):
            if name not in self.files:
                self.files[name] = load_file(name)

    def choose(self, count):
        return torch.randint(count, (1,), generator=self.generator).item()

    def batch(self):
        """Returns latents, timesteps, contexts and ends."""
        rows = []
        files = list(self.files.values())
        for i in range(BATCH):
            file = files[self.choose(len(files))]
            renewed = (file["solutions"] == 0).sum().item()
            visits = len(file["levels"])
            visit = 0 if i < FIRST else renewed if i < FIRST + RENEWED else self.choose(visits)
            k = self.choose(file["context"].shape[0])
            solution = file["solutions"][visit]
            rows.append(
                (
                    file["latents"][visit, k],
                    timestep(file["levels"][visit]),
                    file["context"][k],
                    file["ends"][solution, k],
                )
            )
        latent, t, context, end = (torch.stack(column) for column in zip(*rows))
        return latent.float(), t, context.float(), end.float()


def clean_estimate(unet, alphas, latent, t, context):
    a = alphas[t].view(-1, 1, 1, 1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        noise = unet(latent.contiguous(memory_format=torch.channels_last), t, context).sample
    return (latent - (1 - a).sqrt() * noise.float()) / a.sqrt()


def main(options):
    # Backward passes of convolutions take twenty times as long with two threads.
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    unet = UNet2DConditionModel.from_pretrained(options.model + "/unet").float()
    unet.set_attn_processor(AttnProcessor())
    unet.to(memory_format=torch.channels_last)
    alphas = DDIMScheduler.from_pretrained(options.model + "/scheduler").alphas_cumprod
    kernels = {n: m.weight.shape[2:] for n, m in unet.named_modules() if hasattr(m, "weight") and m.weight.dim() > 1}
    updates = nn.ModuleDict({n.replace(".", "/"): u for n, u in add_low_rank(unet, options.rank).items()})
    named = {name.replace("/", "."): update for name, update in updates.items()}
    params = list(updates.parameters())
    averaged = [p.detach().clone() for p in params]
    optimizer = torch.optim.AdamW(params, lr=RATE, weight_decay=0, betas=(0.9, 0.99))
    data = Trajectories(options.data, options.seed)
    step, done, mean = 0, 0.0, {}
    if os.path.exists(options.state):
        state = torch.load(options.state, weights_only=True)
        updates.load_state_dict(state["updates"])
        optimizer.load_state_dict(state["optimizer"])
        data.generator.set_state(state["generator"])
        averaged, step, done, mean = state["averaged"], state["step"], state["done"], state["mean"]

    def save():
        state = dict(updates=updates.state_dict(), optimizer=optimizer.state_dict(), averaged=averaged, step=step)
        state |= dict(done=done, mean=mean, generator=data.generator.get_state())
        torch.save(state, options.state + ".part")
        os.replace(options.state + ".part", options.state)
        write_lora(options.out, named, dict(zip(params, averaged)), kernels)

    last = saved = time.time()
    while done < options.minutes:
        for group in optimizer.param_groups:
            cosine = 0.5 * (1 + math.cos(math.pi * done / options.minutes))
            group["lr"] = RATE * min(1, (step + 1) / 50) * (0.02 + 0.98 * cosine)
        latent, t, context, end = data.batch()
        error = clean_estimate(unet, alphas, latent, t, context) - end
        squares = error.square().mean((1, 2, 3))
        loss = ((squares + C * C).sqrt() - C).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        optimizer.step()
        torch._foreach_lerp_(averaged, [p.detach() for p in params], 1 / min(AVERAGED_STEPS, step + 1))
        for kind, rows in (("first", squares[:FIRST]), ("renewed", squares[FIRST : FIRST + RENEWED])):
            value = rows.detach().mean().item()
            mean[kind] = 0.98 * mean.get(kind, value) + 0.02 * value
        step += 1
        done += (time.time() - last) / 60
        last = time.time()
        if step % 50 == 1:
            losses = "  ".join(f"{kind} {value:.4f}" for kind, value in mean.items())
            print(f"{step}  mse {losses}  {len(data.files)} files  {done:.1f} min", flush=True)
            data.find()
        if last - saved > 240:
            save()
            saved = last
    save()
    print("steps", step, "of", BATCH)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("data")
    parser.add_argument("out")
    parser.add_argument("--state", required=True)
    parser.add_argument("--minutes", type=float, default=45)
    parser.add_argument("--rank", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    main(parser.parse_args())
