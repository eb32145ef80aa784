// The generations of tags: for each counter, the sequence of its last invalidation. A record is dead when one of its tags was invalidated after its
// stamp. Invalidations go to the log; the whole table is stored before a region that holds some is sealed, so that footers are enough to begin
// again. Touches nothing; twin-blocks.ts brings it to the file.
import { Fields, isSigned, sign } from './blocks.js'
import type { Xxh64 } from './checksum.js'

const TAGS_MAGIC = 0x53474154
const FIXED = 32
const PAGE = 4096

export interface TagCheckpoint {
  readonly epoch: number
  readonly number: number
  readonly generations: Float64Array
}

export const checkpointBytes = (counters: number): number => Math.ceil((FIXED + 8 * counters + 8) / PAGE) * PAGE

export function encodeCheckpoint(checkpoint: TagCheckpoint, seed: bigint, xxh64: Xxh64): Uint8Array {
  const { generations } = checkpoint
  const bytes = new Uint8Array(checkpointBytes(generations.length))
  const fields = new Fields(bytes)
  fields.u32(TAGS_MAGIC)
  fields.u32(checkpoint.epoch)
  fields.u32(checkpoint.number)
  fields.u32(generations.length)
  fields.at = FIXED
  for (const generation of generations) fields.f64(generation)
  sign(bytes, seed, xxh64)
  return bytes
}

export function decodeCheckpoint(
  counters: number,
  bytes: Uint8Array,
  seed: bigint,
  xxh64: Xxh64,
): TagCheckpoint | undefined {
  if (bytes.length !== checkpointBytes(counters) || !isSigned(bytes, seed, xxh64)) return undefined
  const fields = new Fields(bytes)
  if (fields.u32() !== TAGS_MAGIC) return undefined
  const epoch = fields.u32()
  const number = fields.u32()
  if (fields.u32() !== counters) return undefined
  fields.at = FIXED
  return { epoch, number, generations: Float64Array.from({ length: counters }, () => fields.f64()) }
}

export class TagTable {
  readonly generations: Float64Array
  /** Invalidations since the table was last stored. */
  changed = false

  constructor(counters: number) {
    this.generations = new Float64Array(counters)
  }

  raise(counters: Iterable<number>, sequence: number): void {
    for (const counter of counters) {
      if (counter < this.generations.length && sequence > (this.generations[counter] as number)) {
        this.generations[counter] = sequence
        this.changed = true
      }
    }
  }

  /** Whether none of these was invalidated after the stamp. A counter that is out of range was not written by us: not valid. */
  isValid(tags: readonly number[], stamp: number): boolean {
    return tags.every((tag) => tag < this.generations.length && (this.generations[tag] as number) <= stamp)
  }
}
