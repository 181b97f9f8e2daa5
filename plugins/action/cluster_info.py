# Copyright: (c) 2026, quorate.kubernetes contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control node's half of the module cluster_info: gives the host a client certificate."""

from __future__ import annotations

from ansible_collections.quorate.kubernetes.plugins.plugin_utils import _api


class ActionModule(_api.InfoAction):
    """The module cluster_info, with a client certificate."""

    # With a limit it runs on a worker.
    GROUP = _api.NODE_OPERATORS
