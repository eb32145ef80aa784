// Partitions over a simulated disk, with a clock that tests turn, and a source of random numbers that can be played again.
import { loadXxh64 } from '../../src/tiers/disk/checksum.js'
import type { ClockSource } from '../../src/tiers/disk/disk-clock.js'
import type { DiskIo } from '../../src/tiers/disk/io.js'
import { Partition, type PartitionOptions } from '../../src/tiers/disk/partition.js'
import type { PartitionShape } from '../../src/tiers/disk/shape.js'

export const xxh64 = await loadXxh64()

/** Small, so that regions are filled, emptied and used again within a few hundred operations. */
export const smallShape: PartitionShape = {
  store: 0x1234n,
  partition: 0,
  partitions: 1,
  regionBytes: 4096,
  regions: 14,
  tagCounters: 64,
  lifetimes: 1,
}

export class TestClock implements ClockSource {
  now = 1_700_000_000_000
  up = 1000
  boot = 'first'

  wall = () => this.now
  uptime = () => this.up

  advance(milliseconds: number): void {
    this.now += milliseconds
    this.up += milliseconds
  }

  reboot(): void {
    this.up = 10
    this.boot += '+'
  }
}

export function open(io: DiskIo, clock: ClockSource, options: Partial<PartitionOptions> = {}): Promise<Partition> {
  return Partition.open({
    io,
    folder: '/disk',
    shape: smallShape,
    xxh64,
    clock,
    sync: false,
    strict: false,
    // Tests flush when they mean to.
    flushInterval: 1_000_000,
    bytesPerDay: Infinity,
    fenced: () => false,
    ...options,
  })
}

/** Mulberry32. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let z = state
    z = Math.imul(z ^ (z >>> 15), z | 1)
    z ^= z + Math.imul(z ^ (z >>> 7), z | 61)
    return ((z ^ (z >>> 14)) >>> 0) / 2 ** 32
  }
}
