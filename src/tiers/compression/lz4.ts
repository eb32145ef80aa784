// The LZ4 block format, both ways, in JavaScript: short values are done before a call into WebAssembly has copied them. The decoder believes nothing: every
// length and offset is checked against the bytes that are there. Touches the bytes it is given, and one table of its own.

const LEAST_MATCH = 4
/** The format ends with at least so many literals, and no match begins within so many bytes of the end. */
const LAST_LITERALS = 5
const NO_MATCH_WITHIN = 12
const MOST_OFFSET = 65_535
const TABLE_BITS = 13
/** How soon the search gives up on what does not compress: it skips one more byte after so many failures. */
const SKIP_BITS = 6

/** Places in the input, plus the base of this call: entries of earlier calls lie below it, so that the table need not be cleared. */
const table = new Int32Array(2 ** TABLE_BITS)
let base = 0

/** A bound on what `compressBlock` writes. */
export const worstCase = (bytes: number): number => bytes + Math.ceil(bytes / 255) + 16

/** Writes the block to `target`; its length, or −1 when it would not fit. Compresses about 200 MB/s. */
export function compressBlock(source: Uint8Array, target: Uint8Array): number {
  const end = source.length
  if (base > 2 ** 30 - end) {
    table.fill(0)
    base = 0
  }
  // Place 0 of this call is base + 1, so that nothing is mistaken for it.
  const first = base + 1
  base += end + 1
  const lastMatch = end - NO_MATCH_WITHIN
  let literals = 0
  let at = 0
  let out = 0
  let failures = 1 << SKIP_BITS
  while (at < lastMatch) {
    const word = load32(source, at)
    const slot = Math.imul(word, -1640531535) >>> (32 - TABLE_BITS)
    const candidate = (table[slot] as number) - first
    table[slot] = at + first
    if (candidate < 0 || at - candidate > MOST_OFFSET || load32(source, candidate) !== word) {
      at += failures++ >>> SKIP_BITS
      continue
    }
    failures = 1 << SKIP_BITS
    let from = candidate
    while (at > literals && from > 0 && source[at - 1] === source[from - 1]) {
      at--
      from--
    }
    let length = LEAST_MATCH
    const most = end - LAST_LITERALS - at
    while (length < most && source[at + length] === source[from + length]) length++
    out = writeSequence(source, literals, at, target, out, at - from, length)
    if (out < 0) return -1
    at += length
    literals = at
  }
  return writeSequence(source, literals, end, target, out, 0, 0)
}

/** Literals and the match behind them; the last one (offset 0) has none. Where the target goes on, or −1. */
function writeSequence(
  source: Uint8Array,
  from: number,
  to: number,
  target: Uint8Array,
  out: number,
  offset: number,
  length: number,
): number {
  const literals = to - from
  const extra = offset === 0 ? 0 : length - LEAST_MATCH
  if (out + 1 + lengthBytes(literals) + literals + (offset === 0 ? 0 : 2 + lengthBytes(extra)) > target.length)
    return -1
  target[out++] = (Math.min(literals, 15) << 4) | Math.min(extra, 15)
  let at = writeLength(target, out, literals)
  if (literals < 32) for (let n = from; n < to; n++) target[at++] = source[n] as number
  else {
    target.set(source.subarray(from, to), at)
    at += literals
  }
  if (offset === 0) return at
  target[at++] = offset & 255
  target[at++] = offset >>> 8
  return writeLength(target, at, extra)
}

const lengthBytes = (length: number): number => (length < 15 ? 0 : Math.floor((length - 15) / 255) + 1)

function writeLength(target: Uint8Array, out: number, length: number): number {
  if (length < 15) return out
  let left = length - 15
  let at = out
  while (left >= 255) {
    target[at++] = 255
    left -= 255
  }
  target[at++] = left
  return at
}

function load32(bytes: Uint8Array, at: number): number {
  return (
    (bytes[at] as number) |
    ((bytes[at + 1] as number) << 8) |
    ((bytes[at + 2] as number) << 16) |
    ((bytes[at + 3] as number) << 24)
  )
}

/** Whether the block decodes to exactly `target.length` bytes, which then stand there. Anything else is false; nothing is read or written out of bounds. */
export function decompressBlock(source: Uint8Array, target: Uint8Array): boolean {
  let at = 0
  let out = 0
  while (at < source.length) {
    const token = source[at++] as number
    let literals = token >>> 4
    if (literals === 15) {
      let more = 255
      while (more === 255) {
        if (at >= source.length) return false
        more = source[at++] as number
        literals += more
      }
    }
    if (literals > source.length - at || literals > target.length - out) return false
    if (literals < 32) for (let n = 0; n < literals; n++) target[out++] = source[at++] as number
    else {
      target.set(source.subarray(at, at + literals), out)
      at += literals
      out += literals
    }
    // The last sequence has literals alone.
    if (at === source.length) return out === target.length
    if (source.length - at < 2) return false
    const offset = (source[at] as number) | ((source[at + 1] as number) << 8)
    at += 2
    if (offset === 0 || offset > out) return false
    let length = token & 15
    if (length === 15) {
      let more = 255
      while (more === 255) {
        if (at >= source.length) return false
        more = source[at++] as number
        length += more
      }
    }
    length += LEAST_MATCH
    if (length > target.length - out) return false
    if (offset >= length && length >= 32) {
      target.copyWithin(out, out - offset, out - offset + length)
      out += length
    } else {
      // It may run into what it writes: byte by byte.
      for (let n = 0; n < length; n++, out++) target[out] = target[out - offset] as number
    }
  }
  return false
}
