#!/bin/bash
# Starts nginx in the proxy's container: with the public door when there is a certificate.
set -euo pipefail
rm -f /tmp/tls-enabled.conf
if [ -r /etc/nginx/tls/fullchain.pem ] && [ -r /etc/nginx/tls/privkey.pem ]; then
  cp /etc/nginx/tls.conf /tmp/tls-enabled.conf
  echo "nginx: TLS on 8443" >&2
else
  echo "nginx: no certificate in /etc/nginx/tls, so no TLS door; http on 3000 only" >&2
fi
exec nginx -e stderr -g 'daemon off;'
