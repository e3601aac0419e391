"""Kills `nti invert` at random moments, resumes it, and compares the bytes with those of an undisturbed run.

    swift build -c release
    python3 Tools/check_resume.py --nti .build/release/nti

Needs only Python. In addition to `kill -9`, it tests Ctrl-C, changed arguments, files replaced during the run,
three processes with one file, a read-only folder, and a full disk. The last two need a small file system and
therefore root; without it they are skipped with a message.
"""

import argparse
import contextlib
import json
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time

SCENE = "Sources/EmojiScenes/Resources/bench/annotation_images"
CAPTION = "a fox next to a strawberry on sand"


class Failed(Exception):
    pass


def expect(holds, sentence):
    if not holds:
        raise Failed(sentence)


class Inversion:
    """An inversion's output file, and the command that writes it."""

    def __init__(self, nti, photo, steps, folder, caption=CAPTION):
        self.file = pathlib.Path(folder) / "a.nti"
        self.partial = self.file.with_name("a.nti.partial")
        self.command = [nti, "invert", photo, "--caption", caption, "--steps", str(steps), "--early-stop", "1e-9"]
        # The old file, which must stay whole until the new one is complete, is not an inversion.
        self.command += ["-o", str(self.file), "--force", "--json"]

    def start(self, *more):
        return subprocess.Popen([*self.command, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self, process=None, status=0):
        """Waits for the end; returns the result, or the message if a status other than 0 is expected."""
        process = process or self.start()
        output, message = process.communicate()
        expect(process.returncode == status, f"status {process.returncode} instead of {status}: {message.strip()}")
        return json.loads(output.splitlines()[-1]) if status == 0 else message.strip().splitlines()[-1]

    def done(self):
        """Returns the number of evaluations of the kept steps, or None if there are none."""
        if not self.partial.exists():
            return None
        data = self.partial.read_bytes()
        (length,) = struct.unpack("<Q", data[:8])
        header = json.loads(data[8 : 8 + length])
        begin, end = header["inner_steps"]["data_offsets"]
        counts = struct.unpack(f"<{(end - begin) // 4}f", data[8 + length + begin : 8 + length + end])
        pivots = header["pivots"]["shape"][0] - 1
        return {"forward": pivots + sum(2 + n for n in counts), "backward": sum(counts)}

    def leftovers(self):
        return sorted(path.name for path in self.file.parent.iterdir() if path.name.endswith(".tmp"))

    def expect_whole(self, whole, result=None, done=None):
        expect(self.file.read_bytes() == whole.bytes, "the bytes are not those of the undisturbed run")
        expect(not self.partial.exists(), "the unfinished inversion is still there")
        if result and done:
            for way, number in done.items():
                total, made = whole.evaluations[way], result["evaluations"][way]
                expect(number + made == total, f"{number} {way} evaluations were kept and {made} made, but {total} are needed")


class Whole:
    """An undisturbed run."""

    def __init__(self, inversion):
        begun = time.monotonic()
        self.evaluations = inversion.finish()["evaluations"]
        self.seconds = time.monotonic() - begun
        self.bytes = inversion.file.read_bytes()


def killed(inversion, whole, moments, signal_number=signal.SIGKILL):
    """Starts the inversion and kills it at a random moment; returns whether it was killed before its end."""
    process = inversion.start()
    try:
        process.communicate(timeout=moments.uniform(0.02, 1.02) * whole.seconds)
        expect(process.returncode == 0, f"status {process.returncode}")
        return False
    except subprocess.TimeoutExpired:
        process.send_signal(signal_number)
        process.communicate()
        return process.returncode != 0


def check_kills(make, whole, moments, kills):
    """Kills inversions in new folders, then one inversion again and again."""
    places, leftovers, tries = [], 0, 0
    while len(places) < kills:
        tries += 1
        expect(tries < 20 * kills, "the runs end too early to be killed")
        with make() as inversion:
            old = b"what was there before"
            inversion.file.write_bytes(old)
            if not killed(inversion, whole, moments):
                continue
            done = inversion.done()
            if inversion.file.read_bytes() != whole.bytes:
                expect(inversion.file.read_bytes() == old, "the old file was damaged")
            leftovers += len(inversion.leftovers())
            inversion.expect_whole(whole, inversion.finish(), done)
            places.append(done["forward"] if done else 0)
    text = f"killed after {sorted(map(int, places))} of {whole.evaluations['forward']} forward evaluations"
    print(f"  {text}; {leftovers} temporary files left")
    with make() as inversion:
        times = 0
        while times < 100:
            before = inversion.done() or {"forward": 0}
            if not killed(inversion, whole, random.Random(moments.random())):
                break
            times += 1
            after = inversion.done() or {"forward": 0}
            expect(after["forward"] >= before["forward"], "steps were lost")
        inversion.expect_whole(whole)
        print(f"  one inversion, killed {times} times")


def check_signals(make, whole, moments):
    for number, status in [(signal.SIGINT, 130), (signal.SIGTERM, 143)]:
        with make() as inversion:
            process = inversion.start()
            while process.poll() is None and not inversion.partial.exists():
                time.sleep(0.01)
            time.sleep(moments.uniform(0, 0.5) * whole.seconds)
            process.send_signal(number)
            message = inversion.finish(process, status)
            expect("interrupted" in message, message)
            expect(not inversion.leftovers(), "temporary files are left")
            done = inversion.done()
            expect(done is not None, "nothing was kept")
            inversion.expect_whole(whole, inversion.finish(), done)


def check_arguments(make, whole, moments):
    with make() as inversion:
        process = inversion.start()
        while process.poll() is None and (inversion.done() or {"forward": 0})["forward"] < 3:
            time.sleep(0.01)
        process.kill()
        process.communicate()
        kept = inversion.partial.read_bytes()
        for more in (["--guidance", "5"], ["--steps", "7"], ["--inner-steps", "1"], ["--caption", "a fox"]):
            message = inversion.finish(inversion.start(*more), 65)
            expect("Remove it" in message, message)
        expect(inversion.partial.read_bytes() == kept, "what was kept has changed")
        inversion.partial.write_bytes(kept[:-1])
        inversion.finish(status=65)
        inversion.partial.write_bytes(kept)
        inversion.expect_whole(whole, inversion.finish())


def check_threads(make, whole, moments):
    for count in ("1", "2"):
        with make() as inversion:
            process = inversion.start("--threads", count)
            while process.poll() is None and (inversion.done() or {"backward": 0})["backward"] < 5:
                time.sleep(0.01)
            process.kill()
            process.communicate()
            inversion.expect_whole(whole, inversion.finish(inversion.start("--threads", "3")))


def check_replaced(make, whole, moments):
    """Replaces and overwrites the files of a running inversion."""
    with make() as inversion:
        with contextlib.suppress(Failed):
            killed(inversion, whole, moments)
        inversion.file.write_bytes(b"old")
        # Waits until the partial file has been replaced: refusing a damaged one is part of another check.
        identity = lambda: inversion.partial.exists() and inversion.partial.stat().st_ino
        kept = identity()
        process = inversion.start()
        while process.poll() is None and identity() in (kept, False):
            time.sleep(0.01)
        while process.poll() is None:
            time.sleep(0.05 * whole.seconds)
            for path in (inversion.file, inversion.partial):
                if process.poll() is None:
                    path.write_bytes(b"of somebody else")
                    other = path.with_name("other")
                    other.write_bytes(b"renamed by somebody else")
                    other.rename(path)
        inversion.finish(process)
        if inversion.file.read_bytes() != b"renamed by somebody else":
            inversion.expect_whole(whole)


def check_two(make, whole, moments):
    with make() as inversion:
        both = [inversion.start(), inversion.start()]
        time.sleep(moments.uniform(0, 0.5) * whole.seconds)
        both.append(inversion.start())
        for process in both:
            inversion.finish(process)
        inversion.expect_whole(whole)
        expect(not inversion.leftovers(), "temporary files are left")


@contextlib.contextmanager
def small_disk(size):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], check=True, capture_output=True)
        try:
            yield pathlib.Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def remount(folder, options):
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def check_full_disk(make, whole, moments):
    # A step is written next to the previous one, so the disk must hold two.
    for share in (0.1, 0.6, 1.0, 1.5):
        size = max(16, int(share * len(whole.bytes)) // 4096 * 4)
        with small_disk(f"{size}k") as folder, make(folder) as inversion:
            inversion.file.write_bytes(b"old")
            message = inversion.finish(status=70)
            expect("disk is full" in message, message)
            expect(inversion.file.read_bytes() == b"old", "the old file was damaged")
            expect(not inversion.leftovers(), "temporary files are left")
            done = inversion.done()
            remount(folder, "size=64m")
            inversion.expect_whole(whole, inversion.finish(), done)
            kept = f"{int(done['forward'])} evaluations kept" if done else "nothing kept"
            print(f"  {size} kB: {kept}")


def check_read_only(make, whole, moments):
    with small_disk("4m") as folder, make(folder) as inversion:
        inversion.file.write_bytes(b"old")
        remount(folder, "ro")
        message = inversion.finish(status=64)
        expect("read-only" in message or "no permission to write" in message, message)
        expect(inversion.file.read_bytes() == b"old", "the old file was damaged")
        remount(folder, "rw")
        process = inversion.start()
        while process.poll() is None and not inversion.partial.exists():
            time.sleep(0.01)
        # Files open for writing prevent the remount for a moment.
        while subprocess.run(["mount", "-o", "remount,ro", str(folder)], capture_output=True).returncode:
            time.sleep(0.01)
        message = inversion.finish(process, 70)
        expect("read-only" in message, message)
        remount(folder, "rw")
        done = inversion.done()
        inversion.expect_whole(whole, inversion.finish(), done)


def can_mount():
    if os.geteuid() != 0 or not shutil.which("mount"):
        return False
    with contextlib.suppress(subprocess.CalledProcessError), small_disk("64k"):
        return True
    return False


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nti", required=True, help="the nti executable")
    parser.add_argument("--photo", default=f"{SCENE}/600000000051.png", help="a picture for the demo model")
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    moments = random.Random(arguments.seed)

    @contextlib.contextmanager
    def make(folder=None):
        with tempfile.TemporaryDirectory() as scratch:
            yield Inversion(arguments.nti, arguments.photo, arguments.steps, folder or scratch)

    with make() as inversion:
        whole = Whole(inversion)
    print(f"undisturbed: {len(whole.bytes)} bytes, {whole.evaluations}, {whole.seconds:.1f} s")

    checks = {
        "kill -9": lambda *others: check_kills(*others, arguments.kills),
        "Ctrl-C and termination": check_signals,
        "other arguments, and damage": check_arguments,
        "numbers of threads": check_threads,
        "files replaced meanwhile": check_replaced,
        "three processes, one file": check_two,
    }
    on_disks = {"a full disk": check_full_disk, "a read-only folder": check_read_only}
    if can_mount():
        checks |= on_disks
    else:
        print(f"skipped, because they need root and a file system: {', '.join(on_disks)}")
    failures = 0
    for name, check in checks.items():
        print(name)
        try:
            check(make, whole, moments)
            print("  passed")
        except Failed as failure:
            failures += 1
            print(f"  FAILED: {failure}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
