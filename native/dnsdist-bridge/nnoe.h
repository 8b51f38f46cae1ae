/* SPDX-License-Identifier: MPL-2.0 */
/* The verdict as a plain C interface of libnnoe_dnsdist.so: what dnsdist gets, for a harness, a test or
   another server. Nothing is thrown; every function may be called on any thread but nnoe_close. */
#ifndef NNOE_H
#define NNOE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NNOE_ABI 1 /* changes with every structure or meaning below */

typedef struct nnoe_handle nnoe_handle;

typedef struct {
  const char* directory; /* of the tables, absolute */
  const char* decisions; /* where counters, records and questions go, absolute; NULL: nowhere */
  uint32_t sampling;     /* one decision in so many is recorded; 0: none */
  uint32_t fail_closed;  /* 1: REFUSED while there are no tables; 0: allowed */
} nnoe_options;

typedef struct {
  uint8_t act;         /* 0 allow 1 drop 2 nxdomain 3 refused 4 nodata 5 truncate 6 redirect 7 pool */
  uint8_t reason;      /* 0 no tables 1 allow list 2 block list 3 policy 4 no policy 5 not planned
                          6 fallback 7 fallback not known 8 malformed name */
  uint16_t action;     /* number of the action in the generation */
  uint16_t role_set;   /* number of the client's role set */
  uint16_t list;       /* number of the list that decided; 0xffff: none */
  uint64_t generation; /* 0: no tables */
} nnoe_verdict;

uint32_t nnoe_abi(void);

/* 0 and a handle, or 1 and in `error` (of `error_bytes`, ended by a zero) why not. Tables that are missing or
   damaged are no error: they are read as soon as they are good. */
int nnoe_open(const nnoe_options* options, nnoe_handle** handle, char* error, size_t error_bytes);

/* `address`: 4 or 16 bytes in network order; `name`: wire form, uncompressed, with its root label. Copies
   nothing and keeps nothing; returns the act. */
int nnoe_decide(nnoe_handle* handle, const uint8_t* address, uint32_t address_bytes, const uint8_t* name,
                uint32_t name_bytes, uint16_t qtype, nnoe_verdict* verdict);

/* Generation that is decided by now; 0: none. */
uint64_t nnoe_generation(const nnoe_handle* handle);

/* When no other thread is inside nnoe_decide with this handle. */
void nnoe_close(nnoe_handle* handle);

#ifdef __cplusplus
}
#endif

#endif
