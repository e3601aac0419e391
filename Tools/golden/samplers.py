"""sampler-NAME.safetensors: whole samplings with the schedulers of diffusers and a one-line network.

The name of a case gives the prediction type, the timestep spacing and the number of steps. Its metadata is the
scheduler's configuration and, for LCM, the seed.
"""

import json

import torch
from diffusers import DDIMScheduler, DPMSolverMultistepScheduler, LCMScheduler

from golden.store import Golden

SHAPE = (1, 4, 2, 3)

BASE = {
    "num_train_timesteps": 1000,
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "clip_sample": False,
    "set_alpha_to_one": False,
}
EPSILON = {**BASE, "prediction_type": "epsilon", "steps_offset": 1}
VELOCITY = {**BASE, "prediction_type": "v_prediction", "steps_offset": 0}
ZERO = {**VELOCITY, "rescale_betas_zero_snr": True}


def network(latent, timestep, texture):
    return 0.3 * latent + torch.cos(torch.tensor(int(timestep) / 200)) * texture


def texture():
    return torch.randn(SHAPE, generator=torch.Generator().manual_seed(99))


def scheduler(kind, configuration, steps):
    made = kind.from_config({"_class_name": "DDIMScheduler", **configuration})
    made.set_timesteps(steps)
    # Due to rounding, the class may add a timestep of -1 to trailing ones, and repeat one if there are too few.
    if len(set(made.timesteps.tolist())) != steps or made.timesteps.min() < 0:
        raise ValueError(f"{kind.__name__} does not support {steps} steps with {configuration}")
    return made


def add_walk(golden, kind, name, configuration, steps, seed=None):
    """Adds the timesteps, and the latents before each step and after the last one."""
    sampler = scheduler(kind, configuration, steps)
    generator = torch.Generator().manual_seed(7 if seed is None else seed)
    latents = [torch.randn(SHAPE, generator=generator)]
    for t in sampler.timesteps:
        output = network(latents[-1], t, texture())
        extra = {} if seed is None else {"generator": generator}
        latents.append(sampler.step(output, t, latents[-1], **extra).prev_sample)
    golden.add(name, timesteps=sampler.timesteps, latents=torch.cat(latents))
    remark(golden, name, configuration, steps, seed)


def add_timesteps(golden, kind, name, configuration, steps):
    golden.add(name, timesteps=scheduler(kind, configuration, steps).timesteps)
    remark(golden, name, configuration, steps)


def remark(golden, name, configuration, steps, seed=None):
    case = {"scheduler": configuration, "steps": steps, **({} if seed is None else {"seed": seed})}
    golden.remark(**{name: json.dumps(case, sort_keys=True)})


def spread(configuration, spacing):
    return {**configuration, "timestep_spacing": spacing}


def write_ddim(path):
    golden = Golden()
    golden.add("", texture=texture())
    for steps in (1, 4, 7, 10, 30, 50):
        add_walk(golden, DDIMScheduler, f"epsilon.trailing.{steps}", spread(EPSILON, "trailing"), steps)
    for steps in (4, 10):
        ends = {**spread(VELOCITY, "trailing"), "set_alpha_to_one": True}
        add_walk(golden, DDIMScheduler, f"velocity.trailing.{steps}", ends, steps)
        add_walk(golden, DDIMScheduler, f"zero.trailing.{steps}", spread(ZERO, "trailing"), steps)
        add_walk(golden, DDIMScheduler, f"epsilon.leading.{steps}", spread(EPSILON, "leading"), steps)
    # Numbers of steps where the last bit of a double decides the rounding of halves.
    for steps in (48, 96, 112):
        add_timesteps(golden, DDIMScheduler, f"timesteps.trailing.{steps}", spread(EPSILON, "trailing"), steps)
    golden.save(path)


def write_dpm_solver(path):
    golden = Golden()
    golden.add("", texture=texture())
    kind = DPMSolverMultistepScheduler
    for spacing in ("linspace", "leading", "trailing"):
        for steps in (1, 2, 10, 14, 15, 20):
            add_walk(golden, kind, f"epsilon.{spacing}.{steps}", spread(EPSILON, spacing), steps)
            add_walk(golden, kind, f"velocity.{spacing}.{steps}", spread(VELOCITY, spacing), steps)
        for steps in (7, 27, 48, 243):
            add_timesteps(golden, kind, f"timesteps.{spacing}.{steps}", spread(EPSILON, spacing), steps)
    for steps in (10, 20):
        unmoved, moved = {**EPSILON, "steps_offset": 0}, {**VELOCITY, "steps_offset": 1}
        add_walk(golden, kind, f"epsilon.leading-unmoved.{steps}", spread(unmoved, "leading"), steps)
        add_walk(golden, kind, f"velocity.leading-moved.{steps}", spread(moved, "leading"), steps)
        add_walk(golden, kind, f"epsilon.unsaid.{steps}", EPSILON, steps)
        add_walk(golden, kind, f"zero.linspace.{steps}", spread(ZERO, "linspace"), steps)
    for steps in (1, 2, 10, 20):
        add_walk(golden, kind, f"zero.trailing.{steps}", spread(ZERO, "trailing"), steps)
    golden.save(path)


def write_lcm(path):
    golden = Golden()
    golden.add("", texture=texture())
    for seed, steps in enumerate((1, 2, 4, 8)):
        add_walk(golden, LCMScheduler, f"epsilon.{steps}", EPSILON, steps, seed=seed)
        add_walk(golden, LCMScheduler, f"velocity.{steps}", VELOCITY, steps, seed=100 + seed)
    add_walk(golden, LCMScheduler, "zero.4", ZERO, 4, seed=8888)
    # With 50 training timesteps, unlike with 1000, c_skip is large enough to matter, up to 1 at timestep 0.
    for steps in (8, 50):
        add_walk(golden, LCMScheduler, f"short.{steps}", {**EPSILON, "num_train_timesteps": 50}, steps, seed=steps)
    # The checkpoint's spacing is ignored.
    add_walk(golden, LCMScheduler, "epsilon.trailing.4", spread(EPSILON, "trailing"), 4, seed=2**32 - 1)
    for steps in (3, 7, 30, 49, 50):
        add_timesteps(golden, LCMScheduler, f"timesteps.{steps}", EPSILON, steps)
    golden.save(path)


def write(out):
    write_ddim(out / "sampler-ddim.safetensors")
    write_dpm_solver(out / "sampler-dpm-solver.safetensors")
    write_lcm(out / "sampler-lcm.safetensors")
