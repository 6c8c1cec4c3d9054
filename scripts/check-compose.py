#!/usr/bin/env python3
"""Checks docker-compose.yaml without Docker: it parses, and what it refers to exists.

What a parser can know: every build context, Dockerfile and stage, bind-mounted file, named volume and depended-on
service is there; no host port is used twice; conditions on health have a healthcheck; the lab's services and the
worker's variables have their names. Says all that is wrong, not the first.
"""

import pathlib
import re
import sys

import yaml

ROOT = pathlib.Path(__file__).resolve().parent.parent
BASE = "docker-compose.yaml"
LAB = {
    "kafka": [],
    "kusto-connect": [
        "BOOTSTRAP_SERVERS",
        "GROUP_ID",
        "CONFIG_STORAGE_TOPIC",
        "OFFSET_STORAGE_TOPIC",
        "STATUS_STORAGE_TOPIC",
    ],
    "events-producer": ["KAFKA_BOOTSTRAP_SERVER", "KAFKA_TOPIC", "SOURCE_FILE"],
}


def names(section):
    """Compose allows lists (`A=b`) and maps for the same thing; both have names."""
    if isinstance(section, dict):
        return set(section)
    return {str(entry).split("=", 1)[0] for entry in section or []}


def check_build(build, where):
    build = {"context": build} if isinstance(build, str) else build
    context = ROOT / build.get("context", ".")
    if not context.is_dir():
        yield f"{where}: build context {build.get('context')} does not exist"
        return
    dockerfile = context / build.get("dockerfile", "Dockerfile")
    if not dockerfile.is_file():
        yield f"{where}: no {dockerfile.relative_to(ROOT)}"
    elif target := build.get("target"):
        stages = re.findall(r"(?im)^FROM\s+\S+\s+AS\s+(\S+)", dockerfile.read_text())
        if target not in stages:
            yield f"{where}: {dockerfile.name} has no stage '{target}' (it has {', '.join(stages) or 'none'})"


def check_service(name, service, compose):
    where = f"services.{name}"
    if ("image" in service) == ("build" in service) and "build" not in service:
        yield f"{where}: needs an image or a build"
    if "build" in service:
        yield from check_build(service["build"], where)
    for other in names(service.get("depends_on")):
        if other not in compose["services"]:
            yield f"{where}: depends on '{other}', which is no service"
        elif (
            isinstance(service["depends_on"], dict)
            and (service["depends_on"][other] or {}).get("condition") == "service_healthy"
            and "healthcheck" not in compose["services"][other]
        ):
            yield f"{where}: waits for the health of '{other}', which has no healthcheck"
    for volume in service.get("volumes", []):
        source = volume.get("source", "") if isinstance(volume, dict) else str(volume).split(":")[0]
        if source.startswith("."):
            if not (ROOT / source).exists():
                yield f"{where}: {source} does not exist"
        elif not source.startswith(("/", "$")) and source not in (compose.get("volumes") or {}):
            yield f"{where}: volume '{source}' is not declared"


def check_lab(services):
    for name, variables in LAB.items():
        if name not in services:
            yield f"services.{name} is missing (the lab has it)"
            continue
        for variable in variables:
            if variable not in names(services[name].get("environment")):
                yield f"services.{name}: no {variable} in its environment (the lab has it)"


def check_ports(services):
    taken = {}
    for name, service in services.items():
        for port in service.get("ports", []):
            if isinstance(port, dict):
                host = str(port.get("published", ""))
            else:
                parts = str(port).split(":")
                host = parts[-2] if len(parts) > 1 else ""
            if host and host in taken:
                yield f"services.{name}: host port {host} is already that of {taken[host]}"
            taken[host] = name


def merged(base, override):
    """What Compose makes of `-f base -f override`, as far as these checks look."""
    result = dict(base)
    for key, value in override.items():
        both = isinstance(value, dict) and isinstance(base.get(key), dict)
        result[key] = merged(base[key], value) if both else value
    return result


def check(path):
    compose = yaml.safe_load(path.read_text())
    if path.name != BASE:
        # A further file only says what is other than in the first.
        compose = merged(yaml.safe_load((ROOT / BASE).read_text()), compose)
    services = compose.get("services") or {}
    for name, service in services.items():
        yield from check_service(name, service, compose)
    yield from check_ports(services)
    yield from check_lab(services)


def main():
    if not (ROOT / BASE).is_file():
        print(f"{BASE} is missing", file=sys.stderr)
        return 1
    files = sorted(ROOT.glob("docker-compose*.y*ml"))
    problems = [f"{path.name}: {problem}" for path in files for problem in check(path)]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
