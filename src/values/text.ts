// Strings to bytes and back for structured values: ASCII, UTF-8 or UTF-16, whichever keeps the string and is short.
// Touches the given buffers and a bounded table of this thread that reuses property names.
import { type RawBuffer, Tag } from './format.js'

// In every Node that runs this, not yet in the types of ES2023.
type MaybeWellFormed = string & { isWellFormed(): boolean }

/** Bytes that `writeText` may need for a string. */
export function textBound(text: string): number {
  return text.length * 3 + 8
}

/** Writes tag, length and characters at `position` (room for `textBound`); returns the position behind. */
export function writeText(buffer: RawBuffer, position: number, text: string): number {
  const length = text.length
  if (length <= 31) {
    let at = position + 1
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code > 127) return writeLongText(buffer, position, text, length)
      buffer[at++] = code
    }
    buffer[position] = Tag.shortAscii | length
    return at
  }
  return writeLongText(buffer, position, text, length)
}

function writeLongText(buffer: RawBuffer, position: number, text: string, length: number): number {
  const start = length * 3 <= 255 ? position + 2 : position + 5
  const written = buffer.utf8Write(text, start, length * 3)
  const ascii = written === length
  // UTF-8 would merge all lone surrogates into one character, and takes three bytes where UTF-16 takes two in many scripts.
  if (!ascii && (written > 2 * length || !(text as MaybeWellFormed).isWellFormed())) {
    buffer[position] = Tag.utf16
    buffer.writeUInt32LE(2 * length, position + 1)
    return position + 5 + buffer.ucs2Write(text, position + 5, 2 * length)
  }
  if (start === position + 2) {
    buffer[position] = ascii ? Tag.ascii8 : Tag.utf8With8
    buffer[position + 1] = written
  } else {
    buffer[position] = ascii ? Tag.ascii32 : Tag.utf8With32
    buffer.writeUInt32LE(written, position + 1)
  }
  return start + written
}

// Property names repeat from record to record. A name found here costs a comparison instead of a new string that V8 must
// then look up among all property names. Names collide and replace each other; the table never grows.
const NAMES = 1024
const names: (string | undefined)[] = new Array<string | undefined>(NAMES).fill(undefined)

/** The string of `length` ASCII bytes at `position`, shared with earlier ones that were equal. */
export function readName(buffer: RawBuffer, position: number, length: number): string {
  if (length === 0) return ''
  const first = buffer[position] as number
  const middle = buffer[position + (length >> 1)] as number
  const last = buffer[position + length - 1] as number
  const place =
    (Math.imul(first, 31) + Math.imul(middle, 7) + Math.imul(last, 131) + Math.imul(length, 517)) & (NAMES - 1)
  const known = names[place]
  if (known !== undefined && known.length === length) {
    let i = 0
    while (i < length && known.charCodeAt(i) === buffer[position + i]) i++
    if (i === length) return known
  }
  const name = buffer.latin1Slice(position, position + length)
  names[place] = name
  return name
}

/** The string of `length` (at most 31) ASCII bytes at `position`. Up to a dozen characters are put together without a call out of JS. */
export function readShortAscii(b: RawBuffer, p: number, length: number): string {
  const c = String.fromCharCode
  switch (length) {
    case 0:
      return ''
    case 1:
      return c(b[p]!)
    case 2:
      return c(b[p]!, b[p + 1]!)
    case 3:
      return c(b[p]!, b[p + 1]!, b[p + 2]!)
    case 4:
      return c(b[p]!, b[p + 1]!, b[p + 2]!, b[p + 3]!)
    case 5:
      return c(b[p]!, b[p + 1]!, b[p + 2]!, b[p + 3]!, b[p + 4]!)
    case 6:
      return c(b[p]!, b[p + 1]!, b[p + 2]!, b[p + 3]!, b[p + 4]!, b[p + 5]!)
    case 7:
      return c(b[p]!, b[p + 1]!, b[p + 2]!, b[p + 3]!, b[p + 4]!, b[p + 5]!, b[p + 6]!)
    case 8:
      return c(b[p]!, b[p + 1]!, b[p + 2]!, b[p + 3]!, b[p + 4]!, b[p + 5]!, b[p + 6]!, b[p + 7]!)
    case 9:
    case 10:
    case 11:
    case 12:
      return readShortAscii(b, p, 8) + readShortAscii(b, p + 8, length - 8)
    default:
      return b.latin1Slice(p, p + length)
  }
}
