"""Everything that brings the operator onto a cluster: manifests, and the local control plane."""
