"""primitives.json: random numbers, Adam steps and nearest-neighbor resizing of PyTorch."""

import json

import torch

# A seed, and the count of numbers of each following call. PyTorch draws up to 15 numbers singly, and more in vectors.
SEQUENCES = [
    (0, [1, 1, 1]),
    (1, [3, 20, 1, 16, 17, 2]),
    (8888, [15, 16, 5]),
    (1234, [2048]),
    (42, [4 * 64 * 64 + 7, 4]),
    (20, [65536]),
    (2**32 + 1, [4, 33]),
    (2**64 - 1, [31]),
]

ADAMS = [
    dict(learning_rates=[0.01 * (1 - i / 100) for i in range(6)], beta1=0.9, beta2=0.999, epsilon=1e-8, scale=1e-4),
    dict(learning_rates=[1e-3] * 5, beta1=0.5, beta2=0.9, epsilon=1e-3, scale=10.0),
]

RESIZES = [(1, 1), (1, 5), (5, 1), (2, 4), (3, 9), (4, 6), (7, 13), (9, 4), (10, 3), (16, 31), (29, 58), (48, 50), (64, 65), (13, 91)]


def places(count):
    """Returns all indices if there are few, otherwise those at both ends and some between."""
    if count <= 64:
        return list(range(count))
    middle = range(20, count - 20, max(1, count // 60))
    return [*range(20), *middle, *range(count - 20, count)]


def random_sequence(seed, counts):
    torch.manual_seed(seed)
    calls = []
    for count in counts:
        numbers = torch.randn(count)
        at = places(count)
        calls.append({"count": count, "places": at, "numbers": numbers[at].tolist()})
    return {"seed": seed, "calls": calls}


def adam(learning_rates, beta1, beta2, epsilon, scale, count=37):
    generator = torch.Generator().manual_seed(7)
    parameter = torch.randn(count, generator=generator).requires_grad_()
    start = parameter.detach().clone()
    optimizer = torch.optim.Adam([parameter], lr=learning_rates[0], betas=(beta1, beta2), eps=epsilon, foreach=False)
    steps = []
    for rate in learning_rates:
        parameter.grad = scale * torch.randn(count, generator=generator)
        parameter.grad[0] = 0
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
        steps.append(
            {"learningRate": rate, "gradient": parameter.grad.tolist(), "parameters": parameter.detach().tolist()}
        )
    return {"beta1": beta1, "beta2": beta2, "epsilon": epsilon, "start": start.tolist(), "steps": steps}


def resize(count, new_count):
    pixels = torch.arange(count, dtype=torch.float32).reshape(1, 1, count, 1)
    source = torch.nn.functional.interpolate(pixels, size=(new_count, 1), mode="nearest")
    return {"count": count, "newCount": new_count, "source": source.flatten().int().tolist()}


def write(path):
    values = {
        "random": [random_sequence(*sequence) for sequence in SEQUENCES],
        "adam": [adam(**settings) for settings in ADAMS],
        "nearest": [resize(*counts) for counts in RESIZES],
    }
    path.write_text(json.dumps(values, separators=(",", ":")) + "\n")
