"""Reads Incident Findings, one a line, and prints every name that OCSF 1.7.0 does not have there, and every one that it asks
for and that is not there, as its schema's published models have them."""

import importlib
import json
import sys


def model(path):
    module, name = path.rsplit(".", 1)
    return getattr(importlib.import_module(f"ocsf.v1_7_0.{module}"), name)


EVENT = {
    "": model("events.incident_finding.IncidentFinding"),
    "metadata": model("objects.metadata.Metadata"),
    "metadata.product": model("objects.product.Product"),
    "finding_info_list": model("objects.finding_info.FindingInfo"),
    "finding_info_list.analytic": model("objects.analytic.Analytic"),
    "assignee": model("objects.user.User"),
    "assignee_group": model("objects.group.Group"),
}


def look(value, path, wrong):
    if isinstance(value, list):
        for item in value:
            look(item, path, wrong)
    if not isinstance(value, dict) or path == "unmapped":
        return
    fields = {(field.alias or name).rstrip("_"): field for name, field in EVENT[path].model_fields.items()}
    wrong.extend(f"{path}: no {name}" for name in value if name not in fields)
    wrong.extend(f"{path}: wants {name}" for name, field in fields.items() if field.is_required() and name not in value)
    for name, inner in value.items():
        look(inner, f"{path}.{name}".lstrip("."), wrong)


found = []
for line in sys.stdin:
    look(json.loads(line), "", found)
print(json.dumps(sorted(set(found))))
