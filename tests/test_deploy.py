"""deploy/ agrees with itself, with the settings and with the rules of the house; Docker and a cluster are not needed."""

import re
import shutil
import subprocess
from dataclasses import fields

import pytest
import yaml

from infusion_guide.channels.website import files
from infusion_guide.clinic.settings import ROOT, Settings
from infusion_guide.run.__main__ import ROLES
from infusion_guide.server.bounds import MAX_BODY, SECONDS
from infusion_guide.staff.application import LARGEST_BODY
from tools.bench.scale import TEMPLATE, nginx_config

DEPLOY = ROOT / "deploy"
FILES = sorted(path for path in DEPLOY.glob("**/*.yml"))
BASE = DEPLOY / "kubernetes" / "base"
SETTINGS = {field.name.upper() for field in fields(Settings)}
OTHERS = {"TRUSTED_PROXIES", "POSTGRES_PASSWORD", "LISTEN", "GRAFANA_PASSWORD"}  # compose.yml itself reads these
NGINX = TEMPLATE.read_text(encoding="utf-8")


def documents(path):
    return [found for found in yaml.safe_load_all(path.read_text(encoding="utf-8")) if found]


def names(path):
    """Names of an env file, in order."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.split("=", 1)[0] for line in lines if line and not line.startswith("#")]


COMPOSE = documents(DEPLOY / "compose.yml")[0]
SERVICES = COMPOSE["services"]
MANIFESTS = [document for path in sorted(BASE.glob("*.yml")) for document in documents(path)]
PODS = {
    (document["kind"], document["metadata"]["name"]): document["spec"]["template"]["spec"]
    for document in MANIFESTS
    if document["kind"] in ("Deployment", "Job")
}


def manifest(kind, name):
    return next(m for m in MANIFESTS if m["kind"] == kind and m["metadata"]["name"] == name)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_every_file_is_yaml_and_says_what_it_is_for(path):
    assert documents(path)


def test_every_part_is_there():
    assert {"proxy", "assistant", "staff", "migrate", "postgres", "redis"} <= set(SERVICES)
    servers = {("Deployment", name) for name in ("proxy", "assistant", "staff", "redis")}
    assert set(PODS) == servers | {("Job", "migrate")}
    for kind, name in (
        ("HorizontalPodAutoscaler", "assistant"),
        ("PodDisruptionBudget", "assistant"),
        ("Ingress", "assistant"),
        ("NetworkPolicy", "nothing"),
        ("Service", "assistant"),
    ):
        assert manifest(kind, name)


def test_roles_exist():
    in_compose = {
        word for service in SERVICES.values() if service["image"].startswith("infusion-guide") for word in service["command"]
    }
    in_cluster = {
        word for pod in PODS.values() for c in pod["containers"] if c["image"] == "infusion-guide" for word in c["args"]
    }
    assert in_compose == in_cluster == set(ROLES) - {"chat"}


def test_settings_exist():
    known = SETTINGS | OTHERS
    for path in (DEPLOY / "env.example", BASE / "settings.env"):
        assert set(names(path)) <= known, path
    assert set(documents(BASE / "secret.example.yml")[0]["stringData"]) <= SETTINGS
    assert set(COMPOSE["x-ours"]["environment"]) <= SETTINGS
    used = set(re.findall(r"\$\{([A-Z_]+)", (DEPLOY / "compose.yml").read_text(encoding="utf-8")))
    assert used <= set(names(DEPLOY / "env.example"))


def test_what_compose_sets_itself_is_said_where_one_would_set_it():
    said = re.search(r"compose.yml itself sets\n# (.*?)\.\n", (DEPLOY / "env.example").read_text(encoding="utf-8"))[1]
    assert set(re.findall(r"[A-Z_]{4,}", said)) == set(COMPOSE["x-ours"]["environment"])


def test_settings_are_accepted():
    """What compose.yml and the cluster set, with the secrets filled in, is a valid production set-up."""
    secrets = dict.fromkeys(("SECRET_KEY", "METRICS_TOKEN", "REST_TOKEN"), "x" * 32)
    compose = {**COMPOSE["x-ours"]["environment"], **secrets, "DATABASE_URL": "postgresql://user@postgres/database"}
    lines = (BASE / "settings.env").read_text(encoding="utf-8").splitlines()
    cluster = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    for values in (compose, {**cluster, **secrets, "DATABASE_URL": "postgresql://user@postgres/database"}):
        chosen = Settings.read(values)
        assert chosen.production and chosen.proxies == 1 and chosen.redis_url
        assert chosen.database_url.startswith("postgresql://")


def test_no_secret_is_written_down():
    secret = re.compile(r"KEY|TOKEN|PASSWORD")
    assert not any(documents(BASE / "secret.example.yml")[0]["stringData"].values())
    for path in (DEPLOY / "env.example", BASE / "settings.env"):
        for line in path.read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition("=")
            assert line.startswith("#") or not secret.search(name) or not value, f"{path.name}: {name}"


def test_images_have_a_tag_that_does_not_move_on():
    images = [service["image"] for service in SERVICES.values()]
    images += [container["image"] for pod in PODS.values() for container in pod["containers"]]
    images += re.findall(r"^FROM (\S+:\S+)", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    tags = documents(BASE / "kustomization.yml")[0]["images"]
    for image in images:
        tag = image.partition(":")[2] or next(t["newTag"] for t in tags if t["name"] == image)
        assert tag and "latest" not in tag, image
        assert "." not in image.split("/")[0].split(":")[0], f"{image} names a registry's host"


def test_nothing_runs_as_root_or_writes_to_its_image():
    assert re.findall(r"^USER (\S+)", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE) == ["10001:10001"]
    for name, service in SERVICES.items():
        assert re.fullmatch(r"[1-9][0-9]*:[0-9]+", service["user"]), name
        assert service["read_only"] and service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["deploy"]["resources"]["limits"]["memory"], name
    for (kind, name), pod in PODS.items():
        assert pod["securityContext"]["runAsNonRoot"] and pod["securityContext"]["runAsUser"] > 0, (kind, name)
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, (kind, name)
        assert pod["automountServiceAccountToken"] is False, (kind, name)
        for container in pod["containers"]:
            context = container["securityContext"]
            assert not context["allowPrivilegeEscalation"] and context["readOnlyRootFilesystem"], (kind, name)
            assert context["capabilities"] == {"drop": ["ALL"]}, (kind, name)
            assert container["resources"]["requests"] and container["resources"]["limits"]["memory"], (kind, name)


def test_only_the_proxy_is_open_to_the_outside():
    for name, service in SERVICES.items():
        for port in service.get("ports", []):
            assert name == "proxy" or port.startswith("127.0.0.1:"), name
    assert COMPOSE["networks"]["back"]["internal"]
    assert manifest("Ingress", "assistant")["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"] == "proxy"


def test_ports_agree():
    port = COMPOSE["x-ours"]["environment"]["PORT"]
    assert SERVICES["proxy"]["environment"]["NGINX_ASSISTANTS"] == f"assistant:{port}"
    assert SERVICES["proxy"]["ports"][0].endswith(":" + re.search(r"^\s+listen (\d+) ", NGINX, re.MULTILINE)[1])
    staff = COMPOSE["x-ours"]["environment"]["STAFF_PORT"]
    assert SERVICES["proxy"]["environment"]["NGINX_STAFF"] == f"staff:{staff}"
    assert f":{staff}/staff/health" in SERVICES["staff"]["healthcheck"]["test"][-1]
    assert f"127.0.0.1:{port}/health" in (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    opened = {
        name: pod["containers"][0]["ports"][0]["containerPort"] for (kind, name), pod in PODS.items() if kind == "Deployment"
    }
    for name, number in opened.items():
        assert manifest("Service", name)["spec"]["ports"][0]["port"] == number
        admitted = manifest("NetworkPolicy", name)["spec"]["ingress"][0]["ports"][0]["port"]
        assert admitted == number, f"network.yml lets nobody reach {name}"
    assert opened["assistant"] == int(port) and opened["staff"] == int(staff)
    named = {e["name"]: e["value"] for e in PODS["Deployment", "proxy"]["containers"][0]["env"]}
    assert named["NGINX_ASSISTANTS"].endswith(f":{port}") and named["NGINX_STAFF"].endswith(f":{staff}")


def test_proxy_waits_longer_than_a_turn_and_refuses_larger_bodies():
    reading = int(re.search(r"proxy_read_timeout (\d+)s;  # a turn", NGINX)[1])
    assert SECONDS < reading < 10
    largest = int(re.search(r"client_max_body_size (\d+)k;", NGINX)[1]) * 1024
    assert MAX_BODY <= largest <= 1.1 * MAX_BODY


def test_proxy_passes_on_no_header_that_a_caller_chose():
    for name, value in (("X-Forwarded-For", "$remote_addr"), ("X-Forwarded-Host", "$http_host"), ("Forwarded", '""')):
        assert re.search(rf"proxy_set_header {name} {re.escape(value)};", NGINX), name
    assert "proxy_add_x_forwarded_for" not in NGINX


def test_proxy_hides_what_is_inside():
    open_to_all = set(re.findall(r"^\s+location (?:= )?(/\S*) \{", NGINX, re.MULTILINE))
    assert open_to_all - {"/"} == {"/webhooks/", "/socket.io/", "/health", "/staff", *files()} - {"/"}
    assert re.search(r"location / \{\s+return 404", NGINX)


def test_proxy_keeps_nothing_of_the_staff_pages():
    block = re.search(r"location /staff \{(.*?)\}", NGINX, re.DOTALL)[1]
    assert "proxy_pass http://staff;" in block and "proxy_cache off;" in block and "proxy_cache_key" not in block
    largest = int(re.search(r"client_max_body_size (\d+)k;", NGINX)[1]) * 1024
    assert largest >= LARGEST_BODY


def test_proxy_has_the_widget_when_no_assistant_has():
    block = re.search(r"location = /widget.js \{(.*?)\}", NGINX, re.DOTALL)[1]
    assert "proxy_cache_use_stale error timeout" in block and "http_503" in block


def test_proxy_configuration_of_the_benchmark_is_valid(tmp_path):
    config = tmp_path / "nginx.conf"
    config.write_text(nginx_config(NGINX, 8080, [5005, 5006], tmp_path), encoding="utf-8")
    assert not re.search(r"\$\{|resolve", re.sub(r"#.*", "", config.read_text(encoding="utf-8")))
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if not nginx:
        pytest.skip("nginx is not installed")
    command = [nginx, "-t", "-p", str(tmp_path), "-e", "stderr", "-c", str(config)]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr


def test_image_holds_what_training_and_serving_read():
    wanted = {
        "config.yml",
        "domain.yml",
        "endpoints.yml",
        "credentials.yml",
        "data",
        "actions",
        "infusion_guide",
        "requirements/base.txt",
    }
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")}
    assert wanted <= kept and ".env" not in kept
    dockerfile = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert all(name in dockerfile for name in wanted)
    assert "--require-hashes" in dockerfile


@pytest.mark.skipif(not shutil.which("kubectl"), reason="kubectl is not installed")
@pytest.mark.parametrize("folder", ["base", "by-messages"])
def test_kustomize_builds(folder):
    command = ["kubectl", "kustomize", str(DEPLOY / "kubernetes" / folder)]
    found = subprocess.run(command, capture_output=True, text=True)
    assert found.returncode == 0, found.stderr
    built = [document for document in yaml.safe_load_all(found.stdout) if document]
    assert all(document["metadata"].get("namespace") == "infusion-guide" for document in built if document["kind"] != "Namespace")
