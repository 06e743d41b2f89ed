/*
 * Types of number that outside files hold, and one value of such an array.
 */
#ifndef FORMATS_NUMBER_H
#define FORMATS_NUMBER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum number { NUMBER_I8, NUMBER_U8, NUMBER_I16, NUMBER_U16, NUMBER_I32, NUMBER_U32, NUMBER_I64, NUMBER_U64, NUMBER_F32, NUMBER_F64 };

static inline size_t number_size(enum number type)
{
	static const size_t size[] = { 1, 1, 2, 2, 4, 4, 8, 8, 4, 8 };
	return size[type];
}

static inline bool number_is_float(enum number type)
{
	return type >= NUMBER_F32;
}

/* Exact but for 64-bit integers beyond 2^53. */
static inline double number_f64(enum number type, const void *p, size_t i)
{
	switch (type) {
	case NUMBER_I8: return ((const int8_t *)p)[i];
	case NUMBER_U8: return ((const uint8_t *)p)[i];
	case NUMBER_I16: return ((const int16_t *)p)[i];
	case NUMBER_U16: return ((const uint16_t *)p)[i];
	case NUMBER_I32: return ((const int32_t *)p)[i];
	case NUMBER_U32: return ((const uint32_t *)p)[i];
	case NUMBER_I64: return (double)((const int64_t *)p)[i];
	case NUMBER_U64: return (double)((const uint64_t *)p)[i];
	case NUMBER_F32: return (double)((const float *)p)[i];
	default: return ((const double *)p)[i];
	}
}

/* Integer types only; an unsigned value beyond INT64_MAX comes out negative. */
static inline int64_t number_i64(enum number type, const void *p, size_t i)
{
	switch (type) {
	case NUMBER_I8: return ((const int8_t *)p)[i];
	case NUMBER_U8: return ((const uint8_t *)p)[i];
	case NUMBER_I16: return ((const int16_t *)p)[i];
	case NUMBER_U16: return ((const uint16_t *)p)[i];
	case NUMBER_I32: return ((const int32_t *)p)[i];
	case NUMBER_U32: return ((const uint32_t *)p)[i];
	case NUMBER_I64: return ((const int64_t *)p)[i];
	default: return (int64_t)((const uint64_t *)p)[i];
	}
}

#endif
