// The file that makes a folder ours: which store it is, how keys are hashed, how it is divided. Written once, when a folder is first used or begun anew.
// Touches that file.
import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { Fields, isSigned, sign } from './blocks.js'
import type { Xxh64 } from './checksum.js'
import type { DiskIo } from './io.js'
import { isShape, type StoreShape } from './shape.js'

const MAGIC = 0x004b_5254_534f_2020n
export const STORE_VERSION = 1
const BYTES = 128

export interface StoreFacts {
  readonly id: bigint
  /** Of the hash that keys are found by. */
  readonly seed: bigint
  readonly createdAt: number
  readonly shape: StoreShape
}

/** 'absent', ours but of no use ('damaged', 'version'), or somebody else's. */
export type StoreFile = StoreFacts | 'absent' | 'damaged' | 'version' | 'foreign'

export const storeFile = (folder: string): string => path.join(folder, 'ostraka.store')

export async function readStoreFile(io: DiskIo, folder: string, xxh64: Xxh64): Promise<StoreFile> {
  const bytes = await io.readSmall(storeFile(folder), BYTES + 1)
  return bytes === undefined ? 'absent' : decodeStoreFile(bytes, xxh64)
}

export function decodeStoreFile(bytes: Uint8Array, xxh64: Xxh64): StoreFile {
  // An empty file is what a crash leaves of one that was just made.
  if (bytes.length === 0) return 'damaged'
  if (bytes.length < 12) return 'foreign'
  const fields = new Fields(bytes)
  if (fields.u64() !== MAGIC) return 'foreign'
  if (fields.u32() !== STORE_VERSION) return 'version'
  if (bytes.length !== BYTES || !isSigned(bytes, 0n, xxh64)) return 'damaged'
  fields.u32()
  const id = fields.u64()
  const seed = fields.u64()
  const createdAt = fields.f64()
  const partitions = fields.u32()
  const regionBytes = fields.u32()
  const regions = fields.u32()
  const tagCounters = fields.u32()
  const shape = { partitions, regionBytes, regions, tagCounters, lifetimes: fields.u32() }
  return isShape(shape) ? { id, seed, createdAt, shape } : 'damaged'
}

export function newStore(shape: StoreShape, createdAt: number): StoreFacts {
  const random = randomBytes(16)
  return { id: random.readBigUInt64LE(0), seed: random.readBigUInt64LE(8), createdAt, shape }
}

export async function writeStoreFile(io: DiskIo, folder: string, facts: StoreFacts, xxh64: Xxh64): Promise<void> {
  const bytes = new Uint8Array(BYTES)
  const fields = new Fields(bytes)
  fields.u64(MAGIC)
  fields.u32(STORE_VERSION)
  fields.u32(0)
  fields.u64(facts.id)
  fields.u64(facts.seed)
  fields.f64(facts.createdAt)
  fields.u32(facts.shape.partitions)
  fields.u32(facts.shape.regionBytes)
  fields.u32(facts.shape.regions)
  fields.u32(facts.shape.tagCounters)
  fields.u32(facts.shape.lifetimes)
  sign(bytes, 0n, xxh64)
  await io.replace(storeFile(folder), bytes)
}
