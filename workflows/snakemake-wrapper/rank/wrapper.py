__author__ = "The pertpipe authors"
__license__ = "MIT"

from snakemake.shell import shell

extra = snakemake.params.get("extra", "")
log = snakemake.log_fmt_shell(stdout=False, stderr=True)
memory = snakemake.resources.get("mem_mb", 0)
memory = f"--memory {max(int(memory) - 64, 16)}M" if memory else ""

shell(
    "(pertpipe rank --threads {snakemake.threads} {memory} --reference {snakemake.input.reference:q} {extra}"
    " {snakemake.input.targets:q} -o {snakemake.output[0]:q}) {log}"
)
