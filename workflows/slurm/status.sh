#!/usr/bin/env bash
# status.sh JOB: running, success or failed, for Snakemake 7. Asks the controller, and the accounts where it has forgotten the job.
state=$(scontrol -o show job "$1" 2>/dev/null | sed -n 's/.*JobState=\([A-Z_]*\).*/\1/p' | head -n 1)
[ -n "$state" ] || state=$(sacct -j "$1" --format State --noheader 2>/dev/null | head -n 1 | tr -d ' +')
case $state in
COMPLETED) echo success ;;
BOOT_FAIL | CANCELLED* | DEADLINE | FAILED | NODE_FAIL | OUT_OF_MEMORY | PREEMPTED | REVOKED | TIMEOUT) echo failed ;;
*) echo running ;;
esac
