#!/usr/bin/env bash
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
"$ROOT/setup/install.sh"
say "Lint"
cd "$ROOT"
pre-commit run --all-files
