#!/usr/bin/env bash
# Installs what the tests need beside Rust, says what, skips what is there; then runs every test.
# On Debian, as root or through sudo. What it downloads is pinned and kept in ${ANDON_TEST_CACHE:-~/.cache/andon-tests}.
set -euo pipefail
cd "$(dirname "$0")/.."

need() { # need COMMAND-THAT-PROVES-IT PACKAGE…
    local proof=$1
    shift
    if eval "$proof" >/dev/null 2>&1; then
        echo "have: $*"
        return
    fi
    local sudo=""
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null || { echo "missing: $*. Install them as root: apt-get install $*" >&2; exit 1; }
        sudo=sudo
    fi
    echo "installing: $*"
    $sudo apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

need "command -v cc" gcc libc6-dev
need "python3 -c 'import venv, ensurepip'" python3 python3-venv
need "command -v curl" curl ca-certificates
need "command -v node && command -v npm" nodejs npm
need "[ -x /usr/sbin/nginx ]" nginx
need "command -v caddy" caddy
need "command -v prometheus-alertmanager" prometheus-alertmanager
need "command -v ssh-keygen && command -v ssh-agent" openssh-client
need "command -v openssl" openssl
need "[ -x /usr/sbin/ip ] || [ -x /usr/bin/ip ]" iproute2
need "[ -x /usr/sbin/nats-server ] || [ -x /usr/bin/nats-server ]" nats-server
need "ls /usr/lib/postgresql/*/bin/postgres && id postgres" postgresql
for setup in tests/setup/*.sh; do
    [ -e "$setup" ] || continue
    echo "setup: $setup"
    bash "$setup"
done

cargo test --locked "$@"
