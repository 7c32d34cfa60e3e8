#!/bin/sh
# Asks andon before one tool with curl alone: exit 0 to go on, 1 to stop. Usage: ask.sh AGENT TOOL [INPUT-AS-JSON] || exit
# Waits where a person decides; stops too when andon does not answer in time. ANDON_URL and ANDON_TOKEN as for andon.
url=${ANDON_URL:-http://127.0.0.1:7420}
andon() { curl -s ${ANDON_TOKEN:+-H "Authorization: Bearer $ANDON_TOKEN"} -H 'Content-Type: application/json' "$@"; }
check() {
    andon --max-time 0.25 "$url/v1/interlock/check" \
        -d "{\"agent\": \"$1\", \"tool\": \"$2\", \"input\": ${3:-null}, \"hold\": ${4:-null}}"
}

answer=$(check "$1" "$2" "$3")
hold=$(echo "$answer" | sed -n 's/.*"decision":"hold".*"hold":"\(HOLD-[0-9]*\)".*/\1/p')
if [ -n "$hold" ]; then
    echo "$2 waits for a person: $hold" >&2
    # Who gives up says so, and is never let through later.
    trap 'andon -X DELETE "$url/v1/holds/$hold" >/dev/null; exit 1' INT TERM
    while andon --max-time 30 "$url/v1/holds/$hold?wait_s=25" | grep -q '"state":"waiting"'; do :; done
    answer=$(check "$1" "$2" "$3" "\"$hold\"")
fi
case $answer in
    *'"decision":"allow"'*) exit 0 ;;
    *) echo "$2 stopped: ${answer:-andon does not answer}" >&2; exit 1 ;;
esac
