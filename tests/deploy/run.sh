#!/usr/bin/env bash
# Checks what deploy/ holds beside scripts, each with the tool that would read it, where that tool is installed: YAML and JSON
# (python3), alerts (promtool, of Debian's package prometheus), the service (systemd-analyze), Kubernetes (kubectl), shells
# (shellcheck). Says what it could not check; fails on what is wrong.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
has() { command -v "$1" >/dev/null || { echo "skipped   $2: $1 is not installed"; return 1; }; }

check() {
  local what=$1
  shift
  if "$@" >"$work/out" 2>&1; then
    echo "ok        $what"
  else
    echo "FAILED    $what"
    cat "$work/out"
    failed=1
  fi
}

scripts=(deploy/*.sh deploy/package/ask-http tests/*/run.sh tests/deploy/bare_debian.sh actors/http/page/bundle.sh)
package_scripts=(deploy/package/{postinst,prerm,postrm})

parse_scripts() {
  local script
  for script in "${scripts[@]}"; do bash -n "$script" || return; done
  for script in "${package_scripts[@]}"; do sh -n "$script" || return; done
}

check "scripts" parse_scripts
if has shellcheck "scripts, by shellcheck"; then
  check "scripts, by shellcheck" shellcheck -x -S warning "${scripts[@]}" "${package_scripts[@]}"
fi

if has python3 "grafana.json"; then
  check "grafana.json" python3 - <<'PYTHON'
import json
board = json.load(open("deploy/grafana.json"))
panels = [p for p in board["panels"] if p["type"] != "row"]
assert panels and len({p["id"] for p in board["panels"]}) == len(board["panels"]), "ids repeat"
for p in panels:
    assert p["targets"] and all(t["expr"] for t in p["targets"]), p["title"]
    g = p["gridPos"]
    assert g["x"] + g["w"] <= 24, p["title"]
PYTHON
  if python3 -c 'import yaml' 2>/dev/null; then
    check "YAML" python3 -c 'import glob, yaml
for f in ["deploy/compose.yaml", "deploy/alerts.yml", "deploy/prometheus.yml", *glob.glob("deploy/kubernetes/*.yaml")]: list(yaml.safe_load_all(open(f)))'
  else
    echo "skipped   YAML: python3-yaml is not installed"
  fi
fi

if has openapi-spec-validator "openapi.yaml"; then check "openapi.yaml" openapi-spec-validator actors/http/openapi.yaml; fi

# What panels ask for, as rules: promtool reads no dashboards.
panels_as_rules() {
  python3 - >"$work/panels.yml" <<'PYTHON'
import json
board = json.load(open("deploy/grafana.json"))
asked = [t["expr"] for p in board["panels"] for t in p.get("targets", [])]
asked += [a["expr"] for a in board["annotations"]["list"]]
for name, value in {"$__rate_interval": "5m", "$job": "aicache", "$instance": ".*"}.items():
    asked = [e.replace(name, value) for e in asked]
rules = [{"record": f"panel:{i}", "expr": e} for i, e in enumerate(asked)]
print(json.dumps({"groups": [{"name": "panels", "rules": rules}]}))
PYTHON
  promtool check rules "$work/panels.yml"
}

if has promtool "alerts"; then
  check "alerts" promtool check rules deploy/alerts.yml
  check "what makes alerts speak" promtool test rules tests/deploy/alerts_test.yml
  check "what panels ask for" panels_as_rules
  check "prometheus.yml" promtool check config deploy/prometheus.yml
fi

if has systemd-analyze "the service"; then
  # A program of that name need not be installed here.
  sed 's|/usr/bin/aicached|/bin/true|' deploy/aicache.service >"$work/aicached.service"
  check "the service" systemd-analyze verify --man=no "$work/aicached.service"
fi

if has kubectl "Kubernetes"; then check "Kubernetes" kubectl kustomize deploy/kubernetes; fi

# A registry's own reader of Dockerfiles may need the network; what is wrong in the build is found by building.
if docker info >/dev/null 2>&1; then
  check "Dockerfile" docker build --check -f deploy/Dockerfile .
else
  echo "skipped   Dockerfile: there is no Docker here"
fi
exit "$failed"
