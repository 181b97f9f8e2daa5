#!/bin/sh
# What to know after `make cluster`: the nodes, how to use kubectl, what to try next.
# usage: welcome.sh INVENTORY
set -eu

inventory=$1
kubeconfig=$(realpath "$inventory")/admin.kubeconfig
cache=$HOME/.cache/quorate
kubectl=$(find "$cache/artifacts/kubernetes" -path "*/$(dpkg --print-architecture)/kubectl" | sort -V | tail -n 1)
named=""
[ "$inventory" = inventories/lab ] || named=" INVENTORY=$inventory"

echo
KUBECONFIG=$kubeconfig "$kubectl" get nodes -o wide
cat <<END

The cluster is up. To use it from this shell:

    export KUBECONFIG=\$(make -s kubeconfig$named)
    export PATH=$(dirname "$kubectl"):\$PATH
    kubectl get pods --all-namespaces

To try next:

    make cluster$named
        again: it is quick, and nothing changes
    .venv/bin/python -m lab kill NAME
        switch a host off without warning, and with "start" in place of "kill" on again
    kubectl --context admin@kubernetes-NAME get nodes
        ask the master NAME, where the first one is off
    ssh -i $cache/lab/id_ed25519 root@ADDRESS
        look at a host from inside: everything is a systemd unit, its files are in /etc/kubernetes and /etc/etcd
    make destroy$named
        remove the hosts of the lab, and what was written beside an inventory that links lab/group_vars/all.yml

END
