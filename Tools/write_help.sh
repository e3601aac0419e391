#!/usr/bin/env bash
# Writes the help of every command to Tests/Fixtures/help, for comparison in the tests. Run it after `swift build`.
set -euo pipefail
cd "$(dirname "$0")/.."
nti=$(swift build --show-bin-path)/nti
COLUMNS=80 "$nti" --help > Tests/Fixtures/help/nti.txt
for command in invert edit reconstruct generate demo inspect maps tokens convert evaluate benchmark; do
  COLUMNS=80 "$nti" "$command" --help > "Tests/Fixtures/help/$command.txt"
done
