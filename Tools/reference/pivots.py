"""Alternatives to the pivots of DDIM inversion. Lists go from picture to noise, starting with the picture's own
latent."""

import torch

from reference.inversion import advance, guided


def levels(model, t):
    """Returns ᾱ at a timestep and at the end of its step toward the picture, in double precision."""
    return model.level(t).double(), model.level(t - model.stride).double()


def rise(model, z, t, context, null=None, guidance=1):
    """Returns the latent after one step toward noise, as in DDIM inversion: the network gets the timestep at the
    end of the step."""

    def ask(context):
        return model.noise(z, t, context, level=model.level(t - model.stride))

    return model.up(z, ask(context) if null is None else guided(ask(null), ask(context), guidance), t)


# Fixed points (SPDInv, Li et al. 2024, without its gradients)


def undo(model, landing, output, t):
    """Returns the latent that one step toward the picture maps to `landing`, given the network's output for it."""
    here, there = levels(model, t)
    if model.uses_v:
        of_latent = (there * here).sqrt() + ((1 - there) * (1 - here)).sqrt()
        of_output = ((1 - there) * here).sqrt() - (there * (1 - here)).sqrt()
    else:
        of_latent = (there / here).sqrt()
        of_output = (1 - there).sqrt() - of_latent * (1 - here).sqrt()
    return (landing - of_output * output) / of_latent


def iterates(model, landing, t, context):
    """Yields the DDIM inversion step, then increasingly accurate latents whose own step leads to `landing`."""
    z = rise(model, landing, t, context)
    while True:
        yield z
        z = undo(model, landing, model.unet(z, t, encoder_hidden_states=context).sample, t)


def settle(found, most, tolerance):
    """Returns the first iterate that moved less than `tolerance`, or the last one, and the mean square of each
    move."""
    z, moves = next(found), []
    while len(moves) < most and not (moves and moves[-1] < tolerance):
        last, z = z, next(found)
        moves.append((z - last).square().mean().item())
    return z, moves


def solve(model, landing, t, context, most, tolerance):
    return settle(iterates(model, landing, t, context), most, tolerance)


@torch.no_grad()
def fixed_points(model, z, context, steps, most, tolerance, solve=solve):
    """Returns pivots whose steps lead to one another, and the moves of their iterations."""
    latents, moves = [z], []
    for t in reversed(model.set_steps(steps)):
        z, made = solve(model, latents[-1], t, context, most, tolerance)
        latents.append(z)
        moves.append(made)
    return latents, moves


# Averages (EasyInv)


@torch.no_grad()
def averaged(model, z, context, steps, start, length, share):
    """Returns pivots averaged with the previous one in a window of the steps; `share` is the weight of the new
    one."""
    window = range(int(start * steps), int((start + length) * steps))
    latents = [z]
    for k, t in enumerate(reversed(model.set_steps(steps))):
        last, new = latents[-1], rise(model, latents[-1], t, context)
        latents.append(share * new + (1 - share) * last if k in window else new)
    return latents


# Guidance during inversion (SimInversion)


@torch.no_grad()
def under_guidance(model, z, context, null, steps, guidance):
    """Returns pivots of an inversion with classifier-free guidance."""
    latents = [z]
    for t in reversed(model.set_steps(steps)):
        latents.append(rise(model, latents[-1], t, context, null, guidance))
    return latents


def descend(model, z, context, null, steps, guidance):
    """Returns the latents of a guided sampling from a noisy latent to a picture, noisiest first."""
    latents = [z]
    for t in model.set_steps(steps):
        latents.append(advance(model, latents[-1], t, null, context, guidance))
    return latents


# Independent noise (Huberman-Spiegelglas et al. 2024)


def draw(seed, count, like):
    """Returns noise tensors in the order of drawing, in single precision."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(like.shape, generator=generator).to(like.dtype) for _ in range(count)]


def blur(z, noise, level):
    """Returns a latent with noise added, at a noise level."""
    level = level.double()
    return level.sqrt() * z + (1 - level).sqrt() * noise


def independent(model, z, steps, seed):
    """Returns the picture's latent with independent noise at each level; the noise is drawn from the noisiest
    level down."""
    timesteps = model.set_steps(steps)
    noisy = [blur(z, n, model.level(t)) for t, n in zip(timesteps, draw(seed, steps, z))]
    return [z, *reversed(noisy)]
