// SPDX-License-Identifier: MPL-2.0
#include "dnsdist-bridge/ruling_frames.h"

namespace nnoe::bridge {

using tables::kRulingBytes;
using tables::kRulingVersion;
using tables::QuestionHead;
using tables::RulingFrame;
using tables::RulingHead;

void put_question(std::vector<uint8_t>& out, const RulingQuestion& question, uint64_t number,
                  uint32_t dropped) {
  QuestionHead head{};
  head.bytes = static_cast<uint32_t>(sizeof head) + question.address_bytes + question.name_bytes;
  head.kind = static_cast<uint8_t>(RulingFrame::kQuestion);
  head.version = kRulingVersion;
  head.address_bytes = question.address_bytes;
  head.name_bytes = question.name_bytes;
  head.number = number;
  head.basis = question.basis;
  head.role_set = question.role_set;
  head.type = question.type;
  head.dropped = dropped;
  static_assert(sizeof head.lists == sizeof question.lists);
  std::memcpy(head.lists, question.lists, sizeof head.lists);
  const auto* bytes = reinterpret_cast<const uint8_t*>(&head);
  out.insert(out.end(), bytes, bytes + sizeof head);
  out.insert(out.end(), question.address, question.address + question.address_bytes);
  out.insert(out.end(), question.name, question.name + question.name_bytes);
}

Frame take_ruling(const uint8_t* data, size_t size, Ruling& ruling) noexcept {
  RulingHead head{};
  // A size that is wrong is known as soon as it is there.
  if (size < sizeof head.bytes) return Frame::kPart;
  std::memcpy(&head.bytes, data, sizeof head.bytes);
  if (head.bytes != kRulingBytes) return Frame::kBad;
  if (size < kRulingBytes) return Frame::kPart;
  std::memcpy(&head, data, sizeof head);
  if (head.kind != static_cast<uint8_t>(RulingFrame::kRuling) || head.version != kRulingVersion)
    return Frame::kBad;
  if (head.zero != 0 || head.action >= tables::kMaxActions) return Frame::kBad;
  if (head.until_ms == 0) {
    if (head.from_ms != 0 || head.action != 0 || head.again_ms > tables::kMaxPutOff) return Frame::kBad;
  } else if (head.from_ms >= head.until_ms || head.until_ms - head.from_ms > tables::kMaxRulingAge ||
             head.until_ms >> 48 != 0 || head.again_ms != 0) {
    return Frame::kBad;
  }
  ruling = {head.number, head.from_ms, head.until_ms, head.again_ms, head.action};
  return Frame::kWhole;
}

}  // namespace nnoe::bridge
