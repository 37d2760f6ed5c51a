#!/usr/bin/env bash
# A twin of Colab's Python: its version of Python, in it the packages of pins.txt.
#
#   tools/colab/twin.sh FOLDER [COMMAND …]
#
# makes the twin in FOLDER, or takes the one that is there, copies this repository as it is now to
# FOLDER/src and runs COMMAND there.  What it cannot show: Colab's own page (its widget manager,
# forms, uploads) and a GPU.
#
# VERSION (default 3.13) is a Python that is here already, by this name, in pyenv or in uv; else, as
# root on Debian, FOLDER/debian becomes a Debian 13, whose Python is 3.13, in which COMMAND runs.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd); repository=$(cd "$here/../.." && pwd)
version=${VERSION:-3.13}
mkdir -p "$1"; folder=$(cd "$1" && pwd); shift

python_here() {
  local uv; uv=$(command -v uv >/dev/null && uv python find "$version" 2>/dev/null || true)
  for found in "python$version" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$version".*/bin/python3 "$uv"; do
    if "$found" -c "import sys, venv; sys.exit('%d.%d' % sys.version_info[:2] != '$version')" 2>/dev/null; then
      echo "$found"; return
    fi
  done
  return 1
}

debian() {
  root=$folder/debian
  if [ "$version" != 3.13 ] || [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "There is no Python $version here: install it, with pyenv or uv for example." >&2; exit 1
  fi
  command -v debootstrap >/dev/null || { apt-get -qq update && apt-get -qq install -y debootstrap >/dev/null; }
  if [ ! -x "$root/usr/bin/python3" ]; then
    mirror=$({ grep -rhoP '^(URIs: |deb )\K\S+/debian(?=/?(\s|$))' /etc/apt/sources.list* 2>/dev/null || true; } | head -1)
    debootstrap --variant=minbase --include=python3,python3-venv,ca-certificates,git,unzip trixie "$root" "$mirror" >"$folder/debian.log" 2>&1
  fi
  cp /etc/resolv.conf /etc/hosts "$root/etc/"; cp -r /etc/ssl/certs "$root/etc/ssl/"
  # Mounted only while this runs: a folder with /dev in it must never be left to be deleted.
  leave() { for place in proc dev twin; do ! mountpoint -q "$root/$place" || umount "$root/$place"; done; }
  trap leave EXIT
  mkdir -p "$root/twin"
  for place in proc dev; do mountpoint -q "$root/$place" || mount --bind "/$place" "$root/$place"; done
  mountpoint -q "$root/twin" || mount --bind "$folder" "$root/twin"
}

if python=$(python_here); then
  at=$folder
  inside() { "$@"; }
else
  debian; at=/twin python=python3
  inside() { chroot "$root" "$@"; }
fi

wanted=$( (echo "$version"; cat "$here/pins.txt") | cksum)
if [ "$(cat "$folder/made" 2>/dev/null)" != "$wanted" ]; then
  rm -rf "$folder/venv"
  inside "$python" -m venv "$at/venv"
  cp "$here/pins.txt" "$folder"
  # hypothesis is the tests', not Colab's.
  inside "$at/venv/bin/pip" install -q --disable-pip-version-check -r "$at/pins.txt" hypothesis
  echo "$wanted" >"$folder/made"
fi
[ $# = 0 ] && exit
rm -rf "$folder/src"; mkdir "$folder/src"
(cd "$repository" && git ls-files -z --cached --others --exclude-standard |
  tar -c --null --files-from=- --ignore-failed-read) | tar -x -C "$folder/src"
inside env PATH="$at/venv/bin:/usr/local/bin:/usr/bin:/bin" TF_CPP_MIN_LOG_LEVEL=3 \
  bash -c 'cd "$0" && exec "$@"' "$at/src" "$@"
