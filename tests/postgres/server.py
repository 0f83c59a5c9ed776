"""A PostgreSQL server in a temporary folder, for the scripts of the store."""

import glob
import os
import re
import shutil
import socket
import subprocess
import tempfile

# PostgreSQL does not run as root: then it runs as `nobody`.
NOBODY = 65534


class Server:
    """A server that runs until it is stopped; its user and database are `postgres`."""

    def __init__(self, *settings):
        folders = glob.glob("/usr/lib/postgresql/*/bin")
        self.programs = max(folders, key=lambda folder: int(re.search(r"/(\d+)/", folder)[1]))
        self.folder = tempfile.mkdtemp(prefix="whtool-postgres-")
        self.owner = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.getuid() == 0 else {}
        if self.owner:
            os.chown(self.folder, NOBODY, NOBODY)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"postgres://postgres@127.0.0.1:{self.port}/postgres"
        self.data = os.path.join(self.folder, "data")
        self._run("initdb", "-N", "-A", "trust", "-U", "postgres", "--locale=C", "-E", "UTF8", "-D", self.data)
        lines = [f"port = {self.port}", "listen_addresses = '127.0.0.1'"]
        lines += [f"unix_socket_directories = '{self.folder}'", *settings]
        with open(os.path.join(self.data, "postgresql.conf"), "a") as file:
            file.write("\n".join(lines) + "\n")
        self._control("start")

    def _run(self, program, *words):
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run([os.path.join(self.programs, program), *words], check=True, cwd="/", **self.owner, **quiet)

    def _control(self, *words):
        log = os.path.join(self.folder, "log")
        self._run("pg_ctl", "-D", self.data, "-l", log, "-w", *words)

    def restart(self, mode):
        self._control("restart", "-m", mode)

    def psql(self, sql):
        """Yields the rows as lists of texts."""
        command = ["psql", "-AtqF", "\t", "-v", "ON_ERROR_STOP=1", "-c", sql, self.url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            for line in process.stdout:
                yield line.rstrip("\n").split("\t")
        assert process.returncode == 0, sql

    def stop(self):
        self._control("stop", "-m", "immediate")
        shutil.rmtree(self.folder)
