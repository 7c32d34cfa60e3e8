"""Asks andon before each tool through OpenFeature. Usage: ask_openfeature.py URL AGENT TOOL… (pip: openfeature-provider-ofrep)

The code default is False: whatever goes wrong, from a typing error to an andon that does not answer, stops the agent.
"""

import os
import sys

from openfeature import api
from openfeature.contrib.provider.ofrep import OFREPProvider
from openfeature.evaluation_context import EvaluationContext

url, agent, *tools = sys.argv[1:]
token = os.environ.get("ANDON_TOKEN")  # andon token make bot --role agent --agent refund-bot
headers = {"Authorization": f"Bearer {token}"} if token else {}
api.set_provider(OFREPProvider(url, headers_factory=lambda: headers, timeout=0.25))
flags = api.get_client()

for tool in tools:
    context = EvaluationContext(targeting_key=agent, attributes={"tool": tool})
    told = flags.get_boolean_details("andon.allowed", False, context)
    if told.value:
        print(tool, "goes on")
    else:
        print(tool, "stopped:", told.flag_metadata.get("reason") or told.error_message)
