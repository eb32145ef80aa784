#!/usr/bin/env bash
# Installs the system packages that the tests need, with apt-get (as root, or through sudo). Nothing else in this
# repository installs anything outside its own folder. Does nothing while the list is empty or all of it is there.
set -euo pipefail

packages=()

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
  echo "services: nothing to install"
  exit 0
fi

as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo)
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -q
"${as_root[@]}" apt-get install -q -y --no-install-recommends "${missing[@]}"
