#!/bin/sh
# Says that it listens, which it does not, and complains: of what stands beside the link that it is started by.
cat "$0.log" >&2
echo "proxy listening on http://127.0.0.1:1"
exec sleep 60
