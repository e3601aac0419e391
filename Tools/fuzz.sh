#!/usr/bin/env bash
# Fuzzes the readers of Tests/FuzzReaders with libFuzzer and AddressSanitizer.
#
#   Tools/fuzz.sh SECONDS [READER...]     seconds per reader; all readers by default
#
# Inputs found are kept in .build/fuzz/READER; an input that crashes the process is written to .build/fuzz/findings,
# and the exit status is then 1. MERGE=1 adds a minimal set of inputs that increase coverage to Tests/Corpus.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=$1
shift
all=(safetensors singleFile lora index configuration tokenizer text inversion picture profile options benchmark)
if test $# = 0; then set -- "${all[@]}"; fi

work=$PWD/.build/fuzz
mkdir -p "$work/findings"
swift build -c release --scratch-path "$work/build" --target FuzzReaders \
  -Xswiftc -sanitize=fuzzer,address -Xcc -fsanitize=fuzzer-no-link,address

# A fuzzer has its own main function, which a package product would need too, so the objects are linked here.
modules=(FuzzReaders TestSupport EditEvaluation NullTextInversion DiffusionCore EmojiScenes CLIPVocabulary Pictures InputOutput Tensor
  CTensorKernels CPictures)
built=$(swift build -c release --scratch-path "$work/build" --show-bin-path)
modules=("${modules[@]/#/$built/}")
mapfile -t objects < <(find "${modules[@]/%/.build}" -name '*.o')
swiftc -sanitize=fuzzer,address "${objects[@]}" \
  $(pkg-config --libs openblas lapacke libpng libturbojpeg libwebp lcms2 zlib) -o "$work/fuzz" 2> "$work/link.log" \
  || { cat "$work/link.log" >&2; exit 1; }

python3 Tools/write_fuzz_seeds.py "$work/seeds"
# Swift's runtime keeps some objects permanently, which is not a leak.
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1
status=0
for reader in "$@"; do
  mkdir -p "$work/$reader" "Tests/Corpus/$reader"
  echo "== $reader"
  READER=$reader "$work/fuzz" "$work/$reader" "Tests/Corpus/$reader" "$work/seeds/$reader" \
    -dict="Tests/FuzzReaders/Dictionaries/$reader.dict" -artifact_prefix="$work/findings/$reader-" \
    -max_total_time="$seconds" -max_len=16384 -timeout=10 -rss_limit_mb=3072 -print_final_stats=1 \
    > "$work/$reader.log" 2>&1 || { status=1; grep -m1 -E 'ERROR|Fatal error|SUMMARY' "$work/$reader.log" || true; }
  grep -E 'DONE|stat::|Test unit written' "$work/$reader.log" || true
  if test -n "${MERGE:-}"; then
    mkdir -p "$work/merged"
    rm -rf "$work/merged/$reader" && mkdir "$work/merged/$reader"
    READER=$reader "$work/fuzz" -set_cover_merge=1 "$work/merged/$reader" "Tests/Corpus/$reader" "$work/$reader" \
      "$work/seeds/$reader" -max_len=4096 >> "$work/$reader.log" 2>&1
    rm -rf "Tests/Corpus/$reader" && cp -r "$work/merged/$reader" "Tests/Corpus/$reader"
  fi
done
exit $status
