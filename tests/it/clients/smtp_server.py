"""A real SMTP server: says its port, then each message that it takes or refuses as a line of JSON.

smtp_server.py plain|starttls|tls CA_FILE USER PASSWORD ANSWER…: the answers to messages by turn, the last for all that
follow; "hang" answers nothing. An empty USER lets everybody in.
"""

import asyncio
import json
import sys

import trustme
from aiosmtpd.smtp import SMTP, AuthResult

mode, ca_file, user, password, *answers = sys.argv[1:]
turn = 0


def say(what):
    print(json.dumps(what), flush=True)


class Handler:
    async def handle_DATA(self, server, session, envelope):
        global turn
        answer = answers[min(turn, len(answers) - 1)]
        turn += 1
        say({
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "text": envelope.content.decode("utf-8", "replace"),
            "tls": session.ssl is not None or mode == "tls",
            "answer": answer,
        })
        if answer == "hang":
            await asyncio.sleep(3600)
        return answer


def let_in(server, session, envelope, mechanism, data):
    known = data.login.decode() == user and data.password.decode() == password
    return AuthResult(success=known, auth_data=data.login)


async def main():
    context = None
    if mode != "plain":
        authority = trustme.CA()
        authority.cert_pem.write_to_path(ca_file)
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)

    def protocol():
        auth = {"authenticator": let_in, "auth_required": True, "auth_require_tls": mode == "starttls"} if user else {}
        tls = {"tls_context": context, "require_starttls": True} if mode == "starttls" else {}
        return SMTP(Handler(), hostname="localhost", enable_SMTPUTF8=True, **auth, **tls)

    loop = asyncio.get_running_loop()
    server = await loop.create_server(protocol, "127.0.0.1", 0, ssl=context if mode == "tls" else None)
    say({"port": server.sockets[0].getsockname()[1]})
    await server.serve_forever()


asyncio.run(main())
