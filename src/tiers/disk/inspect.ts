// Looks at a path without changing it, whether or not a process uses it: what it is, what lies in it, and whether all of that can be believed. Every record
// is read and checked. Touches the files of the path, reading.
import path from 'node:path'
import { OstrakaError } from '../../errors.js'
import { loadXxh64, type Xxh64 } from './checksum.js'
import { type DiskFile, type DiskIo, nodeIo } from './io.js'
import { partitionFile } from './partition.js'
import type { PartitionHeader } from './partition-header.js'
import { PlaceIndex } from './place-index.js'
import { RecordType, UNIT } from './record.js'
import { type PartitionShape, partitionBytes, type StoreShape } from './shape.js'
import { readStoreFile, storeFile } from './store-file.js'
import { DamagedError, type FoundRegion, type ScannedEntry, Surveyor } from './survey.js'
import { storedBlocks } from './take-over.js'

export interface PartitionReport {
  readonly file: string
  /** Of the header; undefined: there is none that can be believed. */
  readonly owner:
    | { readonly epoch: number; readonly closed: boolean; readonly synced: boolean; readonly writtenAt: string }
    | undefined
  readonly regions: { readonly used: number; readonly finished: number; readonly free: number }
  readonly values: number
  readonly tombstones: number
  readonly tagInvalidations: number
  /** Newest of their keys and not expired; what tags or `clear` have ended is not among them. */
  readonly live: { readonly values: number; readonly bytes: number }
  readonly compressed: number
  readonly bytes: number
  /** What a footer promises and the region does not hold. */
  readonly damagedRecords: number
  /** Everything else that is not as it should be; an owner would start this partition cold. */
  readonly problems: readonly string[]
}

export interface DiskReport {
  readonly path: string
  readonly store: string
  readonly createdAt: string
  readonly shape: StoreShape
  /** Number of the process that holds the path, and whether it has let it go. */
  readonly holder: { readonly pid: number; readonly host: string; readonly left: boolean } | undefined
  readonly partitions: readonly PartitionReport[]
  readonly sound: boolean
}

/** Throws OSTRAKA_ERR_DISK_UNREADABLE. `progress` is told after each partition. */
export async function inspectDisk(
  folder: string,
  progress: (done: number, of: number) => void = () => {},
  io: DiskIo = nodeIo,
): Promise<DiskReport> {
  const xxh64 = await loadXxh64()
  const facts = await readStoreFile(io, folder, xxh64).catch((cause) => {
    throw new OstrakaError('OSTRAKA_ERR_DISK_UNREADABLE', `${folder}: ${(cause as Error).message}`, { cause })
  })
  if (typeof facts === 'string') {
    throw new OstrakaError('OSTRAKA_ERR_DISK_UNREADABLE', `${storeFile(folder)} ${notAStore[facts]}`)
  }
  const partitions: PartitionReport[] = []
  for (let partition = 0; partition < facts.shape.partitions; partition++) {
    const shape = { ...facts.shape, store: facts.id, partition }
    partitions.push(await inspectPartition(io, folder, shape, xxh64))
    progress(partition + 1, facts.shape.partitions)
  }
  return {
    path: folder,
    store: facts.id.toString(16).padStart(16, '0'),
    createdAt: new Date(facts.createdAt).toISOString(),
    shape: facts.shape,
    holder: await holderOf(io, folder),
    partitions,
    sound: partitions.every(({ problems, damagedRecords }) => problems.length === 0 && damagedRecords === 0),
  }
}

const notAStore = {
  absent: 'is not there: no cache has used this folder as its disk path',
  foreign: 'is not a file of Ostraka',
  damaged: 'is damaged; the next cache that uses this path begins anew',
  version: 'is of another version; a cache of this version that uses this path begins anew',
} as const

async function holderOf(io: DiskIo, folder: string): Promise<DiskReport['holder']> {
  const names = (await io.list(folder)).filter((name) => /^ostraka\.lock-\d+$/.test(name))
  const [last] = names.sort((one, other) => Number(other.slice(13)) - Number(one.slice(13)))
  if (last === undefined) return undefined
  try {
    const content = JSON.parse(Buffer.from((await io.readSmall(path.join(folder, last), 4096)) ?? []).toString()) as {
      pid: number
      host: string
      left?: boolean
    }
    return { pid: content.pid, host: content.host, left: content.left === true }
  } catch {
    return undefined
  }
}

