# Sourced with the name of a target in targets.json: sets `target` to the Rust target, and RUSTFLAGS so that the binary is
# static where that is possible.
target=$(packaging/field "$1" rust)
flags=
case $target in
    *-linux-musl)
        flags='-C target-feature=+crt-static'
        if [[ ! -d "$(rustc --print sysroot)/lib/rustlib/$target" ]] || ! command -v musl-gcc >/dev/null; then
            target=${target%musl}gnu
            # Relocations in few bytes: the program brings the code that reads them.
            flags+=' -C link-arg=-Wl,-z,pack-relative-relocs'
            echo "musl is not installed: linking glibc statically" >&2
        fi ;;
    *-windows-msvc) flags='-C target-feature=+crt-static' ;;
esac
export RUSTFLAGS="${RUSTFLAGS:-} $flags"
