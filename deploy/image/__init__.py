"""The controller's image: `python -m deploy.image build` makes it, with whatever builder is there.

`builders` knows the command lines of docker, podman, nerdctl and buildah; `base` keeps the image that it is made from.
The Dockerfile stands at the root of the project.
"""
