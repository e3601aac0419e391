"""Common functions of the scripts that time networks: arguments, inputs, measurement and report."""

import argparse
import json
import time
import warnings

import diffusers
import torch
from safetensors import safe_open

diffusers.logging.set_verbosity_error()
# Tracing warns about branches on shapes, which are static here.
warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)
warnings.filterwarnings("ignore", category=FutureWarning)


def arguments(description, parts):
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a folder in the diffusers layout")
    parser.add_argument("inputs", help="the file written by nti benchmark --dump")
    parser.add_argument("--what", type=lambda text: text.split(","), default=parts)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cache", help="a folder for converted networks (OpenVINO)")
    return parser.parse_args()


def open_inputs(path):
    """Returns the tensors of the file, and the timestep."""
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}, int(file.metadata()["timestep"])


def measure(work, runs):
    """Returns the seconds of each run after one warm-up run, and the result."""
    result = work()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
    return times, result


def error(ours, theirs):
    """Returns the relative error in the L2 norm."""
    ours, theirs = ours.double(), torch.as_tensor(theirs).double()
    return ((ours - theirs).norm() / theirs.norm()).item()


def report(times, results, inputs):
    errors = {name: error(inputs[name], result) for name, result in results.items() if name in inputs}
    print(json.dumps({"seconds": times, "errors": errors}))
