#!/bin/sh
# Installs Debian's Chromium for the browser tests where that is possible; where it is not, those tests say that they are skipped.
set -u
command -v chromium >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ]; then as_root=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then as_root="sudo -n"
else echo "Chromium is not installed, and neither root nor sudo is available: the browser tests will be skipped."; exit 0
fi
command -v apt-get >/dev/null 2>&1 || { echo "No apt-get here: the browser tests will be skipped."; exit 0; }
echo "Installing Chromium for the browser tests (once) ..."
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -qq >/dev/null 2>&1
$as_root apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null 2>&1 \
  || echo "Chromium could not be installed: the browser tests will be skipped."
exit 0
