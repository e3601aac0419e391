"""NAME.safetensors: the results of a checkpoint's networks and noise schedule, one call at a time.

They are computed in double precision, so that only one side of the comparison has the error of single
precision.
"""

import torch

from golden.store import Golden, Random, exact

CAPTIONS = ["a cat sitting on the mat", "a big red fox and a dog", ""]


def add_texts(golden, model, captions):
    contexts = []
    for k, caption in enumerate(captions):
        context = model.embed(caption)
        golden.add(f"text.{k}", ids=model.ids(caption)[0], embedding=context)
        golden.remark(**{f"text.{k}": caption})
        contexts.append(exact(context))
    return contexts


def add_unet(golden, model, random, contexts):
    channels, side = model.unet.config.in_channels, model.unet.config.sample_size
    square = random.normal(1, channels, side, side)
    wide = random.normal(1, channels, side, 2 * side)
    tall = random.normal(1, channels, 3 * side // 2, side)
    noise = random.normal(1, 77, model.unet.config.cross_attention_dim)
    first, *_, last = model.set_steps(50)
    cases = [
        (square, first, noise),
        (square, last, contexts[0]),
        (wide, 481, contexts[1]),
        (tall, 121, contexts[2]),
    ]
    for k, (latent, t, context) in enumerate(cases):
        with torch.no_grad():
            output = model.unet(latent, t, encoder_hidden_states=context).sample
        golden.add(f"unet.{k}", latent=latent, timestep=[t], context=context, output=output)
    for k, (t, context) in enumerate([(501, noise), (301, contexts[2])]):
        leaf = context.clone().requires_grad_()
        target = random.normal(1, channels, side, side)
        output = model.unet(square, t, encoder_hidden_states=leaf).sample
        loss = (output - target).square().mean()
        (gradient,) = torch.autograd.grad(loss, leaf)
        golden.add(f"gradient.{k}", latent=square, timestep=[t], context=context, target=target)
        golden.add(f"gradient.{k}", loss=[loss.item()], gradient=gradient)


def add_autoencoder(golden, model, random, pictures):
    channels = model.vae.config.latent_channels
    factor = 2 ** (len(model.vae.config.block_out_channels) - 1)
    for k, picture in enumerate(pictures):
        latent = model.encode(picture)
        golden.add(f"encode.{k}", picture=picture, latent=latent)
    for k, picture in enumerate(pictures):
        height, width = picture.shape[2] // factor, picture.shape[3] // factor
        latent = random.normal(1, channels, height, width) if k else exact(model.encode(picture))
        golden.add(f"decode.{k}", latent=latent, picture=model.decode(latent))


def add_schedule(golden, model, random):
    golden.add("schedule", alphas=model.abar, final_alpha=[float(model.scheduler.final_alpha_cumprod)])
    for steps in (50, 30, 10):
        golden.add("schedule.timesteps", **{str(steps): model.set_steps(steps)})
    latent, output = random.normal(1, 4, 4, 6), random.normal(1, 4, 4, 6)
    golden.add("ddim", latent=latent, output=output)
    for steps in (50, 8):
        timesteps = model.set_steps(steps)
        for k, t in enumerate([timesteps[0], timesteps[steps // 2], timesteps[-2], timesteps[-1]]):
            here, below = model.level(t), model.level(t - model.stride)
            previous = model.down(latent, model.to_noise(output, latent, here), t)
            following = model.up(latent, model.to_noise(output, latent, below), t)
            golden.add(f"ddim.{steps}.{k}", timestep=[t], previous=previous, next=following)


def write(model, path, seed, captions, pictures):
    random = Random(seed, model.dtype)
    golden = Golden()
    contexts = add_texts(golden, model, captions)
    add_unet(golden, model, random, contexts)
    add_autoencoder(golden, model, random, pictures(random))
    add_schedule(golden, model, random)
    golden.save(path)


def write_tiny(model, path, seed):
    factor = 2 ** (len(model.vae.config.block_out_channels) - 1)
    side = model.unet.config.sample_size * factor
    write(model, path, seed, CAPTIONS, lambda random: [random.picture(side, side), random.picture(side // 2, side)])


def write_demo(model, path, bench):
    picture = model.prepare(bench / "annotation_images" / "100000000006.png")
    captions = ["a penguin on sand", "a big red octopus next to a donut on purple dots", ""]
    write(model, path, 7, captions, lambda random: [picture, random.picture(32, 64)])
