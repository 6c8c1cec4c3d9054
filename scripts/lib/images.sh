# Shared by the image scripts (source it, do not run it): where images are stored and how buildah is called.
# Nothing is written into the repository; one folder holds all, and removing it removes every trace:
#   IMAGE_STORE  default /var/tmp/kusto-connect-images-$UID
# vfs and chroot need no kernel feature beyond a plain root shell, so they work inside containers and CI machines too.

IMAGE_STORE=${IMAGE_STORE:-/var/tmp/kusto-connect-images-$(id -u)}
export STORAGE_DRIVER=${STORAGE_DRIVER:-vfs}
export BUILDAH_ISOLATION=${BUILDAH_ISOLATION:-chroot}
export TMPDIR=$IMAGE_STORE/tmp

DEBIAN_IMAGE=docker.io/library/debian:bookworm-slim
RUST_IMAGE=docker.io/library/rust:1.95-bookworm
WORKER_IMAGE=localhost/kusto-connect

say() { printf '%s\n' "images: $*" >&2; }
die() { say "$*"; exit 1; }

# buildah with our own store, so that other images of the machine are neither seen nor touched.
img() { buildah --root "$IMAGE_STORE/root" --runroot "$IMAGE_STORE/run" "$@"; }

have_image() { img inspect --type image "$1" >/dev/null 2>&1; }

need_tools() {
    local tool missing=()
    for tool in "$@"; do command -v "$tool" >/dev/null 2>&1 || missing+=("$tool"); done
    if ((${#missing[@]})); then
        die "missing: ${missing[*]}; install with: apt-get install -y ${missing[*]}"
    fi
    mkdir -p "$IMAGE_STORE/root" "$IMAGE_STORE/run" "$TMPDIR"
}
