"""Times the networks in this library, PyTorch and OpenVINO alternately, and prints medians and ratios.

    swift build -c release --product nti
    python Benchmarks/compare_networks.py --nti .build/release/nti [--model DIR --rounds 2 --runs 3 --threads 2 --cache DIR]

Without --model, a random half-precision checkpoint with the shapes of Stable Diffusion 1 is written (and kept with --cache).
All programs compute in single precision, without OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE. The results are compared before times
are reported. If OpenVINO is not installed, it is skipped with a message. Run it on an otherwise idle machine.
"""

import argparse
import importlib.util
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
LIMITS = {"unet": 1e-4, "gradient": 1e-3, "encoded": 1e-4, "decoded": 1e-4}
PARTS = ["unet", "gradient", "encode", "decode"]


def run(*command):
    hidden = ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"]
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    finished = subprocess.run([str(c) for c in command], stdout=subprocess.PIPE, check=True, text=True, env=environment)
    return json.loads(finished.stdout.splitlines()[-1])


def check(name, errors):
    for part, error in errors.items():
        if not error <= LIMITS[part]:
            sys.exit(f"{name}: {part} differs by {error:.1e}, more than {LIMITS[part]:.0e}. No times are reported.")
    print(f"{name} agrees: " + ", ".join(f"{part} {error:.1e}" for part, error in errors.items()), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nti", type=pathlib.Path, required=True)
    parser.add_argument("--model", type=pathlib.Path)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--cache", type=pathlib.Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        cache = options.cache or scratch
        model = options.model or cache / "sd-f16"
        if not (model / "model_index.json").exists():
            subprocess.run(
                [sys.executable, HERE.parent / "Tools/write_full_size_checkpoint.py", "--out", model], check=True
            )
        inputs = scratch / "inputs.safetensors"
        shared = ["--runs", options.runs, "--threads", options.threads]

        def ours():
            what = ",".join(PARTS)
            found = run(options.nti, "benchmark", "--model", model, "--what", what, "--dump", inputs, "--json", *shared)
            return {"seconds": {part: found[part] for part in PARTS}, "errors": {}}

        def theirs(script):
            return lambda: run(sys.executable, HERE / script, model, inputs, "--cache", cache / "openvino", *shared)

        programs = {"nti": ours, "PyTorch": theirs("unet_pytorch.py")}
        if importlib.util.find_spec("openvino"):
            programs["OpenVINO"] = theirs("unet_openvino.py")
        else:
            print("OpenVINO is not installed and is skipped. To include it: pip install openvino")
        times = {name: {} for name in programs}
        for number in range(options.rounds):
            for name, program in programs.items():
                found = program()
                if number == 0 and found["errors"]:
                    check(name, found["errors"])
                for part, seconds in found["seconds"].items():
                    times[name].setdefault(part, []).extend(seconds)

    others = [name for name in programs if name != "nti"]
    print(f"\n{options.threads} threads, medians of {options.rounds * options.runs} runs; ratio = other program / nti")
    print(f"{'':9}{'nti':>10}" + "".join(f"{name:>12}{'ratio':>8}" for name in others))
    for part in PARTS:
        mine = statistics.median(times["nti"][part])
        line = f"{part:9}{mine:8.3f} s"
        for name in others:
            if part in times[name]:
                other = statistics.median(times[name][part])
                line += f"{other:10.3f} s{other / mine:8.2f}"
            else:
                line += f"{'-':>12}{'-':>8}"
        print(line)


if __name__ == "__main__":
    main()
