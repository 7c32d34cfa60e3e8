"""Reads an OpenAPI document, then answers to its operations, one JSON value a line; prints what the document gets wrong, and
where an answer is not what it says."""

import json
import sys

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

document = json.loads(sys.stdin.readline())
for wrong in OpenAPIV31SpecValidator(document).iter_errors():
    print(f"the document: {wrong.message} at {'/'.join(map(str, wrong.absolute_path))}")

for line in sys.stdin:
    given = json.loads(line)
    answered = document["paths"][given["path"]][given["method"]]["responses"]["200"]
    schema = answered["content"]["application/json"]["schema"]
    whole = {**schema, "components": document["components"]}
    for wrong in Draft202012Validator(whole).iter_errors(given["answer"]):
        print(f"{given['method']} {given['path']}: {wrong.message} at {'/'.join(map(str, wrong.absolute_path))}")