interface Tally {
  values: number
  tombstones: number
  tagInvalidations: number
  bytes: number
  damagedRecords: number
  readonly problems: string[]
  compressed: number
  live: number
  liveBytes: number
  /** The newest record of each key, with its length in units in place of its location. */
  readonly newest: PlaceIndex
}

async function inspectPartition(
  io: DiskIo,
  folder: string,
  shape: PartitionShape,
  xxh64: Xxh64,
): Promise<PartitionReport> {
  const tally: Tally = {
    values: 0,
    tombstones: 0,
    tagInvalidations: 0,
    bytes: 0,
    damagedRecords: 0,
    problems: [],
    compressed: 0,
    live: 0,
    liveBytes: 0,
    newest: new PlaceIndex(10, true),
  }
  const file = partitionFile(folder, shape.partition)
  let header: PartitionHeader | undefined
  let found: readonly FoundRegion[] = []
  try {
    const opened = await io.openToRead(file)
    try {
      header = await readHeader(opened, shape, xxh64)
      const surveyor = new Surveyor(opened, shape, xxh64)
      found = (await surveyor.regions(header)).found
      for (const region of found) await inspectRegion(surveyor, region, header, tally)
    } finally {
      await opened.close()
    }
  } catch (error) {
    tally.problems.push((error as Error).message)
  }
  return {
    file,
    owner: header && {
      epoch: header.epoch,
      closed: header.clean,
      synced: header.synced,
      writtenAt: new Date(header.wall).toISOString(),
    },
    regions: {
      used: found.length,
      finished: found.filter(({ finished }) => finished).length,
      free: shape.regions - found.length,
    },
    values: tally.values,
    tombstones: tally.tombstones,
    tagInvalidations: tally.tagInvalidations,
    live: { values: tally.live, bytes: tally.liveBytes },
    compressed: tally.compressed,
    bytes: tally.bytes,
    damagedRecords: tally.damagedRecords,
    problems: tally.problems,
  }
}

async function readHeader(file: DiskFile, shape: PartitionShape, xxh64: Xxh64): Promise<PartitionHeader> {
  const header = await storedBlocks(shape, xxh64).headers.load(file)
  if (header === undefined || header === 'damaged') throw new DamagedError('it has no header that can be believed')
  if ((await file.size()) !== partitionBytes(shape)) throw new DamagedError('the file has another length')
  if ((await storedBlocks(shape, xxh64).checkpoints.load(file)) === 'damaged') {
    throw new DamagedError('the generations of tags are damaged')
  }
  return header
}

async function inspectRegion(
  surveyor: Surveyor,
  region: FoundRegion,
  header: PartitionHeader,
  tally: Tally,
): Promise<void> {
  const footer = region.finished ? await surveyor.footer(region) : undefined
  const scan = await surveyor.scan(region)
  if (region.finished && footer === undefined) tally.problems.push(`the footer of region ${region.region} is damaged`)
  const whole = new Set(scan.entries.map(({ unit }) => unit))
  for (let index = 0; index < (footer?.entries.length ?? 0); index++) {
    if (!whole.has(footer?.entries.at(index).unit ?? 0)) tally.damagedRecords++
  }
  if (footer === undefined && scan.gap) tally.problems.push(`region ${region.region} has a gap between records`)
  for (const entry of scan.entries) {
    tally.bytes += entry.bytes
    count(tally, entry)
    if (entry.type !== RecordType.tags && entry.sequence >= header.floor) countNewest(tally, entry)
  }
}

function countNewest(tally: Tally, entry: ScannedEntry): void {
  const { newest } = tally
  if (newest.find(entry.hash)) {
    if (newest.sequence >= entry.sequence) return
    if (!newest.dead) {
      tally.live--
      tally.liveBytes -= newest.location * UNIT
    }
  }
  const alive = entry.type === RecordType.value && entry.expiry > Date.now()
  newest.put(entry.hash, entry.bytes / UNIT, entry.bytes, !alive, entry.sequence)
  if (!alive) return
  tally.live++
  tally.liveBytes += entry.bytes
}

function count(tally: Tally, { type, codec }: ScannedEntry): void {
  if (codec !== 0) tally.compressed++
  if (type === RecordType.value) tally.values++
  else if (type === RecordType.tombstone) tally.tombstones++
  else tally.tagInvalidations++
}
