// nextflow run main.nf --input screen.h5ad --control NT --split_by replicate
include { PERTPIPE_SCORES } from './modules/pertpipe/scores/main'

params.input = null
params.obs = null
params.control = null
params.split_by = ''

workflow {
    main:
    def obs = params.obs ? file(params.obs, checkIfExists: true) : []
    PERTPIPE_SCORES(
        channel.of([[id: file(params.input).simpleName], file(params.input, checkIfExists: true), obs]),
        params.control,
        params.split_by
    )
    PERTPIPE_SCORES.out.scores.view { meta, table -> "${meta.id}: ${table}" }
}
