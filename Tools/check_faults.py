"""Makes every system call of a command fail, one at a time, and kills commands at random moments.

    swift build -c release --product nti
    python3 Tools/check_faults.py --nti .build/release/nti [--kills 100] [--only edit]

For each command that writes and each n, the n-th open, write, fsync, rename and large mmap fails once. After
each failure, the command must exit normally, with a documented status and an error message; each file that it
writes must be unchanged or as an undisturbed run writes it; no temporary file may be left; and the same command
must then succeed. A killed command may leave a temporary file; the other rules still apply. Needs Python and
clang. The exit status is 1 if a check fails.
"""

import argparse
import collections
import csv
import errno
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODEL = ROOT / "Tests/Fixtures/models/four-levels"
PHOTO = ROOT / "Tests/Fixtures/pictures/photo.png"
CAPTION, PROMPT = "a cat on the mat", "a dog on the mat"
STATUSES = {0, 64, 65, 66, 70}
FAULTS = {"open": errno.EIO, "write": errno.ENOSPC, "fsync": errno.EIO, "rename": errno.EIO, "mmap": errno.ENOMEM}
OLD = b"what was there before"


class Wrong(Exception):
    pass


def expect(holds, sentence):
    if not holds:
        raise Wrong(sentence)


class Command:
    """A command, its input files and its output files."""

    def __init__(self, name, arguments, outputs, inputs=(), overwrites=True):
        self.name, self.arguments, self.outputs, self.inputs = name, arguments, outputs, inputs
        self.overwrites = overwrites

    def prepare(self, folder, made):
        if folder != made:
            for name in self.inputs:
                shutil.copy(made / name, folder / name)
        if self.overwrites:
            for name in self.outputs:
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_bytes(OLD)

    def start(self, nti, folder, **environment):
        force = ["--force"] if self.overwrites else []
        return subprocess.Popen(
            [nti, *self.arguments, *force], cwd=folder, env=os.environ | environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace")


def commands(benchmark):
    model = ["--model", str(MODEL)]
    invert = ["invert", str(PHOTO), "--caption", CAPTION, *model, "--steps", "3", "--inner-steps", "1", "-o", "a.nti"]
    return [
        Command("invert", invert, ["a.nti"]),
        Command("edit", ["edit", "a.nti", "--prompt", PROMPT, *model, "--blend", "cat,dog", "-o", "edit.png",
                         "--save-recipe", "recipe.json", "--save-mask", "mask.png"],
                ["edit.png", "recipe.json", "mask.png"], ["a.nti"]),
        Command("generate", ["generate", "--prompt", PROMPT, *model, "--steps", "2", "-o", "made.jpg"], ["made.jpg"]),
        Command("reconstruct", ["reconstruct", "a.nti", *model, "-o", "again.png"], ["again.png"], ["a.nti"]),
        Command("maps", ["maps", "a.nti", *model, "-o", "maps.png"], ["maps.png"], ["a.nti"]),
        Command("evaluate", ["evaluate", str(benchmark), *model, "--steps", "2", "--method", "direct", "-o", "out"],
                ["out/evaluation_result.csv", "out/directinversion+p2p/settings.json",
                 *[f"out/directinversion+p2p/{kind}/{record}.png" for kind in ("annotation_images", "reconstructions")
                   for record in ("100000000000", "200000000001")]], overwrites=False),
        Command("demo", ["demo", "-o", "demo"],
                ["demo/inversion.nti", *[f"demo/{name}.png" for name in (
                    "photo", "autoencoder", "ddim", "null-text", "cat", "snow", "blue", "contact-sheet")]]),
    ]


def contents(command, folder):
    return {name: content(folder / name) if (folder / name).exists() else None for name in command.outputs}


def content(path):
    """Returns the bytes of a file, or the table in it without the times."""
    if path.suffix != ".csv":
        return path.read_bytes()
    rows = list(csv.reader(path.read_text().splitlines()))
    timed = {index for index, name in enumerate(rows[0]) if name.endswith("|seconds")}
    return [[cell for index, cell in enumerate(row) if index not in timed] for row in rows]


def leftovers(folder):
    return [str(path.relative_to(folder)) for path in folder.rglob("*.tmp")]


class Check:
    def __init__(self, nti, shim, seed):
        self.nti, self.shim, self.moments = nti, shim, random.Random(seed)
        self.faults = collections.Counter()
        self.statuses = collections.Counter()

    def undisturbed(self, command, made):
        command.prepare(made, made)
        begun = time.monotonic()
        process = command.start(self.nti, made)
        _, message = process.communicate(timeout=120)
        expect(process.returncode == 0, f"{command.name}: {message}")
        command.seconds = time.monotonic() - begun
        command.whole = contents(command, made)
        expect(all(command.whole.values()), f"{command.name} did not write all of {command.whole.keys()}")

    def expect_whole(self, command, found, name):
        """Expects each file to be old or as an undisturbed run writes it; a table may lack the records that
        failed."""
        for file, content in found.items():
            before, whole = OLD if command.overwrites else None, command.whole[file]
            is_part = isinstance(content, list) and content[0] == whole[0] and all(row in whole for row in content)
            expect(content in (before, whole) or is_part, f"{name}: {file} is neither old nor new")

    def repeat(self, command, folder, name):
        """Runs the command again, undisturbed."""
        process = command.start(self.nti, folder)
        _, message = process.communicate(timeout=120)
        expect(process.returncode == 0, f"{name}: the repetition ended with status {process.returncode}: {message}")
        expect(contents(command, folder) == command.whole, f"{name}: the repetition wrote other bytes")

    def fail(self, command, made, call, number):
        """Makes one call fail; returns whether the call was reached."""
        name = f"{command.name}, {call} {number}"
        with tempfile.TemporaryDirectory() as scratch:
            folder, log = pathlib.Path(scratch), pathlib.Path(scratch) / "log"
            command.prepare(folder, made)
            process = command.start(
                self.nti, folder, LD_PRELOAD=str(self.shim), FAULT_CALL=call, FAULT_AT=str(number),
                FAULT_ERRNO=str(FAULTS[call]), FAULT_LOG=str(log), SWIFT_BACKTRACE="enable=no")
            try:
                _, message = process.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                process.kill()
                raise Wrong(f"{name}: hangs") from None
            if not (log.exists() and "failed" in log.read_text()):
                return False
            log.unlink()
            status = process.returncode
            self.faults[call] += 1
            self.statuses[status] += 1
            expect(status in STATUSES, f"{name}: status {status}: {message.strip()[-400:]}")
            if status:
                expect("nti: " in message and "Fatal error" not in message, f"{name}: has the message {message!r}")
            found = contents(command, folder)
            self.expect_whole(command, found, name)
            if status == 0:
                expect(found == command.whole, f"{name}: status 0, but not all files are written")
            expect(not leftovers(folder), f"{name}: left {leftovers(folder)}")
            if call != "open" or status:
                self.repeat(command, folder, name)
            return True

    def kill(self, command, made):
        """Kills the command at a random moment; returns whether it was killed before its end."""
        with tempfile.TemporaryDirectory() as scratch:
            folder = pathlib.Path(scratch)
            command.prepare(folder, made)
            process = command.start(self.nti, folder)
            try:
                process.communicate(timeout=self.moments.uniform(0.1, 1) * command.seconds)
                return False
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
            self.expect_whole(command, contents(command, folder), f"{command.name}, killed")
            self.repeat(command, folder, f"{command.name}, killed")
            return True


def small_benchmark(folder):
    """Writes a benchmark with two records of the bundled one."""
    source = ROOT / "Sources/EmojiScenes/Resources/bench"
    records = dict(list(json.loads((source / "mapping_file.json").read_text()).items())[:2])
    (folder / "annotation_images").mkdir(parents=True)
    for record in records.values():
        shutil.copy(source / "annotation_images" / record["image_path"], folder / "annotation_images")
        record.pop("answer", None)
        record |= {"original_prompt": CAPTION, "editing_prompt": PROMPT, "blended_word": "cat dog"}
    (folder / "mapping_file.json").write_text(json.dumps(records))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nti", required=True, help="the nti executable")
    parser.add_argument("--kills", type=int, default=20, help="number of kills per command")
    parser.add_argument("--only", help="the command to check")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        made, shim = pathlib.Path(scratch) / "made", pathlib.Path(scratch) / "faults.so"
        made.mkdir()
        subprocess.run(["clang", "-shared", "-fPIC", "-O1", ROOT / "Tools/faults.c", "-o", shim, "-ldl"], check=True)
        small_benchmark(made / "benchmark")
        check = Check(str(pathlib.Path(arguments.nti).resolve()), shim, arguments.seed)
        failures = 0
        for command in commands(made / "benchmark"):
            check.undisturbed(command, made)
            if arguments.only not in (None, command.name):
                continue
            reached = {}
            for call in FAULTS:
                number, wrong = 1, 0
                while wrong < 5:
                    try:
                        if not check.fail(command, made, call, number):
                            break
                    except Wrong as fault:
                        print(f"  WRONG: {fault}", flush=True)
                        wrong, failures = wrong + 1, failures + 1
                    number += 1
                reached[call] = number - 1
            killed = 0
            for _ in range(4 * arguments.kills):
                if killed == arguments.kills:
                    break
                try:
                    killed += check.kill(command, made)
                except Wrong as fault:
                    print(f"  WRONG: {fault}", flush=True)
                    failures += 1
            counts = ", ".join(f"{count} {call}" for call, count in reached.items())
            print(f"{command.name}: {counts} failed in turn; killed {killed} times", flush=True)
        print(f"{sum(check.faults.values())} faults, statuses {dict(sorted(check.statuses.items()))}, {failures} wrong")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
