__author__ = "The pertpipe authors"
__license__ = "MIT"

from shlex import quote

from snakemake.shell import shell

extra = snakemake.params.get("extra", "")
log = snakemake.log_fmt_shell(stdout=False, stderr=True)
output = snakemake.output[0]

markers = snakemake.input.get("markers", "")
markers = f"--markers {quote(markers)}" if markers else ""
split_by = snakemake.params.get("split_by", "")
split_by = f"--split-by {quote(split_by)}" if split_by else ""
memory = snakemake.resources.get("mem_mb", 0)
memory = f"--memory {max(int(memory) - 64, 16)}M" if memory else ""
control = quote(snakemake.params.control)
to = f"| pertpipe pmx-view --obs -o {quote(output)}" if output.endswith(".tsv") else f"-o {quote(output)}"

shell(
    "(pertpipe mixscale --threads {snakemake.threads} {memory} --control {control} {split_by} {markers} {extra}"
    " {snakemake.input.signature:q} {to}) {log}"
)
