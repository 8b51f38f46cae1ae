-- SPDX-License-Identifier: MPL-2.0
-- Beside dnsdist.yml: dnsdist 2 reads it first, so that options are checked and tables loaded before the first query.
dofile("/usr/share/nnoe/nnoe.lua")({ directory = "/var/lib/nnoe/tables", fail = "open" })
