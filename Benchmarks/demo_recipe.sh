#!/usr/bin/env bash
# Times the published inversion and one edit with the demo model, alternately in this library and PyTorch.
# Requires `nti` in PATH.
set -euo pipefail
cd "$(dirname "$0")/.."
resources=Sources/EmojiScenes/Resources
photo=$resources/bench/annotation_images/100000000042.png
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
"${PYTHON:-python3}" Benchmarks/compare.py --runs "${RUNS:-3}" \
  "rm -f $scratch/a.nti && nti invert $photo --caption 'a tiger on grass' -o $scratch/a.nti \
    && nti edit $scratch/a.nti --prompt 'a fox on grass' -o $scratch/a.png" \
  "${PYTHON:-python3} Benchmarks/pytorch.py $resources $photo 'a tiger on grass' 'a fox on grass'"
