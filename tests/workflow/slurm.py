"""A whole Slurm in one folder: munge, the controller and one node, as daemons of their own on loopback.

Nothing outside the folder is read or changed: own key, socket, ports, state and log files.
"""

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

DAEMONS = ("munged", "slurmctld", "slurmd")
COMMANDS = ("srun", "sbatch", "squeue", "sinfo", "scontrol")
NODE = "node"
PATIENCE = 60  # seconds for a daemon to answer
SETTINGS = """\
ClusterName=trialpool
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerParameters=bf_interval=1,sched_interval=1
SlurmdTimeout=6
MessageTimeout=2
BatchStartTimeout=1
ReturnToService=2
SlurmdParameters=config_overrides
NodeName={node} NodeHostname={host} NodeAddr=127.0.0.1 CPUs=2 RealMemory=8000 State=UNKNOWN
PartitionName=all Nodes={node} Default=YES State=UP
"""


class CannotStartError(Exception):
    """Why there is no Slurm here, in words for a person."""


class Slurm:
    """The three daemons; use it as a context manager, which ends all that it started."""

    def __init__(self):
        missing = [name for name in (*DAEMONS, *COMMANDS) if not _where(name)]
        if missing:
            raise CannotStartError(
                f"not installed: {', '.join(missing)} (Debian packages slurm-wlm and munge)"
            )
        self.folder = Path(tempfile.mkdtemp(prefix="slurm-"))  # a socket's path may have 107 letters at most
        self.folder.chmod(0o755)  # munge refuses a socket in a folder that not all may enter
        self.variables = {
            "SLURM_CONF": str(self.folder / "slurm.conf"),
            "PATH": f"{self.folder / 'bin'}:{os.environ['PATH']}",
        }
        self.running = {}

    def __enter__(self):
        try:
            self._configure()
            self._start_munge()
            self._start("slurmctld", "-D", "-f", self.variables["SLURM_CONF"])
            self.start_node()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for name in reversed(list(self.running)):
            self._kill(name)
        for pid in self._processes():
            _end(pid)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start_node(self):
        """Start slurmd and wait until the controller gives it work."""
        self._start("slurmd", "-D", "-N", NODE, "-f", self.variables["SLURM_CONF"])
        self._wait("the node", lambda: self.ask("sinfo", "-h", "-o", "%T") in {"idle", "mixed", "allocated"})

    def kill_node_daemon(self):
        """SIGKILL to slurmd alone: its jobs live on without it."""
        self._kill("slurmd")

    def kill_node(self):
        """SIGKILL to slurmd and all that runs on its node, as if it lost its power, until that is noticed.

        Returns how many processes of jobs were killed.
        """
        self._kill("slurmd")
        lost = self._processes(of_jobs=True)
        for pid in lost:
            _end(pid)
        self._wait("the end of the node", lambda: self.ask("sinfo", "-h", "-o", "%T").startswith("down"))
        return len(lost)

    def ask(self, *command):
        """What a command of Slurm prints, or nothing where it fails."""
        told = subprocess.run(
            command, env={**os.environ, **self.variables}, capture_output=True, text=True, check=False
        )
        return told.stdout.strip() if told.returncode == 0 else ""

    def jobs(self):
        """Rows of job id, state and restarts of all jobs so far."""
        rows = self.ask("squeue", "--states=all", "--noheader", "--Format=JobID,State,RestartCnt")
        return [tuple(row.split()) for row in rows.splitlines()]

    def _configure(self):
        for name in ("state", "spool", "bin"):
            (self.folder / name).mkdir()
        (self.folder / "key").write_bytes(os.urandom(1024))
        (self.folder / "key").chmod(0o400)
        controller_port, node_port = _free_ports(2)
        settings = SETTINGS.format(
            folder=self.folder,
            host=socket.gethostname().split(".")[0],
            controller_port=controller_port,
            node_port=node_port,
            user=_user(),
            node=NODE,
        )
        Path(self.variables["SLURM_CONF"]).write_text(settings, encoding="utf-8")
        # Inside a job the plugin calls srun without SLURM_CONF: a cluster has its file in the usual place.
        srun = self.folder / "bin" / "srun"
        srun.write_text(
            f'#!/bin/sh\nSLURM_CONF={self.variables["SLURM_CONF"]} exec {_where("srun")} "$@"\n',
            encoding="utf-8",
        )
        srun.chmod(0o755)

    def _start_munge(self):
        places = {"key-file": "key", "socket": "munge.socket", "pid-file": "munge.pid"}
        places |= {"log-file": "munge.log", "seed-file": "munge.seed"}
        options = [f"--{option}={self.folder / file}" for option, file in places.items()]
        self._start("munged", "--foreground", "--force", *options)
        self._wait("munged", (self.folder / "munge.socket").exists)

    def _start(self, name, *options):
        with (self.folder / f"{name}.out").open("ab") as told:
            self.running[name] = subprocess.Popen(
                [_where(name), *options],
                env={**os.environ, **self.variables},
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=told,
                start_new_session=True,
            )

    def _wait(self, what, ready):
        until = time.monotonic() + PATIENCE
        while not ready():
            dead = [name for name, process in self.running.items() if process.poll() is not None]
            if dead or time.monotonic() > until:
                told = "".join(
                    (self.folder / f"{name}.out").read_text(errors="replace")[-500:] for name in dead
                )
                raise CannotStartError(f"{what} did not start: {', '.join(dead)} {told}".strip())
            time.sleep(0.1)

    def _kill(self, name):
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def _processes(self, *, of_jobs=False):
        """Process ids of all that belongs to this Slurm, or of its jobs and their keepers only.

        They cut themselves loose from the daemon that started them; the name of our file in their
        environment tells them.
        """
        mark = f"SLURM_CONF={self.variables['SLURM_CONF']}".encode()
        found = []
        for place in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                environment = (place / "environ").read_bytes()
                keeper = (place / "comm").read_text().startswith("slurmstepd")
                job = keeper or b"\0SLURM_JOB_ID=" in environment
                if mark in environment.split(b"\0") and (job or not of_jobs):
                    found.append(int(place.name))
        return found


def _where(name):
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin")


def _user():
    return pwd.getpwuid(os.geteuid()).pw_name


def _free_ports(count):
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _end(pid):
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
