#!/bin/sh
# Installs what only some tests and benchmarks need into .tools, without root and without touching the machine.
#
#   sh tools/install.sh tests    clients of tests/clients: the Vercel AI SDK (npm), litellm (its own environment)
#   sh tools/install.sh bench    the peers of benchmarks/gateway: LiteLLM, Envoy, Portkey, nginx
#
# Each part is installed once for each state of its lock file. A part that can not be installed here is said
# and left out: its tests skip, its column of the benchmark reads "absent". PYTHON= chooses the interpreter.
set -u
cd "$(dirname "$0")/.." || exit 1
if [ -z "${PYTHON:-}" ]; then
    PYTHON=.venv/bin/python
    [ -x "$PYTHON" ] || PYTHON=python3
fi
mkdir -p .tools

# fresh PART FILE...: whether PART was installed from these very files
fresh() {
    part=$1
    shift
    stamp=$(cat "$@" | cksum)
    [ -e ".tools/$part/.stamp" ] && [ "$(cat ".tools/$part/.stamp")" = "$stamp" ]
}

# done_with PART: remember it; after fresh
done_with() { printf '%s\n' "$stamp" >".tools/$1/.stamp"; }

absent() { echo "tools: $1 is left out: $2"; }

# environment NAME LOCK: a virtual environment .tools/NAME with exactly what LOCK says
environment() {
    fresh "$1" "$2" && return
    echo "tools: installing $1 into .tools/$1 ..."
    rm -rf ".tools/$1"
    if "$PYTHON" -m venv ".tools/$1" &&
        ".tools/$1/bin/python" -m pip install -qq --disable-pip-version-check --require-hashes -r "$2"; then
        done_with "$1"
    else
        rm -rf ".tools/$1"
        absent "$1" "pip could not install $2"
    fi
}

# node_modules NAME FOLDER: npm packages of FOLDER's lock file in .tools/NAME
node_modules() {
    fresh "$1" "$2/package.json" "$2/package-lock.json" && return
    command -v npm >/dev/null 2>&1 || { absent "$1" "there is no npm here"; return; }
    echo "tools: installing $1 into .tools/$1 ..."
    rm -rf ".tools/$1"
    mkdir -p ".tools/$1"
    cp "$2/package.json" "$2/package-lock.json" ".tools/$1/"
    if (cd ".tools/$1" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >npm.log 2>&1); then
        done_with "$1"
    else
        absent "$1" "npm ci failed: $(tail -n 1 ".tools/$1/npm.log")"
        rm -rf ".tools/$1"
    fi
}

# Debian keeps only the newest version of a package, so this one is not pinned; results name the version.
nginx() {
    fresh debian tools/install.sh && return
    if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg >/dev/null 2>&1; then
        absent nginx "there is no apt-get here"
        return
    fi
    echo "tools: installing nginx into .tools/debian ..."
    rm -rf .tools/debian
    mkdir -p .tools/debian/apt/lists/partial .tools/debian/apt/archives/partial
    if (
        cd .tools/debian || exit 1
        apt() {
            command=$1
            shift
            "$command" -qq -o Dir::State::lists="$PWD/apt/lists" -o Dir::Cache="$PWD/apt" \
                -o APT::Sandbox::User="$(id -un)" "$@"
        }
        apt apt-get update &&
            libraries=$(apt apt-cache depends nginx | sed -n 's/^ *Depends: \(z*lib[^ ]*\)$/\1/p' | grep -vx libc6) &&
            apt apt-get download nginx $libraries &&
            for package in *.deb; do dpkg -x "$package" . || exit 1; done
    ) >.tools/debian/log 2>&1; then
        rm -rf .tools/debian/apt .tools/debian/*.deb
        done_with debian
    else
        absent nginx "apt-get or dpkg failed: $(tail -n 1 .tools/debian/log)"
        rm -rf .tools/debian
    fi
}

case "${1:-}" in
tests)
    node_modules npm tools/npm/clients
    environment litellm tools/locks/litellm.lock
    ;;
bench)
    environment bench tools/locks/bench.lock
    node_modules portkey tools/npm/portkey
    nginx
    ;;
*)
    echo "usage: sh tools/install.sh tests|bench" >&2
    exit 2
    ;;
esac
