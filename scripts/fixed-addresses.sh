#!/usr/bin/env bash
# Runs a command with address randomisation off, where that is allowed: ThreadSanitizer of older
# compilers does not start on kernels that randomise more bits than it expects.
set -euo pipefail
if command -v setarch >/dev/null && setarch "$(uname -m)" -R true 2>/dev/null; then
    exec setarch "$(uname -m)" -R "$@"
fi
exec "$@"
