"""The local control plane: real Kubernetes binaries, Redis and replicas as plain processes, without containers or root.

Tests, the demo and ``make up`` stand on it. Nothing in ``controller`` imports it.

The rooms, from the bottom:

* ``errors``: what may go wrong, said in a sentence.
* ``binaries``: finds the programs or builds them; ``check`` says what the machine lacks for that.
* ``ports``, ``process``: a free port; a program that runs, with its log and its process id in a folder.
* ``components``, ``kubeconfig``: the command lines and files of the control plane, as plain values; ``apiclient``: one
  request to its API server.
* ``cluster``, ``redis_server``, ``replica``: the things that run.
* ``playground``: all of them together, as ``python -m deploy.local up`` keeps them.

This file imports nothing, so that ``python -m deploy.local check`` runs on any Python.
"""
