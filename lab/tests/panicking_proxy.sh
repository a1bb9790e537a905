#!/bin/sh
# Says that it listens, which it does not, and what stands in the file beside the link that starts it.
cat "$0.log" >&2
echo "proxy listening on http://127.0.0.1:1"
exec sleep 60
