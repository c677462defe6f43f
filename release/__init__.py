"""What a release consists of besides the image: built by `make release-files`, and by `.github/workflows/release.yml`.

Everything reads the checkout, without git: so a clone's tarball builds the same files. Nothing here pushes anything.
"""
