#!/usr/bin/env bash
# A real SMTP server, and certificates for it. Prints the interpreter to use.
exec "$(dirname "$0")/venv" python-aiosmtpd-1.4.6 'aiosmtpd==1.4.6' 'trustme==1.2.1'
