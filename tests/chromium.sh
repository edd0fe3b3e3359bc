#!/bin/sh
# The browser tests drive the system's Chromium. On Debian as root it is installed; elsewhere they
# are skipped, and say so.
command -v chromium >/dev/null 2>&1 && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
  echo "Installing Chromium for the browser tests ..."
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null
fi
command -v chromium >/dev/null 2>&1 ||
  echo "No Chromium here: the browser tests will be skipped (install the package 'chromium' to run them)."
exit 0
