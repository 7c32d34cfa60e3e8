"""Asks andon before each call that LiteLLM's proxy passes on, and refuses what may not go on; also when nobody answers.

The agent is the alias of the virtual key that the caller came with: one key for each agent. Tools that the agent calls
itself are not seen here, only its calls of a model, as the tool `chat MODEL`: declared as class `read` in the agent's
inventory it may go on thinking under read-only. Written against LiteLLM 1.106.
"""

import os

import httpx
from fastapi import HTTPException
from litellm.integrations.custom_logger import CustomLogger

URL = os.environ.get("ANDON_URL", "http://127.0.0.1:7420")
TOKEN = os.environ.get("ANDON_TOKEN")  # andon token make litellm --role gateway


class Before(CustomLogger):
    def __init__(self):
        super().__init__()
        headers = {"Authorization": f"Bearer {TOKEN}"} if TOKEN else {}
        self.andon = httpx.AsyncClient(base_url=URL, headers=headers, timeout=0.25)

    async def async_pre_call_hook(self, user_api_key_dict, cache, data, call_type):
        asked = {"agent": user_api_key_dict.key_alias or "litellm", "tool": f"chat {data.get('model')}"}
        try:
            answer = (await self.andon.post("/v1/interlock/check", json=asked)).raise_for_status().json()
        except (httpx.HTTPError, ValueError) as why:
            raise HTTPException(503, f"andon does not answer, nothing may go on: {why!r}") from why
        if answer["decision"] != "allow":
            raise HTTPException(403, {"error": "stopped by andon", **answer})
        return data


before = Before()
