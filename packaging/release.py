#!/usr/bin/env python3
"""Makes the packages of a release from the binaries that `packaging/build` left in target/package/TARGET/.

Everything is made from packaging/targets.json, so that no package lists other systems than the rest. Needs Python 3.9
and nothing else; `npm` calls npm to pack. Two runs on the same commit make the same bytes. PACKAGES names another folder.

    release.py matrix                  targets as JSON, for the release workflow
    release.py archive TARGET          whtool-VERSION-TARGET.tar.gz, or .zip for Windows
    release.py npm [TARGET...]         npm packages: one per target, and `whtool`, which depends on them
    release.py homebrew URL            formula that downloads the archives from URL
    release.py scoop URL               Scoop manifest that downloads the archive from URL
    release.py checksums               SHA256SUMS of everything in target/package
    release.py notes [VERSION]         section of the changelog for this version
"""

import gzip
import hashlib
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = pathlib.Path(os.environ.get("PACKAGES") or ROOT / "target" / "package")
TARGETS = json.loads((ROOT / "packaging" / "targets.json").read_text(encoding="utf-8"))
DESCRIPTION = "Webhook workbench for Plexos Pay and Plustive: receive, verify, explain, sign and replay"
LICENCE = "MIT OR Apache-2.0"


def main(words):
    commands = {"matrix": matrix, "archive": archive, "npm": npm, "homebrew": homebrew, "scoop": scoop,
                "checksums": checksums, "notes": notes}
    if not words or words[0] not in commands:
        sys.exit(__doc__)
    commands[words[0]](*words[1:])


def package_field(name):
    """Reads a field of the package from Cargo.toml."""
    return re.search(rf'^{name} = "(.+)"$', (ROOT / "Cargo.toml").read_text(encoding="utf-8"), re.MULTILINE)[1]


def version():
    return package_field("version")


