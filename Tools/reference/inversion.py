"""DDIM inversion, and null-text optimization (Mokady et al. 2022) as in its published code."""

from dataclasses import dataclass, field

import torch


@dataclass
class Inversion:
    """The results of an inversion. Lists over steps go from noise to picture, pivots from picture to noise."""

    caption: str
    guidance: float
    pivots: list
    null: list = field(default_factory=list)
    trajectory: list = field(default_factory=list)  # the latents of the reconstruction, starting with the noisiest pivot
    losses: list = field(default_factory=list)  # of each step and iteration, before the update

    @property
    def iterations(self):
        return [len(losses) for losses in self.losses]


@torch.no_grad()
def pivots(model, z, context, steps):
    """Returns the latents from a picture to noise, starting with the picture's own: guidance 1, the caption only.

    The network gets the timestep at the end of each step, not the one at its start.
    """
    latents = [z]
    for t in reversed(model.set_steps(steps)):
        noise = model.noise(latents[-1], t, context, level=model.level(t - model.stride))
        latents.append(model.up(latents[-1], noise, t))
    return latents


def guided(null, caption, guidance):
    """Returns the prediction of classifier-free guidance."""
    return null + guidance * (caption - null)


def rate(step):
    """Returns Adam's learning rate at a sampling step."""
    return 1e-2 * (1 - step / 100)


def threshold(step, early_stop):
    """Returns the loss below which the optimization of a sampling step stops."""
    return early_stop + step * 2e-5


def fit(model, z, t, step, caption_noise, target, start, inner_steps, guidance, early_stop=1e-5):
    """Optimizes one step's null embedding; returns it with the losses before each update.

    Each step uses a new Adam optimizer; the loss is compared with the threshold after the update, so there is
    at least one update.
    """
    null = start.detach().clone().requires_grad_()
    mean, square = torch.zeros_like(null), torch.zeros_like(null)
    losses = []
    for k in range(1, inner_steps + 1):
        noise = guided(model.noise(z, t, null), caption_noise, guidance)
        loss = (model.down(z, noise, t) - target).square().mean()
        (gradient,) = torch.autograd.grad(loss, null)
        losses.append(loss.item())
        with torch.no_grad():
            mean = 0.9 * mean + 0.1 * gradient
            square = 0.999 * square + 0.001 * gradient.square()
            root = square.sqrt() / (1 - 0.999**k) ** 0.5 + 1e-8
            null -= rate(step) / (1 - 0.9**k) * mean / root
        if losses[-1] < threshold(step, early_stop):
            break
    return null.detach(), losses


@torch.no_grad()
def advance(model, z, t, null, context, guidance):
    """Returns the latent after one guided step toward the picture."""
    noise = guided(model.noise(z, t, null), model.noise(z, t, context), guidance)
    return model.down(z, noise, t)


def invert(model, z, caption, steps=50, inner_steps=10, guidance=7.5, early_stop=1e-5):
    """Returns the null-text inversion of the picture with latent `z`."""
    context, null = model.embed(caption), model.embed("")
    inversion = Inversion(caption, guidance, pivots(model, z, context, steps))
    z = inversion.pivots[-1]
    inversion.trajectory.append(z)
    for step, t in enumerate(model.set_steps(steps)):
        target = inversion.pivots[steps - step - 1]
        with torch.no_grad():
            caption_noise = model.noise(z, t, context)
        null, losses = fit(model, z, t, step, caption_noise, target, null, inner_steps, guidance, early_stop)
        z = advance(model, z, t, null, context, guidance)
        inversion.null.append(null)
        inversion.losses.append(losses)
        inversion.trajectory.append(z)
    return inversion
