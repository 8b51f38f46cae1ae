// SPDX-License-Identifier: MPL-2.0
// Frames between bridges and the host, as native/shm/tables/TABLES.md has them. Pure; what comes in is trusted as little as
// anything that comes over a socket.
import { programLimits, RulingFrame, rulingWire } from '../gen/program.js';
import type { PolicyQuestion, PolicyRuling } from '../plugin/tables.js';

export interface AskedQuestion {
  question: PolicyQuestion;
  /** The bridge's own. */
  number: bigint;
  /** Questions that it has not asked since the one before. */
  dropped: number;
}

/** What is wrong with a frame; the connection is of no use any more. */
export class BadFrame extends Error {
  override name = 'BadFrame';
}

/**
 * Takes whole frames off the front of `bytes`.
 * @throws BadFrame
 */
export function takeQuestions(bytes: Buffer): { asked: AskedQuestion[]; rest: Buffer } {
  const asked: AskedQuestion[] = [];
  let at = 0;
  while (bytes.length - at >= 4) {
    const size = bytes.readUInt32LE(at);
    if (size <= rulingWire.questionHead || size > rulingWire.maxQuestion)
      throw new BadFrame(`a frame of ${size} bytes`);
    if (bytes.length - at < size) break;
    asked.push(question(bytes.subarray(at, at + size)));
    at += size;
  }
  return { asked, rest: at === 0 ? bytes : Buffer.from(bytes.subarray(at)) };
}

function question(frame: Buffer): AskedQuestion {
  const [kind, version, addressBytes, nameBytes] = frame.subarray(4, 8) as unknown as number[];
  if (kind !== RulingFrame.question || version !== rulingWire.rulingVersion)
    throw new BadFrame(`a frame of kind ${kind}, version ${version}`);
  if (addressBytes !== 0 && addressBytes !== 4 && addressBytes !== 16)
    throw new BadFrame(`an address of ${addressBytes} bytes`);
  const nameAt = rulingWire.questionHead + addressBytes;
  const name = Buffer.from(frame.subarray(nameAt));
  if (name.length !== nameBytes || !isName(name)) throw new BadFrame('no name');
  const roleSet = frame.readUInt16LE(24);
  if (roleSet >= programLimits.maxRoleSets) throw new BadFrame(`role set ${roleSet}`);
  return {
    number: frame.readBigUInt64LE(8),
    dropped: frame.readUInt32LE(28),
    question: {
      basis: frame.readBigUInt64LE(16),
      roleSet,
      type: frame.readUInt16LE(26),
      lists: bitsOf(frame.subarray(32, rulingWire.questionHead)),
      client: addressBytes === 0 ? undefined : Buffer.from(frame.subarray(rulingWire.questionHead, nameAt)),
      name,
    },
  };
}

function bitsOf(bytes: Buffer): number[] {
  const bits: number[] = [];
  bytes.forEach((byte, i) => {
    for (let bit = 0; bit < 8; bit++) if ((byte & (1 << bit)) !== 0) bits.push(i * 8 + bit);
  });
  return bits;
}

/** Whether it is a name in wire form, in lower case, with its root label and nothing behind it. */
function isName(wire: Buffer): boolean {
  if (wire.length === 0 || wire.length > programLimits.maxName) return false;
  let at = 0;
  for (let length = wire[at] as number; length !== 0; length = wire[at] as number) {
    if (length > 63) return false;
    if (wire.subarray(at + 1, at + 1 + length).some((byte) => byte >= 0x41 && byte <= 0x5a)) return false;
    at += 1 + length;
    if (at >= wire.length) return false;
  }
  return at === wire.length - 1;
}

/** The frame that answers a question; what no frame can hold is put off. */
export function rulingFrame(number: bigint, ruling: PolicyRuling): Buffer {
  const frame = Buffer.alloc(rulingWire.rulingBytes);
  frame.writeUInt32LE(rulingWire.rulingBytes, 0);
  frame.writeUInt8(RulingFrame.ruling, 4);
  frame.writeUInt8(rulingWire.rulingVersion, 5);
  frame.writeBigUInt64LE(number, 8);
  if ('again' in ruling) {
    frame.writeUInt32LE(Math.min(rulingWire.maxPutOff, Math.max(0, Math.ceil(ruling.again))), 32);
    return frame;
  }
  const from = Math.floor(ruling.from);
  const until = Math.min(Math.floor(ruling.until), from + rulingWire.maxRulingAge);
  if (until <= from) return frame;
  frame.writeUInt16LE(ruling.action, 6);
  frame.writeBigUInt64LE(BigInt(from), 16);
  frame.writeBigUInt64LE(BigInt(until), 24);
  return frame;
}
