// SPDX-License-Identifier: MPL-2.0
// libnnoe_dnsdist.so by its C interface (native/dnsdist-bridge/nnoe.h), without anything of ours in between.
import { join } from 'node:path';
import { close, DataType, load, open } from 'ffi-rs';
import { tree } from '../../test/daemons/lib/kea.js';

export const bridgeLibrary = join(tree, 'build', 'dnsdist-bridge', 'libnnoe_dnsdist.so');
const library = 'nnoe';

export interface Question {
  /** 4 or 16 bytes. */
  address: Buffer;
  /** Wire form. */
  name: Buffer;
  type: number;
}

export class BridgeLibrary {
  readonly #handle: bigint;

  /** Throws what nnoe_open says; decisions are recorded in `decisions`, a directory. */
  constructor(directory: string, decisions: string) {
    open({ library, path: bridgeLibrary });
    const handle = Buffer.alloc(8);
    const error = Buffer.alloc(256);
    const status = load({
      library,
      funcName: 'nnoe_open',
      retType: DataType.I32,
      paramsType: [
        {
          directory: DataType.String,
          decisions: DataType.String,
          sampling: DataType.U32,
          fail_closed: DataType.U32,
        },
        DataType.U8Array,
        DataType.U8Array,
        DataType.U64,
      ],
      paramsValue: [{ directory, decisions, sampling: 1, fail_closed: 1 }, handle, error, error.length],
    });
    if (status !== 0) throw new Error(error.toString('utf8', 0, error.indexOf(0)));
    this.#handle = handle.readBigUInt64LE();
  }

  /** Does nothing but to return a constant. */
  abi(): number {
    return load({ library, funcName: 'nnoe_abi', retType: DataType.U32, paramsType: [], paramsValue: [] });
  }

  /** The nnoe_verdict, 16 bytes. */
  decide({ address, name, type }: Question): Buffer {
    const verdict = Buffer.alloc(16);
    load({
      library,
      funcName: 'nnoe_decide',
      retType: DataType.I32,
      paramsType: [
        DataType.BigInt,
        DataType.U8Array,
        DataType.U32,
        DataType.U8Array,
        DataType.U32,
        DataType.U32,
        DataType.U8Array,
      ],
      paramsValue: [this.#handle, address, address.length, name, name.length, type, verdict],
    });
    return verdict;
  }

  close(): void {
    load({
      library,
      funcName: 'nnoe_close',
      retType: DataType.Void,
      paramsType: [DataType.BigInt],
      paramsValue: [this.#handle],
    });
    close(library);
  }
}
