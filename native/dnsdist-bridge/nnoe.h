/* SPDX-License-Identifier: MPL-2.0 */
/* Verdicts without dnsdist: what its bridge decides, one level below, for programs in C and for tests.
 * Functions of one handle may be called on any number of threads at a time, but for nnoe_close. Nothing is
 * kept of what is passed in. */
#ifndef NNOE_H
#define NNOE_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define NNOE_EXPORT __attribute__((visibility("default")))

typedef struct nnoe_handle nnoe_handle;

/* As in native/shm/tables/verdict.h, which gives the meaning of every number. */
typedef struct nnoe_verdict {
  uint8_t act;
  uint8_t reason;
  uint16_t action;   /* 0: allow */
  uint16_t role_set; /* 0: the default one */
  uint16_t list;     /* 0xffff: none decided */
  uint64_t generation;
} nnoe_verdict;

enum nnoe_result {
  NNOE_OK = 0,
  NNOE_NO_TABLES = 1,     /* there is no generation: what `fail` says */
  NNOE_BAD_ARGUMENT = -1, /* an address of neither 4 nor 16 bytes, a null pointer */
  NNOE_NO_MEMORY = -2,    /* also: no thread */
};

/* Follows the tables of `directory` (absolute) from now on. What the directory holds or lacks is no error:
 * nnoe_decide then says NNOE_NO_TABLES, until there is a generation. `decisions`: the directory for counters
 * and records, null for none; `sampling`: the share of decisions that are recorded, 0 to 1. When the result
 * is negative, `error` (of `error_bytes`, at least 1) holds one line, ended by a zero byte. */
NNOE_EXPORT int nnoe_open(const char* directory, const char* decisions, double sampling, nnoe_handle** handle,
                          char* error, size_t error_bytes);

/* `address`: 4 or 16 bytes in network order. `name`: in wire form, uncompressed, in any letter case, with its
 * root label; one that is malformed is on no list, and is decided as such. */
NNOE_EXPORT int nnoe_decide(nnoe_handle* handle, const uint8_t* address, size_t address_bytes,
                            const uint8_t* name, size_t name_bytes, uint16_t type, nnoe_verdict* verdict);

/* The same decision, told: JSON of one object, ended by a zero byte. Returns its bytes without that, also
 * when they are more than `json_bytes` allows and it was cut; or a negative nnoe_result. Slow; counted
 * nowhere. */
NNOE_EXPORT long nnoe_explain(nnoe_handle* handle, const uint8_t* address, size_t address_bytes,
                              const uint8_t* name, size_t name_bytes, uint16_t type, char* json,
                              size_t json_bytes);

/* The answer to `query` (a packet with one question) that an action of the generation in use asks for, as
 * dnsdist's clients get it; `tcp`: 0 or 1. Returns its bytes (at most 1232, which `out` has room for), or a
 * negative nnoe_result. */
NNOE_EXPORT long nnoe_answer(nnoe_handle* handle, uint16_t action, const uint8_t* query, size_t query_bytes,
                             int tcp, uint8_t* out);

/* Ends the handle's thread. Null is let pass. */
NNOE_EXPORT void nnoe_close(nnoe_handle* handle);

#ifdef __cplusplus
}
#endif

#endif
