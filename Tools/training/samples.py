"""A training sample from an integer seed."""

import random

import numpy as np

from scenes import caption, render, sample


def picture_and_caption(seed):
    scene = sample(random.Random(seed))
    return np.asarray(render(scene)), caption(scene)
