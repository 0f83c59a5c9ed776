"""Types keys to `whtool listen` at a real pseudo-terminal, and checks the terminal's mode.

    python3 keys.py WHTOOL SCENARIO
"""

import base64
import fcntl
import http.server
import os
import pty
import queue
import select
import signal
import socket
import subprocess
import sys
import termios
import threading
import time

WHTOOL, SCENARIO = sys.argv[1:]
TIMEOUT = 60


class Terminal:
    def __init__(self, arguments):
        self.seen = ""
        self.position = 0
        # The other end stays open, so the mode can be read after the process has ended.
        self.file, self.other_end = pty.openpty()
        self.pid = os.fork()
        if self.pid == 0:
            os.setsid()
            fcntl.ioctl(self.other_end, termios.TIOCSCTTY, 0)
            for stream in range(3):
                os.dup2(self.other_end, stream)
            os.execvp(arguments[0], arguments)

    def type(self, text):
        os.write(self.file, text.encode())

    def read(self, seconds):
        if select.select([self.file], [], [], seconds)[0]:
            try:
                self.seen += os.read(self.file, 65536).decode(errors="replace")
            except OSError:
                return False
        return True

    def expect(self, text):
        """Waits for a text that comes after the last one."""
        deadline = time.monotonic() + TIMEOUT
        while text not in self.seen[self.position :]:
            if not self.read(0.1) or time.monotonic() > deadline:
                sys.exit(f"{text!r} did not come:\n{self.seen}")
        self.position = self.seen.index(text, self.position) + len(text)

    def expect_keys(self, are_read):
        """Waits until single keys are read, or no longer."""
        deadline = time.monotonic() + TIMEOUT
        while self.reads_keys() != are_read:
            self.read(0.02)
            if time.monotonic() > deadline:
                sys.exit(f"keys are read: {not are_read}\n{self.seen}")

    def reads_keys(self):
        return not termios.tcgetattr(self.file)[3] & (termios.ICANON | termios.ECHO)

    def expect_end(self, status):
        """Waits for the process."""
        deadline = time.monotonic() + TIMEOUT
        while True:
            self.read(0.02)
            pid, raw = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() > deadline:
                sys.exit(f"it did not end:\n{self.seen}")
        ended = os.waitstatus_to_exitcode(raw)
        if ended != status:
            sys.exit(f"it ended with {ended}:\n{self.seen}")


def listening(arguments=()):
    terminal = Terminal([WHTOOL, "listen", "--port", "0", *arguments])
    terminal.expect("press ? for keys")
    terminal.expect_keys(True)
    return terminal


def check_commands():
    terminal = listening()
    for key, text in [
        ("?", "p      payloads on and off"),
        ("p", "payloads off: one line per event"),
        ("p", "payloads on"),
        ("r", "r: there is no app to replay to; start with --forward-to URL"),
        ("c", "\x1b[H\x1b[2J"),
        # An arrow is not a command, although its last character could be one.
        ("\x1bOp", ""),
        ("p", "payloads off"),
        ("q", "stopping: finishing open requests"),
    ]:
        terminal.type(key)
        terminal.expect(text)
    terminal.expect_end(130)
    terminal.expect_keys(False)


class App(http.server.BaseHTTPRequestHandler):
    """Refuses the first request, and accepts the others."""

    bodies = []

    def do_POST(self):
        self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200 if len(self.bodies) > 1 else 400)
        self.end_headers()

    def log_message(self, *words):
        pass


def check_replay():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), App)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    arguments = ["--forward-to", str(server.server_port)]
    terminal = listening(arguments)
    url = terminal.seen.split("listening on ")[1].split(" ")[0]
    subprocess.run([WHTOOL, "replay", "payment.debited", "--to", url], check=True, capture_output=True)
    terminal.expect("→ 400")
    terminal.type("r")
    terminal.expect("replaying 1  payment.debited")
    terminal.expect("→ 200")
    terminal.type("q")
    terminal.expect_end(130)
    terminal = listening(arguments)
    terminal.type("r")
    terminal.expect("replaying 1  payment.debited")
    terminal.expect("→ 1  200")
    terminal.type("q")
    terminal.expect_end(130)
    if len(App.bodies) != 3 or len(set(App.bodies)) != 1:
        sys.exit(f"the app received {App.bodies}")


def relay(target):
    """Returns the URL of a server that passes connections on to the address that is found there."""
    server = socket.create_server(("127.0.0.1", 0))

    def copy(source, destination):
        while data := source.recv(65536):
            destination.sendall(data)
        destination.shutdown(socket.SHUT_WR)

    def accept():
        while True:
            client, _ = server.accept()
            other = socket.create_connection(("127.0.0.1", target.get()))
            target.put(other.getpeername()[1])
            for pair in [(client, other), (other, client)]:
                threading.Thread(target=copy, args=pair, daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return f"http://127.0.0.1:{server.getsockname()[1]}"


def check_clipboard():
    for kind, copies in [("xterm-256color", True), ("dumb", False)]:
        os.environ["TERM"] = kind
        target = queue.Queue()
        url = relay(target)
        terminal = listening(["--allow-http", "--tunnel-command", f"echo {url}; exec sleep 600"])
        target.put(int(terminal.seen.split("listening on http://127.0.0.1:")[1].split(" ")[0]))
        terminal.expect("Plexos Pay: run `")
        terminal.expect("secret add plustive`")
        request = "\x1b]52;c;" + base64.b64encode(url.encode()).decode() + "\x07"
        says = "(copied to the clipboard, if your terminal allows it)"
        if (request in terminal.seen, says in terminal.seen) != (copies, copies):
            sys.exit(f"with TERM={kind}:\n{terminal.seen!r}")
        terminal.type("q")
        terminal.expect_end(130)


def check_signals():
    for signal_number, status in [(signal.SIGTERM, 0), (signal.SIGQUIT, 131)]:
        terminal = listening()
        os.kill(terminal.pid, signal_number)
        terminal.expect_end(status)
        terminal.expect_keys(False)
    terminal = listening()
    terminal.type("\x03")
    terminal.expect_end(130)
    terminal.expect_keys(False)


def check_jobs():
    """In dash, which leaves the terminal's mode to its jobs."""
    os.environ["PS1"] = "ready> "
    shell = Terminal(["dash", "-i"])
    shell.expect("ready> ")
    shell.type(f"'{WHTOOL}' listen --port 0\n")
    shell.expect("press ? for keys")
    shell.expect_keys(True)
    shell.type("\x1a")
    shell.expect("Stopped")
    shell.expect_keys(False)
    shell.type("fg\n")
    shell.expect_keys(True)
    shell.type("p")
    shell.expect("payloads off")
    shell.type("\x1a")
    shell.expect("ready> ")
    shell.type("bg\n")
    shell.expect("ready> ")
    # The shell reads lines now: whtool leaves them alone.
    shell.type("echo typed to the sh''ell\n")
    shell.expect("typed to the shell")
    shell.type("fg\n")
    shell.expect_keys(True)
    shell.type("q")
    shell.expect("ready> ")
    shell.expect_keys(False)
    shell.type(f"'{WHTOOL}' listen --port 0 &\n")
    shell.expect("Ctrl+C to stop)")
    shell.type("jobs; kill %1; wait\n")
    shell.expect("Running")
    shell.expect("ready> ")
    shell.type(f"'{WHTOOL}' listen --port 0 | cat\n")
    shell.expect("Ctrl+C to stop)")
    shell.expect_keys(False)
    shell.type("\x03")
    shell.expect("ready> ")
    shell.type("exit\n")


globals()[f"check_{SCENARIO}"]()
