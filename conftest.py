"""Make `ansible_collections.quorate.kubernetes` importable by pytest wherever the checkout lies."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent

# In a real `ansible_collections/quorate/kubernetes` folder (ansible-test) the parents serve as they are.
if HERE.parts[-3:] != ("ansible_collections", "quorate", "kubernetes"):
    _ROOT = tempfile.TemporaryDirectory(prefix="quorate-")  # noqa: SIM115 - lives as long as pytest
    _LINK = Path(_ROOT.name, "ansible_collections", "quorate", "kubernetes")
    _LINK.parent.mkdir(parents=True)
    _LINK.symlink_to(HERE)
    sys.path.insert(0, _ROOT.name)
