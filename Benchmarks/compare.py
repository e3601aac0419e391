"""Times two commands alternately, A B A B …, and prints the ratio B / A for each pair.

    python Benchmarks/compare.py --runs 3 'COMMAND A' 'COMMAND B'

Both run in the shell without OPENBLAS_CORETYPE and OPENBLAS_L2_SIZE. The times are wall-clock seconds of the whole process,
including start-up. Report the median ratio and the number of threads, measured on an otherwise idle machine.
"""

import argparse
import os
import statistics
import subprocess
import time


def seconds(command, environment):
    start = time.perf_counter()
    subprocess.run(command, shell=True, check=True, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("a")
    parser.add_argument("b")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    hidden = ["OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"]
    environment = {key: value for key, value in os.environ.items() if key not in hidden}
    pairs = []
    for run in range(arguments.runs):
        pairs.append((seconds(arguments.a, environment), seconds(arguments.b, environment)))
        a, b = pairs[-1]
        print(f"run {run + 1}: A {a:.2f} s, B {b:.2f} s, B / A {b / a:.2f}", flush=True)
    ratios = [b / a for a, b in pairs]
    print(f"median: A {statistics.median(a for a, _ in pairs):.2f} s, B {statistics.median(b for _, b in pairs):.2f} s, "
          f"B / A {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")


if __name__ == "__main__":
    main()
