#!/usr/bin/env bash
# Runs the tests in a setting that is not this machine's own, and fails if one fails:
#
#     tests/settings.sh SETTING [arguments of pytest]
#
# PYTHON is the interpreter (default .venv/bin/python), WORKERS the number of processes (default 2).
set -euo pipefail
cd "$(dirname "$0")/.."
here=$PWD
python=${PYTHON:-.venv/bin/python}
setting=${1:-}
shift || true

usage() {
  cat >&2 <<'USAGE'
usage: tests/settings.sh SETTING [arguments of pytest]
  plain          this machine as it is
  no-onednn      TensorFlow's own kernels instead of oneDNN's: other sums of floats
  old-processor  the instructions of 2008 only, in oneDNN, OpenBLAS and NumPy: other sums of floats
  avx2           no instructions newer than AVX2
  one-core       one processor core
  one-thread     one thread in TensorFlow, OpenMP and BLAS
  other-sums     each first weight differs in its sixth digit, as a training's do elsewhere
  busy           four processes beside that take what they can of the processor
  locale-c       LC_ALL=C
  offline        no network, and a home folder that is not there
  ordinary-user  not root: makes a user with a clone of HEAD, if this is root
  lowest         the lowest versions that pyproject.toml allows, in .venv-lowest
  nightly        the newest pre-releases of TensorFlow and Keras, in .venv-nightly
USAGE
  exit 2
}

tests() { "$python" -m pytest -n "${WORKERS:-2}" --dist loadfile "$@"; }

environment() { # FOLDER: a virtual environment with uv, which knows how to take the lowest versions
  python=$1/bin/python
  [ -x "$python" ] || "${BASE_PYTHON:-python3}" -m venv "$1"
  "$python" -m pip install --quiet --disable-pip-version-check uv
}

case $setting in
  plain) ;;
  no-onednn) export TF_ENABLE_ONEDNN_OPTS=0 ;;
  old-processor)
    export ONEDNN_MAX_CPU_ISA=SSE41 OPENBLAS_CORETYPE=Nehalem
    NPY_DISABLE_CPU_FEATURES=$("$python" - <<'FEATURES'
try:
    from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__
except ImportError:  # NumPy 1
    from numpy.core._multiarray_umath import __cpu_dispatch__, __cpu_features__
print(*(name for name in __cpu_dispatch__ if __cpu_features__[name]))
FEATURES
    )
    export NPY_DISABLE_CPU_FEATURES
    ;;
  avx2) export ONEDNN_MAX_CPU_ISA=AVX2 OPENBLAS_CORETYPE=Haswell ;;
  one-core) taskset -p -c 0 $$ >/dev/null ;;
  one-thread)
    export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
    export TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1
    ;;
  other-sums) export KERASCNN_OTHER_SUMS=1e-6 ;;
  busy)
    for _ in 1 2 3 4; do (while :; do :; done) & done
    trap 'kill $(jobs -p)' EXIT
    ;;
  locale-c) export LC_ALL=C ;;
  offline)
    export HOME=/nonexistent
    python="unshare --net --map-root-user $python"
    tests() { $python -m pytest -n "${WORKERS:-2}" --dist loadfile "$@"; }
    ;;
  ordinary-user)
    if [ "$(id -u)" = 0 ]; then
      user=kerascnn-tests
      useradd --create-home "$user"
      trap 'userdel --remove "$user" 2>/dev/null' EXIT
      home=$(getent passwd "$user" | cut -d: -f6)
      git clone --quiet "$here" "$home/kerascnn"
      chown -R "$user" "$home/kerascnn"
      python=$(realpath --no-symlinks "$python")
      cd "$home/kerascnn"
      export PYTHONPATH=$home/kerascnn HOME=$home
      export KERASCNN_SHARED=${KERASCNN_SHARED:-$here/../shared}
      tests() { runuser -u "$user" -- "$python" -m pytest -n "${WORKERS:-2}" --dist loadfile "$@"; }
    fi
    ;;
  lowest)
    environment .venv-lowest
    "$python" -m uv pip install --python "$python" --resolution lowest-direct -e '.[test]'
    ;;
  nightly)
    environment .venv-nightly
    "$python" -m uv pip install --python "$python" --prerelease allow --upgrade \
      'tensorflow>=2.22.0rc0' -e '.[test]'
    # Both keras and keras-nightly own the folder keras/: the later one wins.
    "$python" -m uv pip install --python "$python" --prerelease allow --reinstall-package keras-nightly keras-nightly
    ;;
  *) usage ;;
esac
tests "$@"
