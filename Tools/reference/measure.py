"""Distances between tensors."""

import math


def psnr(a, b, peak=255):
    """Returns the peak signal-to-noise ratio in dB; infinite for equal pictures."""
    error = (a.double() - b.double()).square().mean().item()
    return math.inf if error == 0 else 10 * math.log10(peak**2 / error)


def relative_error(a, b):
    """Returns the norm of the difference divided by the norm of `b`."""
    return float((a.double() - b.double()).norm() / b.double().norm())
