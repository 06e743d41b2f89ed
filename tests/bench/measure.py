"""measure.py OUTPUT COMMAND: runs a shell command and prints wall seconds, CPU seconds of all its processes, the peak
memory of the largest one in MiB and the bytes of OUTPUT (- for none), with tabs between."""
import os, resource, subprocess, sys, time

output, command = sys.argv[1:]
begin = time.perf_counter()
status = subprocess.run(["bash", "-o", "pipefail", "-c", command], stdin=subprocess.DEVNULL).returncode
wall = time.perf_counter() - begin
used = resource.getrusage(resource.RUSAGE_CHILDREN)
if status:
    sys.exit(f"status {status}: {command}")
size = os.path.getsize(output) if os.path.exists(output) else "-"
print(f"{wall:.2f}\t{used.ru_utime + used.ru_stime:.2f}\t{used.ru_maxrss / 1024:.0f}\t{size}")
