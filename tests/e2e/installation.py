"""A whole installation as a child process, on ports and in a home of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERVICES = ("profile", "scoring", "recommendation", "dispatch", "feedback")
_STOP_SECONDS = 60


@dataclass(frozen=True)
class Installation:
    """A demonstration that runs, or has run, with its home and its environment."""

    home: Path
    environment: Mapping[str, str]
    process: "subprocess.Popen[bytes]"

    def address(self, service: str) -> str:
        return self.environment[f"VISAVIS_{service.upper()}_ADDRESS"]

    def visavis(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Run a command of the console against it."""
        return subprocess.run(
            [sys.executable, "-m", "services.console", *arguments],
            env=dict(self.environment),
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    def ask(self, *arguments: str) -> object:
        """Run a command with --json and return what it printed; it must succeed."""
        done = self.visavis(*arguments, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)

    def processes(self) -> dict[str, int]:
        """Return name -> pid of the supervised processes, as the supervisor has written them."""
        try:
            found: dict[str, int] = json.loads((self.home / "processes.json").read_text())
        except FileNotFoundError:
            return {}
        return found

    def report(self) -> dict[str, object]:
        found: dict[str, object] = json.loads((self.home / "demo-report.json").read_text())
        return found

    def output(self) -> str:
        return (self.home.parent / "demo.out").read_text(errors="replace")

    def logs(self) -> str:
        """Return the ends of all logs, for the message of a failed assertion."""
        tails = [f"== {p.name}\n{p.read_text(errors='replace')[-1500:]}" for p in (self.home / "logs").glob("*.log")]
        return "\n".join([self.output()[-3000:], *tails])

    def wait_until_up(self, seconds: float) -> None:
        """Wait until every service can be reached."""
        deadline = time.monotonic() + seconds
        for service in SERVICES:
            host, _, port = self.address(service).partition(":")
            while not _answers(host, int(port)):
                assert self.process.poll() is None, f"ended early\n{self.logs()}"
                assert time.monotonic() < deadline, f"{service} is not up within {seconds} s\n{self.logs()}"
                time.sleep(0.1)

    def wait_for_report(self, seconds: float) -> None:
        """Wait until the demonstration has written its report."""
        deadline = time.monotonic() + seconds
        while not (self.home / "demo-report.json").is_file():
            assert self.process.poll() is None, f"ended early\n{self.logs()}"
            assert time.monotonic() < deadline, f"no report within {seconds} s\n{self.logs()}"
            time.sleep(0.2)


@contextmanager
def demonstration(folder: Path, *arguments: str, **variables: str) -> Iterator[Installation]:
    """Start `visavis demo` with `arguments` in `folder`/home; at the end it is stopped, and nothing of it may be left."""
    with console_process(folder, "demo", *arguments, **variables) as installation:
        yield installation


@contextmanager
def console_process(folder: Path, *arguments: str, **variables: str) -> Iterator[Installation]:
    """Start a command of the console that stays up, in `folder`/home; at the end it is stopped."""
    environment = _environment(folder / "home", variables)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "demo.out").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.console", *arguments],
            env=environment,
            cwd=ROOT,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Installation(folder / "home", environment, process)
    finally:
        _stop(process)


def leftovers(home: Path) -> list[str]:
    """Return the command lines of living processes that have to do with `home`."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                about = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if str(home).encode() in about:
                found.append((folder / "cmdline").read_text().replace("\0", " "))
    return found


def _environment(home: Path, variables: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("VISAVIS_")}
    *ports, gateway, mail, returns, pages, push_gateway, reports = map(str, _free_ports(len(SERVICES) + 6))
    for service, port in zip(SERVICES, ports, strict=True):
        kept[f"VISAVIS_{service.upper()}_PORT"] = port
        kept[f"VISAVIS_{service.upper()}_ADDRESS"] = f"127.0.0.1:{port}"
    return {
        **kept,
        "VISAVIS_HOME": str(home),
        "VISAVIS_SANDBOX_GATEWAY_PORT": gateway,
        "VISAVIS_DISPATCH_SMS_PORT": gateway,
        "VISAVIS_SANDBOX_MAIL_PORT": mail,
        "VISAVIS_DISPATCH_MAIL_PORT": mail,
        "VISAVIS_DISPATCH_MAIL_RETURNS_PORT": returns,
        "VISAVIS_DISPATCH_MAIL_PAGES_PORT": pages,
        "VISAVIS_SANDBOX_PPG_PORT": push_gateway,
        "VISAVIS_DISPATCH_WAP_REPORTS_PORT": reports,
        "PYTHONPATH": f"{ROOT}:{ROOT / 'shared' / 'gen'}",
        **variables,
    }


def _answers(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def _free_ports(count: int) -> list[int]:
    """Return ports that are free now; all are held until all are known, so that no two are the same."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [int(found.getsockname()[1]) for found in sockets]


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise
