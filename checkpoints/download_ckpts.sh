#!/usr/bin/env bash
# Fetch the official SAM 2.1 checkpoints into this folder, all four or those that are named:
#
#   checkpoints/download_ckpts.sh                 tiny (156 MB), small (184), base_plus (323), large (898)
#   checkpoints/download_ckpts.sh tiny small
#
# A broken download goes on where it broke off, also when the script is started again. A file gets
# its name only when its length is what the server announced and its inside is whole: every check
# sum in it, and, where floorseg is installed, every weight's name and shape.
#
# From the environment:
#   FLOORSEG_DOWNLOAD_URL   another server with the same file names
#   FLOORSEG_CHECKPOINTS    another folder
#   FLOORSEG_RETRIES        how often a broken download is taken up again (5)
#   FLOORSEG_RETRY_WAIT     seconds between (3)
#   PYTHON                  the interpreter that verifies
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
url=${FLOORSEG_DOWNLOAD_URL:-https://dl.fbaipublicfiles.com/segment_anything_2/092824}
folder=${FLOORSEG_CHECKPOINTS:-$here}
retries=${FLOORSEG_RETRIES:-5}
wait=${FLOORSEG_RETRY_WAIT:-3}

say() { printf '%s\n' "$*"; }
fail() { printf 'download_ckpts: %s\n' "$*" >&2; exit 1; }

# The length that the server announces, or nothing where it does not tell.
announced() {
  if [ "$tool" = curl ]; then
    curl -fsSIL --connect-timeout 20 "$1" 2>/dev/null
  else
    wget --spider --server-response --tries=1 --timeout=20 "$1" 2>&1
  fi | tr -d '\r' | awk '
    /^ *HTTP\// { fine = $2 ~ /^2/ }
    tolower($1) == "content-length:" { found = $2 }
    END { if (fine) print found }' || true
}

# One attempt to add what is missing to a partial file.
take_up() {
  if [ "$tool" = curl ]; then
    curl -fL --connect-timeout 20 --speed-limit 1000 --speed-time 60 $quiet -C - -o "$2" "$1"
  else
    wget --tries=1 --timeout=60 $quiet -c -O "$2" "$1"
  fi
}

length() { if [ -f "$1" ]; then wc -c <"$1" | tr -d ' '; else echo 0; fi; }

# Whether a file's inside is whole, by the best means that this machine has.
whole() {
  if "$python" -c "$installed" 2>/dev/null; then
    "$python" -m floorseg checkpoints verify "$1" >/dev/null
  elif "$python" -c '' 2>/dev/null; then
    "$python" -c 'import sys, zipfile
sys.exit(zipfile.ZipFile(sys.argv[1]).testzip())' "$1"
  elif command -v unzip >/dev/null; then
    unzip -tqq "$1"
  else
    say "  (neither Python nor unzip is here: only the length was compared)"
  fi
}

# Fill a partial file until it has the announced length, or, where none is, until an attempt succeeds.
fill() {
  local address=$1 part=$2 size=$3 attempt=0 status
  while [ -z "$size" ] || [ "$(length "$part")" -ne "$size" ]; do
    if [ -n "$size" ] && [ "$(length "$part")" -gt "$size" ]; then
      rm -f "$part" # left over from another file
    fi
    status=0
    take_up "$address" "$part" || status=$?
    if [ "$status" -eq 0 ] && [ -z "$size" ]; then
      return
    fi
    if [ "$status" -eq "$refused" ] && [ -z "$size" ]; then
      fail "$address is not there; check the address and the network"
    fi
    if [ "$status" -eq 33 ] && [ "$tool" = curl ]; then
      rm -f "$part" # this server cannot start in the middle
    fi
    if [ "$(length "$part")" = "$size" ]; then
      return
    fi
    attempt=$((attempt + 1))
    if [ "$attempt" -gt "$retries" ]; then
      fail "$address broke off at $(length "$part") of ${size:-unknown} bytes;" \
        "start the script once more to go on from there"
    fi
    say "  broke off at $(length "$part") bytes, taking it up again ($attempt of $retries)"
    sleep "$wait"
  done
}

download() {
  local name=$1 target=$folder/$1 part=$folder/$1.part size
  if [ -f "$target" ]; then
    say "$name is here already"
    return
  fi
  size=$(announced "$url/$name")
  say "$name${size:+ ($((size / 1000000)) MB)} from $url"
  fill "$url/$name" "$part" "$size"
  if ! whole "$part"; then
    rm -f "$part"
    fail "$name is damaged inside although its length is right; it was removed, start once more"
  fi
  mv "$part" "$target"
  say "  whole: $target"
}

if command -v curl >/dev/null; then
  tool=curl
elif command -v wget >/dev/null; then
  tool=wget
else
  fail "neither curl nor wget is here; install one of them"
fi
tool=${FLOORSEG_DOWNLOAD_TOOL:-$tool} # curl or wget, where both are here
if [ "$tool" = curl ]; then
  refused=22 quiet=-sS # 22: the server answered with an error
else
  refused=8 quiet=-nv
fi
if [ -t 2 ]; then quiet=; fi # a person watches: show how it goes

python=${PYTHON:-}
if [ -z "$python" ]; then
  python=$here/../.venv/bin/python
  [ -x "$python" ] || python=python3
fi
installed='import importlib.util as u, sys
sys.exit(not all(map(u.find_spec, ("torch", "sam2", "typer", "floorseg"))))'
export PYTHONPATH="$here/..${PYTHONPATH:+:$PYTHONPATH}"

mkdir -p "$folder"
[ $# -gt 0 ] || set -- tiny small base_plus large
for size in "$@"; do
  case $size in
    tiny | small | base_plus | large) ;;
    *) fail "there is no $size; name some of: tiny small base_plus large" ;;
  esac
done
for size in "$@"; do
  download "sam2.1_hiera_$size.pt"
done
