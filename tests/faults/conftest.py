"""A warm process that forks the ones to be killed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


class Workers:
    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("worker.py"))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def start(self, job, **arguments):
        """The id of a child that is doing the job."""
        return self._ask(job, wait=False, **arguments)

    def run(self, job, **arguments):
        """How the child that did the job ended: 0, or minus the signal that killed it."""
        self._ask(job, **arguments)
        return int(self.process.stdout.readline())

    def _ask(self, job, **arguments):
        self.process.stdin.write(json.dumps({"job": job, **arguments}, default=str) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()


@pytest.fixture(scope="module")
def workers():
    made = Workers()
    yield made
    made.close()
