#!/bin/sh
# Opens the tunnel only with a token and with a user and password that nobody can guess: behind it are shells on this machine.
set -eu
refuse() { echo "ngrok: refused: $1" >&2; exit 78; }

token=${NGROK_AUTHTOKEN:-} login=${NGROK_BASIC_AUTH:-}
[ -n "$token" ] || refuse "NGROK_AUTHTOKEN is not set; it is on your ngrok dashboard"
[ ${#token} -ge 20 ] || refuse "NGROK_AUTHTOKEN is no ngrok token: they have 20 and more characters"
case $(printf %s "$token" | tr '[:upper:]' '[:lower:]') in
  *your*token*|*changeme*|*change-me*|*example*|*xxxxx*) refuse "NGROK_AUTHTOKEN is the text of an example" ;;
esac
[ -n "$login" ] || refuse "NGROK_BASIC_AUTH is not set; for example NGROK_BASIC_AUTH=anna:\$(openssl rand -base64 18)"
case $login in *:*) ;; *) refuse "NGROK_BASIC_AUTH must be user:password" ;; esac
password=${login#*:}
[ ${#password} -ge 16 ] || refuse "the password in NGROK_BASIC_AUTH is too short: 16 characters and more, from openssl rand -base64 18"
case $(printf %s "$password" | tr '[:upper:]' '[:lower:]') in
  *password*|*changeme*|*change-me*|*change_me*|*secret*|*example*|*dashboard*|*claude*|*admin*|*12345*|*qwerty*|*letmein*) refuse "the password in NGROK_BASIC_AUTH can be guessed: it has a common word in it" ;;
esac
different=$(printf %s "$password" | fold -w1 | sort -u | wc -l)
[ "$different" -ge 8 ] || refuse "the password in NGROK_BASIC_AUTH has only $different different characters"

set -- http --basic-auth "$login" --host-header=preserve --log stdout
[ -z "${NGROK_DOMAIN:-}" ] || set -- "$@" --domain "$NGROK_DOMAIN"
exec "${NGROK_PROGRAM:-ngrok}" "$@" nginx:3000
