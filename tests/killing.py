"""Kills a training at random moments and goes on with it: python tests/killing.py FOLDER [kills].

The parent loads torch once and never trains; each child is a fork of it that goes on from what
the last one left, until it is killed or done.
"""

import os
import random
import signal
import sys
import time
import warnings
from pathlib import Path

from samples import X
from torch import nn

from drlim import DrLIM


def network(sample_shape, n_components):
    """A network that draws numbers while it learns."""
    return nn.Sequential(
        nn.Linear(*sample_shape, 32), nn.Dropout(0.2), nn.ReLU(), nn.Linear(32, n_components)
    )


def jitter(samples, generator):
    """Change samples a little, from the generator that a checkpoint keeps."""
    return samples + generator.normal(scale=0.01, size=samples.shape)


def train(out, folder, checkpoint=None):
    """Learn the map and write it; the bits of the file are what is compared."""
    map_ = DrLIM(network=network, augment=jitter, max_epochs=12, batch_size=16, random_state=3)
    map_.fit(X, checkpoint=checkpoint, resume=checkpoint is not None)
    map_.save(Path(folder) / out)


def in_child(*arguments):
    """Train in a forked process; return its number."""
    child = os.fork()
    if child == 0:
        try:
            warnings.simplefilter("ignore")
            train(*arguments)
            os._exit(0)
        except BaseException as error:  # a child must not go on as its parent
            print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(1)
    return child


def main(folder, kills):
    """Kill a number of times; return how many trainings were finished, all with equal bits."""
    folder = Path(folder)
    start = time.perf_counter()
    assert os.waitpid(in_child("undisturbed.drlim", folder), 0)[1] == 0
    undisturbed = (folder / "undisturbed.drlim").read_bytes()
    duration = time.perf_counter() - start
    print(f"undisturbed: {duration:.2f} s")
    draw = random.Random(0)
    killed = finished = 0
    while True:
        checkpoint = folder / f"training-{finished}"
        child = in_child("resumed.drlim", folder, checkpoint)
        if killed < kills:
            time.sleep(draw.uniform(0, 0.4 * duration))
            os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        if os.WIFSIGNALED(status):
            killed += 1
            there = sorted(path.name for path in checkpoint.glob("*")) if killed % 5 == 0 else ""
            print(f"kill {killed} in training {finished}", *there)
            continue
        assert status == 0, "a child failed"
        assert (folder / "resumed.drlim").read_bytes() == undisturbed, "the bits differ"
        finished += 1
        print(f"training {finished} finished after {killed} kills in all: the same bits")
        if killed >= kills:
            return finished


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 50)
