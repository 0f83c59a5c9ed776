# For `install`: says what is missing, and exits with 77.

missing() {
    echo "$1"
    exit 77
}

# Installs packages from npm.
npm_install() {
    command -v npm >/dev/null && node -e 'process.exit(Number(parseInt(process.versions.node) < 20))' ||
        missing 'Node 20 or newer with npm is missing'
    npm install --no-audit --no-fund "$@" || missing "npm can't install $*"
}

# Installs packages from PyPI into ./venv.
pip_install() {
    [[ -x venv/bin/pip ]] || python3 -m venv venv || missing 'Python has no module venv'
    venv/bin/pip install --quiet --disable-pip-version-check "$@" || missing "pip can't install $*"
}
