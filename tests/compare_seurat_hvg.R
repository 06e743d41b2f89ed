# compare_seurat_hvg.R DIR VAR.tsv N: the genes that hvg marked in the 10x folder DIR, in their order, against Seurat's vst.
suppressMessages({ library(Matrix); library(Seurat) })
given <- commandArgs(TRUE)
counts <- as(readMM(gzfile(file.path(given[1], "matrix.mtx.gz"))), "CsparseMatrix")
ours <- read.delim(given[2], quote = "")
rownames(counts) <- ours[[1]]
colnames(counts) <- readLines(gzfile(file.path(given[1], "barcodes.tsv.gz")))
screen <- FindVariableFeatures(CreateAssayObject(counts), nfeatures = as.integer(given[3]), verbose = FALSE)
marked <- ours[ours$highly_variable == "True", ]
marked <- marked[order(marked$highly_variable_rank), ]
stopifnot(nrow(marked) == as.integer(given[3]), identical(as.character(marked[[1]]), VariableFeatures(screen)))
info <- HVFInfo(screen, selection.method = "vst")
stopifnot(max(abs(ours$variances / info$variance - 1)) < 1e-10,
	  max(abs(ours$variances_norm / info$variance.standardized - 1)) < 1e-10)
cat("the same genes in the same order\n")
