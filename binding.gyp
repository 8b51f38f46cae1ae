# SPDX-License-Identifier: MPL-2.0
# Builds the addon alone, for people with node-gyp and no cmake: the sources of CMakeLists.txt, by name.
{
  "targets": [
    {
      "target_name": "nnoe_native",
      "sources": [
        "native/addon/journal.cc",
        "native/addon/module.cc",
        "native/addon/notify.cc",
        "native/addon/reader.cc",
        "native/addon/signal.cc",
        "native/shm/consumer.cc",
        "native/shm/crc32c.cc",
        "native/shm/cursors.cc",
        "native/shm/files.cc",
        "native/shm/gap.cc",
        "native/shm/producer.cc",
        "native/shm/reader.cc",
        "native/shm/recovery.cc",
        "native/shm/scan.cc",
        "native/shm/segment.cc",
        "native/shm/set_aside.cc",
        "native/shm/tables/actions.cc",
        "native/shm/tables/bytes.cc",
        "native/shm/tables/client_delta.cc",
        "native/shm/tables/client_store.cc",
        "native/shm/tables/decision_reader.cc",
        "native/shm/tables/decision_slot.cc",
        "native/shm/tables/decision_writer.cc",
        "native/shm/tables/epochs.cc",
        "native/shm/tables/explain.cc",
        "native/shm/tables/files.cc",
        "native/shm/tables/generation.cc",
        "native/shm/tables/hosts.cc",
        "native/shm/tables/list_detect.cc",
        "native/shm/tables/list_file.cc",
        "native/shm/tables/list_load.cc",
        "native/shm/tables/list_name.cc",
        "native/shm/tables/list_punycode.cc",
        "native/shm/tables/list_rows.cc",
        "native/shm/tables/list_zone.cc",
        "native/shm/tables/memory.cc",
        "native/shm/tables/names_builder.cc",
        "native/shm/tables/names_check.cc",
        "native/shm/tables/poptrie.cc",
        "native/shm/tables/poptrie_builder.cc",
        "native/shm/tables/prefixes.cc",
        "native/shm/tables/program.cc",
        "native/shm/tables/program_asked.cc",
        "native/shm/tables/program_check.cc",
        "native/shm/tables/program_text.cc",
        "native/shm/tables/publisher.cc",
        "native/shm/tables/registry.cc",
        "native/shm/tables/subscriptions.cc",
        "native/shm/tail.cc",
        "native/shm/writer.cc",
        "native/shm/writer_segments.cc"
      ],
      "include_dirs": [
        "native",
        "<!(node -p \"require('node-addon-api').include_dir\")"
      ],
      "defines": ["NAPI_VERSION=8", "NODE_ADDON_API_CPP_EXCEPTIONS", "NDEBUG"],
      "cflags_cc!": ["-fno-exceptions", "-fno-rtti", "-std=gnu++17"],
      "cflags_cc": ["-std=c++17", "-O2", "-Wall", "-Wextra", "-Werror", "-fexceptions", "-fvisibility=hidden"]
    }
  ]
}
