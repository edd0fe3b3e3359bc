import signal
import subprocess
import sys

import torch

from floorseg.data.parallel import processors
from floorseg.training.loading import loading_processes

LOADS = """
import os, signal, time
from floorseg.training import loading
loading.GRACE = 1
loading.outlive_signals(0)
for number in (signal.SIGINT, signal.SIGUSR2, signal.SIGTERM):
    os.kill(os.getpid(), number)
print("lives", flush=True)
time.sleep(100)
"""


def test_a_cpu_learns_with_all_its_cores_and_beside_a_gpu_they_load_plans():
    assert loading_processes(torch.device("cpu")) == loading_processes(torch.device("mps")) == 0
    assert loading_processes(torch.device("cuda")) == min(12, max(1, processors() - 1))
    assert loading_processes(torch.device("cuda"), sharing=10_000) == 1


def test_a_loading_process_outlives_signals_but_not_the_one_that_learns_for_long():
    loads = subprocess.run(
        [sys.executable, "-c", LOADS], capture_output=True, text=True, timeout=90, check=False
    )

    assert loads.stdout == "lives\n", loads.stderr
    assert loads.returncode == -signal.SIGALRM
