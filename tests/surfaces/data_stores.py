"""The script that filled the stores of released schemas, for tests that need one in which everything happened."""

import importlib.util
from pathlib import Path


def _script():
    file = Path(__file__).parents[1] / "data" / "stores" / "make.py"
    spec = importlib.util.spec_from_file_location("make_stores", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


script = _script()
