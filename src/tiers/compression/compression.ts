// Whether a value is worth compressing, and how. Contract: synchronous; what `compress` gives, `decompress` turns back, on any Node; what is damaged or
// not ours comes back as undefined, and no more memory is taken than `rawLength` says, which is bounded.
import { compressBlock, decompressBlock } from './lz4.js'
import { compressZstd, decompressZstd } from './zstd.js'

/** As it stands in records. */
export const Codec = { none: 0, lz4: 1, zstd: 2 } as const

export interface Packed {
  readonly codec: number
  readonly rawLength: number
  readonly bytes: Uint8Array
}

/** Shorter values hold too little that repeats. */
const LEAST = 128
/** What saves less than an eighth is left as it is: it would cost every reader more than the disk. */
const LEAST_GAIN = 1 / 8
/** No value is longer. */
export const MOST_RAW = 64 * 2 ** 20

let room = new Uint8Array(2 ** 16)

/** `thorough`: by Zstandard where this Node has it, at several times the cost. */
export function compress(bytes: Uint8Array, thorough = false): Packed {
  const plain = { codec: Codec.none, rawLength: 0, bytes }
  if (bytes.length < LEAST || bytes.length > MOST_RAW) return plain
  const most = Math.floor(bytes.length * (1 - LEAST_GAIN))
  if (thorough) {
    const packed = compressZstd(bytes)
    if (packed !== undefined) {
      return packed.length <= most ? { codec: Codec.zstd, rawLength: bytes.length, bytes: packed } : plain
    }
  }
  if (room.length < most) room = new Uint8Array(most)
  const length = compressBlock(bytes, room.subarray(0, most))
  return length < 0 ? plain : { codec: Codec.lz4, rawLength: bytes.length, bytes: room.slice(0, length) }
}

export function decompress({ codec, rawLength, bytes }: Packed): Uint8Array | undefined {
  if (codec === Codec.none) return bytes
  if (!Number.isInteger(rawLength) || rawLength < 0 || rawLength > MOST_RAW) return undefined
  if (codec === Codec.zstd) return decompressZstd(bytes, rawLength)
  // A byte of LZ4 makes at most 255.
  if (codec !== Codec.lz4 || rawLength > 255 * bytes.length) return undefined
  const raw = new Uint8Array(rawLength)
  return decompressBlock(bytes, raw) ? raw : undefined
}
