"""Helper for tests of webhook handlers: starts `whtool listen`, sends samples, and waits for what arrives."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time


def binary_path():
    """Returns the path of the whtool binary that was installed with this package; WHTOOL_BINARY names another one."""
    if os.environ.get("WHTOOL_BINARY"):
        return os.environ["WHTOOL_BINARY"]
    name = "whtool.exe" if sys.platform == "win32" else "whtool"
    folders = [sysconfig.get_path("scripts"), sysconfig.get_path("scripts", f"{os.name}_user")]
    installed = [os.path.join(folder, name) for folder in folders if folder]
    found = next(filter(os.path.isfile, installed), None) or shutil.which("whtool")
    if not found:
        raise FileNotFoundError("whtool: the binary is not installed")
    return found


class Whtool:
    """A listener on a free port. Settings and secrets of this user are not used, apart from the environment."""

    def __init__(self, forward_to=None, args=(), env=None, timeout=10.0):
        self.records, self.timeout = [], timeout
        self._changed, self._messages, self._has_ended = threading.Condition(), [], False
        self._home = tempfile.TemporaryDirectory(prefix="whtool-")
        self._env = {**os.environ, **(env or {}), "WHTOOL_HOME": self._home.name}
        forward = ["--forward-to", str(forward_to)] if forward_to else []
        command = [binary_path(), "listen", "--port", "0", "--json", *forward, *args]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            command, env=self._env, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, encoding="utf-8")
        self._readers = [threading.Thread(target=read, daemon=True) for read in (self._read_records, self._read_messages)]
        for reader in self._readers:
            reader.start()
        try:
            self.url = self._wait(lambda record: record["schema"] == "whtool.ready/1", "the listener", None)["url"]
        except BaseException:
            self.stop()
            raise

    def _read_records(self):
        for line in self._process.stdout:
            with self._changed:
                self.records.append(json.loads(line))
                self._changed.notify_all()
        with self._changed:
            self._has_ended = True
            self._changed.notify_all()

    def _read_messages(self):
        self._messages.extend(self._process.stderr)

    def send(self, source, set=None, args=()):
        """Sends a sample such as `payment.debited`, or a payload file. `set` changes fields: {"data.amount": 5000}."""
        changes = [word for path, value in (set or {}).items() for word in ("--set", f"{path}:={json.dumps(value)}")]
        command = [binary_path(), "replay", source, "--to", self.url, "--json", *changes, *args]
        done = subprocess.run(command, env=self._env, capture_output=True, encoding="utf-8")
        # Status 1: the listener refused the event, which a test may want.
        if done.returncode not in (0, 1):
            raise RuntimeError(f"{' '.join(command)} failed:\n{done.stderr}")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def wait_for(self, wanted, timeout=None):
        """Waits for a delivery of this type, or one for which the function returns true. Earlier ones count, too."""
        matches = wanted if callable(wanted) else lambda delivery: (delivery["event"] or {}).get("type") == wanted
        return self._wait(lambda record: record["schema"] == "whtool.delivery/1" and matches(record), wanted, timeout)

    def wait_for_answer(self, delivery, timeout=None):
        """Waits until the app of `forward_to` has answered this delivery; attempts that will be retried do not count."""
        def is_last(record):
            is_answer = record["schema"] == "whtool.forwarded/1" and record["id"] == delivery["id"]
            return is_answer and record["sequel"] != "again"
        return self._wait(is_last, f"answer to delivery {delivery['id']}", timeout)

    def _wait(self, matches, what, timeout):
        timeout = self.timeout if timeout is None else timeout
        end = time.monotonic() + timeout
        with self._changed:
            while True:
                found = next(filter(matches, self.records), None)
                if found is not None:
                    return found
                rest = end - time.monotonic()
                if self._has_ended or rest <= 0:
                    break
                self._changed.wait(rest)
        reason = "whtool listen ended" if self._has_ended else f"{len(self.records)} records in {timeout:g} s"
        raise TimeoutError(f"no {what}: {reason}\n{''.join(self._messages)}")

    def stop(self):
        """Ends the listener and removes its store."""
        self._process.terminate()
        self._process.wait()
        for reader in self._readers:
            reader.join()
        self._process.stdout.close()
        self._process.stderr.close()
        self._home.cleanup()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
