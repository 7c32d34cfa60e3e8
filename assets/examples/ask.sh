#!/bin/sh
# Asks andon before one tool with curl alone: exit 0 to go on, 1 to stop. Usage: ask.sh AGENT TOOL || exit
# Stops too when andon does not answer in time. ANDON_URL and ANDON_TOKEN as the andon command takes them.
answer=$(curl -s --max-time 0.25 "${ANDON_URL:-http://127.0.0.1:7420}/v1/interlock/check" \
    ${ANDON_TOKEN:+-H "Authorization: Bearer $ANDON_TOKEN"} \
    -H 'Content-Type: application/json' -d "{\"agent\": \"$1\", \"tool\": \"$2\"}")
case $answer in
    *'"decision":"allow"'*) exit 0 ;;
    *) echo "$2 stopped: ${answer:-andon does not answer}" >&2; exit 1 ;;
esac
