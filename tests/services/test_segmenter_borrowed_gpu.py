"""ZeroGPU's decorator is used where its package is installed, and only there."""

import sys
import types

from floorseg.services import borrowed_gpu


def double(number: int) -> int:
    return 2 * number


def test_without_shared_gpus_a_call_stays_what_it_is(monkeypatch):
    monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)

    assert borrowed_gpu.borrows_gpu(double) is double


def test_with_shared_gpus_a_call_borrows_one(monkeypatch):
    borrowed = []

    def gpu(*, duration):
        def decorate(call):
            def inside(*args):
                borrowed.append(duration)
                return call(*args)

            return inside

        return decorate

    module = types.ModuleType("spaces")
    module.__spec__ = types.SimpleNamespace()
    module.GPU = gpu
    monkeypatch.setitem(sys.modules, "spaces", module)
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")

    assert borrowed_gpu.borrows_gpu(double)(4) == 8
    assert borrowed == [borrowed_gpu.SECONDS]
