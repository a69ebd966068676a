#!/usr/bin/env bash
# Wall seconds of the short commands, five times each: benchmarks/startup.sh
set -euo pipefail
for command in "python -c 'import kmcgrowth'" "kmcgrowth --help" "kmcgrowth check inas_continuous_injection"; do
    for _ in 1 2 3 4 5; do
        TIMEFORMAT="%R s  $command"
        time bash -c "$command" > /dev/null
    done
done
