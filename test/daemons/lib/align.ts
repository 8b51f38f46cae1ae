// SPDX-License-Identifier: MPL-2.0
// Pairs two ordered lists that should say the same.

export interface Alignment<A, B> {
  /** In `left` without a partner at its place in `right`, and the other way round. */
  onlyLeft: A[];
  onlyRight: B[];
  pairs: number;
}

/** At each difference it leaves out as few items as lets the lists go on together. */
export function align<A, B>(left: A[], right: B[], same: (a: A, b: B) => boolean): Alignment<A, B> {
  const result: Alignment<A, B> = { onlyLeft: [], onlyRight: [], pairs: 0 };
  let [i, j] = [0, 0];
  for (;;) {
    const [skipLeft, skipRight] = nextPair(left, right, i, j, same);
    result.onlyLeft.push(...left.slice(i, i + skipLeft));
    result.onlyRight.push(...right.slice(j, j + skipRight));
    i += skipLeft + 1;
    j += skipRight + 1;
    if (i > left.length || j > right.length) return result;
    result.pairs++;
  }
}

/** How many to leave out on each side before the next pair; everything, when there is none. */
function nextPair<A, B>(
  left: A[],
  right: B[],
  i: number,
  j: number,
  same: (a: A, b: B) => boolean,
): [number, number] {
  const reach = left.length - i + (right.length - j);
  for (let total = 0; total < reach - 1; total++) {
    for (let skip = 0; skip <= total; skip++) {
      const a = left[i + skip];
      const b = right[j + total - skip];
      if (a !== undefined && b !== undefined && same(a, b)) return [skip, total - skip];
    }
  }
  return [left.length - i, right.length - j];
}
