"""Trains the UNet and the text encoder of the demo model together.

    python Tools/training/train_unet.py AUTOENCODER TOKENIZER OUT [MINUTES 64] [START]

The loss is the noise prediction error on scaled latents, with SD 1.x's noise schedule and min-SNR weights. 12 %
of the captions are replaced by the empty one (classifier-free guidance), and averaged weights are saved.
Attention is not fused, because PyTorch's fused attention has a very slow backward pass on CPUs. START continues
from an earlier OUT.
"""

import json
import math
import sys
import time
from multiprocessing import Pool

import numpy as np
import torch
from diffusers import AutoencoderKL, DDPMScheduler, UNet2DConditionModel
from diffusers.models.attention_processor import AttnProcessor
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTokenizer

from samples import picture_and_caption

CONFIG = dict(
    sample_size=16, in_channels=8, out_channels=8, flip_sin_to_cos=True, freq_shift=0, center_input_sample=False,
    down_block_types=("CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"),
    up_block_types=("UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"), block_out_channels=(64, 128, 192),
    layers_per_block=1, cross_attention_dim=128, attention_head_dim=4, norm_num_groups=16,
)
SCHEDULE = dict(
    beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", num_train_timesteps=1000, clip_sample=False,
    prediction_type="epsilon",
)
RATE, BATCH, SAMPLES = 6e-4, 32, 40000
# The number of samples at the end that are held out from training.
HELD_OUT = 500
EMPTY_CAPTIONS = 0.12


def text_config(vocabulary):
    return CLIPTextConfig(
        vocab_size=vocabulary, hidden_size=128, intermediate_size=512, num_hidden_layers=3, num_attention_heads=4,
        max_position_embeddings=77, hidden_act="quick_gelu", bos_token_id=vocabulary - 2, eos_token_id=vocabulary - 1,
        pad_token_id=vocabulary - 1, projection_dim=128,
    )


def tokens_of(tokenizer, captions):
    return torch.tensor(tokenizer(captions, padding="max_length", max_length=77).input_ids)


@torch.no_grad()
def encoded(autoencoder, tokenizer, count, first=1_000_000):
    """Returns unscaled latents of samples, and the tokens of their captions."""
    latents, captions = [], []
    with Pool() as pool:
        for k in range(0, count, 4000):
            seeds = range(first + k, first + min(k + 4000, count))
            batch = pool.map(picture_and_caption, seeds, chunksize=100)
            for j in range(0, len(batch), 32):
                x = np.stack([picture for picture, _ in batch[j : j + 32]])
                x = torch.from_numpy(x).permute(0, 3, 1, 2).float() / 127.5 - 1
                with torch.autocast("cpu", dtype=torch.bfloat16):
                    x = x.contiguous(memory_format=torch.channels_last)
                    z = autoencoder.encode(x).latent_dist.mean
                latents.append(z.float().contiguous())
            captions += [words for _, words in batch]
    return torch.cat(latents), tokens_of(tokenizer, captions)


def main(autoencoder, tokenizer, out, minutes=64.0, start=None):
    torch.manual_seed(0)
    generator = torch.Generator().manual_seed(1)
    tokenizer = CLIPTokenizer.from_pretrained(tokenizer)
    vae = AutoencoderKL.from_pretrained(autoencoder).to(memory_format=torch.channels_last)
    latents, ids = encoded(vae, tokenizer, SAMPLES)
    if start:
        with open(start + "/scale.json") as file:
            scale = json.load(file)["scale"]
        unet = UNet2DConditionModel.from_pretrained(start + "/unet")
        text = CLIPTextModel.from_pretrained(start + "/text_encoder")
    else:
        scale = 1 / latents[:4000].std().item()
        unet = UNet2DConditionModel(**CONFIG)
        text = CLIPTextModel(text_config(len(tokenizer)))
    unet.set_attn_processor(AttnProcessor())
    text.set_attn_implementation("eager")
    unet.to(memory_format=torch.channels_last)
    empty = tokens_of(tokenizer, "")
    alphas = DDPMScheduler(**SCHEDULE).alphas_cumprod
    params = [*unet.parameters(), *text.parameters()]
    averaged = [p.detach().clone() for p in params]
    optimizer = torch.optim.AdamW(params, lr=RATE, weight_decay=1e-3, betas=(0.9, 0.99))

    def save():
        current = [p.detach().clone() for p in params]
        for p, a in zip(params, averaged):
            p.data.copy_(a)
        unet.save_pretrained(out + "/unet")
        text.save_pretrained(out + "/text_encoder")
        with open(out + "/scale.json", "w") as file:
            json.dump({"scale": scale}, file)
        for p, c in zip(params, current):
            p.data.copy_(c)

    begin = saved = time.time()
    i, mean = 0, None
    while (done := (time.time() - begin) / (minutes * 60)) < 1:
        for group in optimizer.param_groups:
            cosine = 0.5 * (1 + math.cos(math.pi * done))
            group["lr"] = RATE * min(1, (i + 1) / 300) * (0.02 + 0.98 * cosine)
        index = torch.randint(0, len(latents) - HELD_OUT, (BATCH,), generator=generator)
        z, tokens = latents[index] * scale, ids[index].clone()
        tokens[torch.rand(BATCH, generator=generator) < EMPTY_CAPTIONS] = empty
        t = torch.randint(0, 1000, (BATCH,), generator=generator)
        noise = torch.randn(z.shape, generator=generator)
        a = alphas[t].view(-1, 1, 1, 1)
        x = (a.sqrt() * z + (1 - a).sqrt() * noise).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            predicted = unet(x, t, text(tokens).last_hidden_state).sample
        error = (predicted.float() - noise).square().mean((1, 2, 3))
        snr = (a / (1 - a)).view(-1)
        loss = (snr.clamp(max=5) / snr * error).mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(params, 1.0)
        optimizer.step()
        torch._foreach_lerp_(averaged, [p.detach() for p in params], 1 - min(0.9995, (1 + i) / (10 + i)))
        value = error.mean().item()
        mean = value if mean is None else 0.99 * mean + 0.01 * value
        if i % 200 == 0:
            seconds = (time.time() - begin) / (i + 1)
            print(i, f"mse {mean:.4f}  {seconds:.3f} s/step  {100 * done:.0f} %", flush=True)
        if time.time() - saved > 600:
            save()
            saved = time.time()
        i += 1
    save()
    print("steps", i, "mse", mean)


if __name__ == "__main__":
    main(*sys.argv[1:4], *(float(m) for m in sys.argv[4:5]), *sys.argv[5:6])
