"""Counts a log of aicache-load again, by its own rules: one JSON object with what a node and the load should have said.

recount.py LOG
"""
import json
import math
import sys

HITS = ("hot", "warm", "shared", "parked")
CLASSES = (("small", 500), ("medium", 5_000), ("large", 50_000), ("xlarge", math.inf))
AMOUNTS = ("input_tokens", "output_tokens", "model_ms")


def text_class(code_points):
    return next(name for name, bound in CLASSES if code_points < bound)


def nearest_rank(ascending, share):
    return ascending[max(1, math.ceil(share * len(ascending))) - 1]


def percentiles(values):
    ascending = sorted(values)
    ranks = (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("p999", 0.999), ("max", 1))
    return {name: nearest_rank(ascending, share) / 1000 for name, share in ranks}


def count_get(group, get):
    hit = get["outcome"] in HITS
    group["answered"] = group.get("answered", 0) + 1
    group["hits"] = group.get("hits", 0) + hit
    group["misses"] = group.get("misses", 0) + (get["outcome"] == "miss")


def count_saving(group, get):
    group["calls"] = group.get("calls", 0) + 1
    for amount in AMOUNTS:
        group[amount] = group.get(amount, 0) + get[amount]


def main(path):
    total, operations, texts = {}, {}, {name: {} for name, _ in CLASSES}
    ledger = {"total": {}, "by_tenant": {}, "by_operation": {}, "by_model": {}}
    by_tier = {tier: {} for tier in HITS}
    latencies, miss_latencies, others = [], [], 0
    with open(path, encoding="utf-8") as log:
        for get in map(json.loads, log):
            if get["last"]:
                latencies.append(get["ns"])
                if get["outcome"] == "miss":
                    miss_latencies.append(get["ns"])
            if get["outcome"] not in HITS + ("miss",):
                others += 1
                continue
            for group in (total, operations.setdefault(get["operation"], {}), texts[text_class(get["code_points"])]):
                count_get(group, get)
            if get["outcome"] == "miss":
                continue
            count_saving(ledger["total"], get)
            count_saving(by_tier[get["outcome"]], get)
            for name in ("tenant", "operation", "model"):
                count_saving(ledger["by_" + name].setdefault(get[name], {}), get)
    print(json.dumps({
        "total": total, "operations": operations, "text_tiers": texts, "ledger": ledger, "by_tier": by_tier,
        "others": others, "requests": len(latencies),
        "latency_us": percentiles(latencies), "miss_latency_us": percentiles(miss_latencies)}))


main(sys.argv[1])
