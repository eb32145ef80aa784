// The bytes of a structured value (record kind `own`): one header byte, then one node, in pre-order. Constants only; touches nothing.
//
//   header   bits 0–3 version (1), bit 4: holds references, bit 5: holds something that cannot be frozen
//   node     one tag byte, then what the tag says. Lengths are u8 or u32, numbers little-endian.
//
// Records are self-contained: no table is shared between records or threads, so that any thread can read any record at any time
// (shared structure tables made one thread read another's fields under wrong names).

export const FORMAT_VERSION = 1
export const Header = { version: 0x0f, references: 0x10, unfreezable: 0x20 } as const

export const Tag = {
  /** 0x00–0x7F: the integers 0 to 127. */
  smallInteger: 0x00,
  /** 0x80–0x9F: ASCII strings of 0 to 31 characters. */
  shortAscii: 0x80,
  /** 0xA0–0xAF: plain objects of 0 to 15 properties. */
  shortObject: 0xa0,
  /** 0xB0–0xBF: arrays of 0 to 15 elements. */
  shortArray: 0xb0,
  null: 0xc0,
  true: 0xc1,
  false: 0xc2,
  int8: 0xc3,
  int16: 0xc4,
  int32: 0xc5,
  float64: 0xc6,
  ascii8: 0xc7,
  ascii32: 0xc8,
  utf8With8: 0xc9,
  utf8With32: 0xca,
  utf16: 0xcb,
  /** u32 count, then key and value by turns. */
  object: 0xcc,
  /** The same, for an object without a prototype. */
  bareObject: 0xcd,
  /** u32 length, then as many elements; `holes` stands for several. */
  array: 0xce,
  /** u32: so many holes of the array around. */
  holes: 0xcf,
  /** i64. */
  bigint64: 0xd0,
  /** u8 sign, u32 bytes, magnitude, lowest byte first. */
  bigint: 0xd1,
  date: 0xd2,
  /** u32 count, then key and value by turns. */
  map: 0xd3,
  set: 0xd4,
  /** source, flags, f64 lastIndex. */
  regexp: 0xd5,
  url: 0xd6,
  /** u8 class, u8 count, then {name, u8 enumerable, value}. */
  error: 0xd7,
  /** u8 type, u32 bytes, bytes. */
  typedArray: 0xd8,
  buffer: 0xd9,
  arrayBuffer: 0xda,
  /** u32: the object with this number, counted in the order of their first appearance. */
  reference: 0xdb,
  /** Only as a property of an error. */
  undefined: 0xdc,
} as const

/** The type byte of `Tag.typedArray`: its place in this list never changes. */
export const typedArrayNames = [
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'DataView',
  'Float16Array',
] as const

/** The class byte of `Tag.error`: its place in this list never changes. */
export const errorNames = [
  'Error',
  'EvalError',
  'RangeError',
  'ReferenceError',
  'SyntaxError',
  'TypeError',
  'URIError',
  'AggregateError',
] as const

/**
 * How deep values may be nested. Writing and reading recurse; a value written with much stack left must also be readable by a thread
 * with little, so the bound is far below what either needs.
 */
export const MAX_DEPTH = 1000

/** What a value holds beyond plain JSON, as bits; other codecs refuse what they would lose. */
export const Feature = {
  /** Cannot be frozen, so that every reader needs a copy of its own. */
  unfreezable: 1,
  /** −0, NaN, infinities, bigint, holes, lone surrogates, any object that is no plain object or array, shared or cyclic references. */
  beyondJson: 2,
  /** What V8's own serialiser turns into something else: objects without a prototype, URL, fields of errors, `lastIndex`. */
  beyondV8: 4,
  references: 8,
  /** What plain MessagePack, as other tools read it, has no word for: all but JSON's data, NaN, infinities, Date, Buffer and bigint of 64 bits. */
  beyondMsgpack: 16,
} as const

/** Buffer methods that Node has had since its beginning without documenting them: half the cost of `write` and `toString` on short strings. */
export interface RawBuffer extends Buffer {
  utf8Write(text: string, offset: number, length?: number): number
  ucs2Write(text: string, offset: number, length?: number): number
  latin1Slice(start: number, end: number): string
  utf8Slice(start: number, end: number): string
  ucs2Slice(start: number, end: number): string
}
