"""Applications beside the workload: a Deployment with a disruption budget, and a StatefulSet."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from .api import Api
from .wait import settled
from .workload import NAMESPACE

DEFINITION = Path(__file__).with_name("applications.yml")
# What the disruption budget of the Deployment promises.
LEAST_AVAILABLE = 2
APPS = f"/apis/apps/v1/namespaces/{NAMESPACE}"
WEB = f"{APPS}/deployments/web"
DNS = "/apis/apps/v1/namespaces/kube-system/deployments/coredns"


class Applications:
    """See applications.yml. They go with the namespace of the workload."""

    def __init__(self, *, api: Api, kubectl: Callable[..., str], image: str) -> None:
        self._api = api
        self._kubectl = kubectl
        self._image = image

    def start(self) -> None:
        self._kubectl("apply", "--filename=-", stdin=DEFINITION.read_text(encoding="utf-8").replace("IMAGE", self._image))
        self.wait(within=120)

    def wait(self, *, within: float) -> None:
        settled("all applications", self.missing, within=within)

    def missing(self) -> list[str]:
        """What is not there that should be."""
        found = []
        for path in ("deployments/web", "statefulsets/store"):
            thing = self._api.get(f"{APPS}/{path}")
            ready, wanted = thing["status"].get("readyReplicas", 0), thing["spec"]["replicas"]
            if ready != wanted:
                found.append(f"{path}: {ready} of {wanted}")
        return found


def available(api: Api, deployment: str = WEB) -> int:
    """Pods of a Deployment that are ready, by default of the one with a disruption budget."""
    return int(api.get(deployment)["status"].get("readyReplicas", 0))
