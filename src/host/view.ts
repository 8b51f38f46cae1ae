// SPDX-License-Identifier: MPL-2.0
// Buffers that look at a part of another one's memory. `subarray` takes 130 ns for one, which was most of decoding an event;
// the class that it makes them of in the end, which Buffer names as its species, takes 55.
type View = new (memory: ArrayBufferLike, offset: number, length: number) => Buffer;

/** `new View(buffer.buffer, buffer.byteOffset + start, length)` is `buffer.subarray(start, start + length)`. */
export const View = (Buffer as unknown as { [Symbol.species]: View })[Symbol.species];
