#include "connect/network.h"
#include <float.h>
#define real float
#define REAL(name) name##_f32
#define GEMM cblas_sgemm
#define TINY FLT_EPSILON
#include "connect/network_body.h"