def commit_time():
    """Returns the time that every file in a package gets, in seconds."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    return int(given or subprocess.check_output(["git", "log", "-1", "--format=%ct"], cwd=ROOT))


def find_target(name):
    found = [target for target in TARGETS if target["name"] == name]
    if not found:
        sys.exit(f"no target `{name}`; targets: {', '.join(target['name'] for target in TARGETS)}")
    return found[0]


def binary_name(target):
    return "whtool.exe" if target["npm"]["os"] == "win32" else "whtool"


def find_binary(target):
    path = OUT / target["name"] / binary_name(target)
    if not path.is_file():
        sys.exit(f"{path} is missing: run packaging/build {target['name']}")
    return path


def matrix():
    print(json.dumps({"include": TARGETS}))


# Archives

def archive_name(target):
    ending = "zip" if target["npm"]["os"] == "win32" else "tar.gz"
    return f"whtool-{version()}-{target['name']}.{ending}"


def archive(name):
    target = find_target(name)
    folder = f"whtool-{version()}-{name}"
    files = {f"{folder}/{binary_name(target)}": (find_binary(target).read_bytes(), 0o755)}
    for path in content():
        files[f"{folder}/{path.relative_to(ROOT).as_posix()}"] = (path.read_bytes(), 0o644)
    for name, text in third_party(target):
        files[f"{folder}/{name}"] = (text, 0o644)
    path = OUT / archive_name(target)
    path.write_bytes(make_zip(files) if path.suffix == ".zip" else make_tar(files))
    print(path)


def content():
    """Lists the files of an archive, apart from the binary."""
    names = ["README.md", "CHANGELOG.md", "LICENSE-MIT", "LICENSE-APACHE"]
    folders = [path for folder in ("completions", "man") for path in (ROOT / folder).rglob("*") if path.is_file()]
    return [ROOT / name for name in names] + folders


def third_party(target):
    """Returns the lists of third-party code that `packaging/licences` and `packaging/sbom` made."""
    folder = OUT / target["name"]
    return [(path.name, path.read_bytes()) for path in sorted(folder.glob("THIRD-PARTY.md")) + sorted(folder.glob("*.cdx.json"))]


def make_tar(files):
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as tar:
        for name, (data, mode) in sorted(files.items()):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(data), mode, commit_time()
            tar.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()


def make_zip(files):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, (data, mode) in sorted(files.items()):
            # Zip has no times before 1980 and no time zones.
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, mode << 16
            packed.writestr(entry, data)
    return buffer.getvalue()


# npm

def npm(*names):
    """Packs the main package and those of the named targets (default: all that were built)."""
    built = [find_target(name) for name in names] or [each for each in TARGETS if (OUT / each["name"]).is_dir()]
    folder = OUT / "npm"
    shutil.rmtree(folder, ignore_errors=True)
    for target in built:
        package = folder / npm_name(target).replace("/", "-").lstrip("@")
        write(package / "package.json", json.dumps(platform_manifest(target), indent=2) + "\n")
        write(package / "README.md", f"The binary of the package `whtool` for {target['name']}.\n")
        shutil.copy(find_binary(target), package / binary_name(target))
        os.chmod(package / binary_name(target), 0o755)
        for name, text in third_party(target):
            (package / name).write_bytes(text)
        pack(package)
    package = folder / "whtool"
    shutil.copytree(ROOT / "packaging" / "npm", package)
    write(package / "package.json", json.dumps(main_manifest(), indent=2) + "\n")
    for name in ("README.md", "LICENSE-MIT", "LICENSE-APACHE"):
        shutil.copy(ROOT / name, package / name)
    pack(package)


def npm_name(target):
    return f"@whtool/{target['npm']['os']}-{target['npm']['cpu']}"


def manifest(name, more):
    # npm publishes with provenance only from this repository.
    repository = {"type": "git", "url": f"git+{package_field('repository')}.git"}
    common = {"name": name, "version": version(), "description": DESCRIPTION, "license": LICENCE, "repository": repository}
    return {**common, **more}


def platform_manifest(target):
    system = {"os": [target["npm"]["os"]], "cpu": [target["npm"]["cpu"]]}
    return manifest(npm_name(target), {**system, "preferUnplugged": True})


def main_manifest():
    return manifest("whtool", {
        "keywords": ["webhook", "webhooks", "hmac", "plexos", "plustive", "testing"],
        "bin": {"whtool": "bin/whtool.js"},
        "exports": {".": "./index.js", "./test": {"types": "./test.d.ts", "default": "./test.js"}},
        "engines": {"node": ">=18"},
        "optionalDependencies": {npm_name(target): version() for target in TARGETS},
    })


def pack(package):
    OUT.mkdir(parents=True, exist_ok=True)
    command = shutil.which("npm") or sys.exit("npm is missing")
    packed = subprocess.check_output([command, "pack", "--silent", "--pack-destination", str(OUT)], cwd=package, text=True)
    print(OUT / packed.split()[-1])


# Homebrew and Scoop

def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def homebrew(url):
    """Writes whtool.rb with the archives of all macOS and Linux targets."""
    systems = {}
    for target in TARGETS:
        if "homebrew" in target:
            system, cpu = target["homebrew"]
            file = OUT / archive_name(target)
            systems.setdefault(system, []).append((cpu, f"{url}/{file.name}", digest(file)))
    blocks = []
    for system, builds in systems.items():
        inner = "".join(f'    {cpu} do\n      url "{link}"\n      sha256 "{sum}"\n    end\n' for cpu, link, sum in builds)
        blocks.append(f"  {system} do\n{inner}  end\n")
    template = (ROOT / "packaging" / "whtool.rb").read_text(encoding="utf-8")
    write(OUT / "whtool.rb", template.replace("@VERSION@", version()).replace("@URL@", url.split("/releases/")[0])
          .replace("  @ARCHIVES@\n", "".join(blocks)))
    print(OUT / "whtool.rb")


def scoop(url):
    """Writes whtool.json with the archives of all Windows targets."""
    builds = {}
    for target in TARGETS:
        if "scoop" in target:
            file = OUT / archive_name(target)
            folder = file.name.removesuffix(".zip")
            builds[target["scoop"]] = {"url": f"{url}/{file.name}", "hash": digest(file), "extract_dir": folder}
    fields = {"version": version(), "description": DESCRIPTION, "homepage": url.split("/releases/")[0],
              "license": "MIT|Apache-2.0", "architecture": builds, "bin": "whtool.exe"}
    write(OUT / "whtool.json", json.dumps(fields, indent=4) + "\n")
    print(OUT / "whtool.json")


# The rest

def checksums():
    files = sorted(path for path in OUT.iterdir() if path.is_file() and path.name != "SHA256SUMS")
    write(OUT / "SHA256SUMS", "".join(f"{digest(path)}  {path.name}\n" for path in files))
    print((OUT / "SHA256SUMS").read_text(encoding="utf-8"), end="")


def notes(wanted=None):
    """Prints the section of the changelog for a version; it is an error if there is none."""
    wanted = wanted or version()
    sections = re.split(r"^## ", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
    found = [text.split("\n", 1)[1].strip() for text in sections if re.split(r"[ \n]", text)[0].strip("[]") == wanted]
    if not found or not found[0]:
        sys.exit(f"CHANGELOG.md has no section `## {wanted}`, or it is empty")
    print(found[0])


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())


if __name__ == "__main__":
    main(sys.argv[1:])
