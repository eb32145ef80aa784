// The header of a partition's file as bytes (docs/disk-format.md, "Partition header"): who owns it since when, what is believed of each region, and
// what is dead as a whole. Touches nothing; twin-blocks.ts brings it to the file.
import { Fields, isSigned, sign } from './blocks.js'
import type { Xxh64 } from './checksum.js'

export const PARTITION_MAGIC = 0x54524150
export const FORMAT_VERSION = 1
const FIXED = 160
const ROW = 16
const PAGE = 4096

/** What is believed of a region that an earlier owner left behind. */
export interface RegionRow {
  readonly life: number
  /** Records are believed up to here, in units; what was written later was not written by an owner. */
  readonly units: number
  /** Footers of earlier owners than this are not believed. */
  readonly sealer: number
}

export interface PartitionHeader {
  readonly partition: number
  /** Counts headers within an epoch; the latest of the greatest epoch holds. */
  readonly number: number
  readonly epoch: number
  /** Records of smaller sequences are dead. */
  readonly floor: number
  /** Records of earlier epochs that expire are dead: the clock had been set back. */
  readonly expiringFloor: number
  /** The last owner has written everything and left. */
  readonly clean: boolean
  /** It wrote so that its promises survive a loss of power. */
  readonly synced: boolean
  /** Which run of the machine it was written in. */
  readonly boot: string
  /** The disk's clock and the machine's uptime when this was written, in ms. */
  readonly wall: number
  readonly uptime: number
  readonly regions: readonly RegionRow[]
}

export interface HeaderShape {
  readonly store: bigint
  readonly partition: number
  readonly regions: number
}

export const headerBytes = (regions: number): number => Math.ceil((FIXED + ROW * regions + 8) / PAGE) * PAGE

const seedOf = (shape: HeaderShape): bigint =>
  (shape.store + BigInt(shape.partition) + 0x48454144n) & 0xffffffffffffffffn

export function encodeHeader(shape: HeaderShape, header: PartitionHeader, xxh64: Xxh64): Uint8Array {
  const bytes = new Uint8Array(headerBytes(shape.regions))
  const fields = new Fields(bytes)
  fields.u32(PARTITION_MAGIC)
  fields.u32(FORMAT_VERSION)
  fields.u32(header.partition)
  fields.u32(shape.regions)
  fields.u32(header.number)
  fields.u32(header.epoch)
  fields.u32((header.clean ? 1 : 0) | (header.synced ? 2 : 0))
  fields.u32(header.expiringFloor)
  fields.f64(header.floor)
  fields.f64(header.wall)
  fields.f64(header.uptime)
  const boot = new TextEncoder().encode(header.boot).subarray(0, 63)
  fields.u8(boot.length)
  bytes.set(boot, fields.at)
  fields.at = FIXED
  for (const row of header.regions) {
    fields.f64(row.life)
    fields.u32(row.units)
    fields.u32(row.sealer)
  }
  sign(bytes, seedOf(shape), xxh64)
  return bytes
}

export function decodeHeader(shape: HeaderShape, bytes: Uint8Array, xxh64: Xxh64): PartitionHeader | undefined {
  if (bytes.length !== headerBytes(shape.regions)) return undefined
  const fields = new Fields(bytes)
  if (fields.u32() !== PARTITION_MAGIC || fields.u32() !== FORMAT_VERSION) return undefined
  if (!isSigned(bytes, seedOf(shape), xxh64)) return undefined
  const partition = fields.u32()
  if (fields.u32() !== shape.regions) return undefined
  const number = fields.u32()
  const epoch = fields.u32()
  const flags = fields.u32()
  const expiringFloor = fields.u32()
  const floor = fields.f64()
  const wall = fields.f64()
  const uptime = fields.f64()
  const bootLength = Math.min(fields.u8(), 63)
  const boot = new TextDecoder().decode(bytes.subarray(fields.at, fields.at + bootLength))
  fields.at = FIXED
  const regions = Array.from({ length: shape.regions }, () => ({
    life: fields.f64(),
    units: fields.u32(),
    sealer: fields.u32(),
  }))
  const clean = (flags & 1) !== 0
  return {
    partition,
    number,
    epoch,
    floor,
    expiringFloor,
    clean,
    synced: (flags & 2) !== 0,
    boot,
    wall,
    uptime,
    regions,
  }
}
