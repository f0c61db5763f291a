"""Where the other engines come from: a virtual environment or a folder of jars for each, made once, in the cache."""

import hashlib
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from streams.local.maven import cache, fetched, filled, java, locked

HERE = Path(__file__).resolve().parent
JOBS = HERE / "jobs"
FLINK = HERE / "flink"
CLICK = HERE.parents[1] / "schemas" / "Click.avsc"
FASTAVRO = "fastavro==1.13.1"
PINS: dict[str, tuple[str, ...]] = {
    "faust": ("faust-streaming==0.15.3", "mode-streaming==0.7.1", "aiokafka==0.14.0", "click<8.4", FASTAVRO),
    "quix": ("quixstreams==3.28.1", "confluent-kafka==2.12.2", FASTAVRO),
    "bytewax": ("bytewax==0.21.1", "confluent-kafka==2.16.1", FASTAVRO),
    "bare": ("confluent-kafka==2.16.1", FASTAVRO),
}
FLINK_VERSION = "1.20.1"
OPENED = ("java.util", "java.lang", "java.nio", "java.net", "java.time", "java.lang.reflect")


@dataclass(frozen=True, slots=True)
class Job:
    """How a job is run: commands that prepare it, and the one that is measured."""

    prepare: tuple[Sequence[str], ...]
    command: Sequence[str]


def python(engine: str) -> Path:
    """The Python of an engine's own environment, made if it is not there yet."""
    pins = PINS[engine]
    digest = hashlib.sha256(" ".join((sys.version, *pins)).encode()).hexdigest()[:8]
    folder = cache() / "benchmarks" / f"{engine}-{digest}"
    done = folder / "made"
    folder.parent.mkdir(parents=True, exist_ok=True)
    with locked(folder.with_name(f"{folder.name}.lock")):
        if not done.exists():
            print(f"making an environment for {engine}: {', '.join(pins)} ...", flush=True)
            subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
            pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
            subprocess.run([*pip, "--disable-pip-version-check", *pins], check=True)
            done.touch()
    return folder / "bin" / "python"


def classes() -> str:
    """The class path of the Flink job: its jars, and the job, compiled."""
    jars = fetched(FLINK / "pom.xml")
    source = FLINK / "OneCounter.java"
    compiler = [str(Path(java()).resolve().with_name("javac")), "-nowarn", "-cp", f"{jars}/*"]

    def compile_into(target: Path) -> None:
        subprocess.run([*compiler, "-d", str(target), str(source)], check=True)

    digest = hashlib.sha256(source.read_bytes()).hexdigest()[:8]
    return f"{filled(cache() / 'benchmarks' / f'flink-{digest}', compile_into)}:{jars}/*"


def job(engine: str, brokers: str, group: str, output: str, state: Path) -> Job:
    """The job of an engine; `state` is a folder of its own."""
    state.mkdir(parents=True)
    if engine.startswith("flink"):
        slots = engine.partition("-")[2] or "1"
        opened = [f"--add-opens=java.base/{each}=ALL-UNNAMED" for each in OPENED]
        run = [java(), "-Xmx1g", *opened, "-cp", classes(), "OneCounter"]
        return Job((), [*run, brokers, group, output, str(state), slots, str(CLICK)])
    program = str(python(engine))
    if engine == "faust":
        return Job((), [program, "faust_job.py", "worker", "--without-web", "--loglevel", "warn"])
    if engine == "bytewax":
        prepare = [program, "-m", "bytewax.recovery", str(state), "1"]
        run = [program, "-m", "bytewax.run", "bytewax_job:flow", "-r", str(state), "-s", "1", "-b", "0"]
        return Job((prepare,), run)
    return Job((), [program, f"{engine}_job.py"])
