"""Asks andon.allowed through the OpenFeature SDK over and over, as an agent would before each step; prints each change.

Usage: openfeature_loop.py URL AGENT. The code default is false: an agent that hears nothing stops.
"""

import sys
import time

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

url, agent = sys.argv[1:]
api.set_provider(OFREPProvider(url, timeout=2.0))
client = api.get_client()
context = EvaluationContext(targeting_key=agent, attributes={"tool": "stripe.payout"})
last = None
while True:
    details = client.get_boolean_details("andon.allowed", False, context)
    mode = client.get_string_value("andon.mode", "halt", context)
    error = details.error_code.value if details.error_code else "-"
    reason = details.reason.value if details.reason else "-"
    now = (str(details.value).lower(), details.variant or "-", reason, error, mode)
    if now != last:
        print(*now, flush=True)
        last = now
    time.sleep(0.02)
