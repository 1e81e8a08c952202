/* SPDX-License-Identifier: Apache-2.0
 *
 * The C interface of RocksDB 7.8 (Debian: librocksdb-dev). Imported by TallyStore only. */
#include <rocksdb/c.h>
