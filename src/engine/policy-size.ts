// How much memory choosing a mode takes, and which keys it samples (docs/slab.md 10). Pure arithmetic, the same as in native/core's
// tournament.rs and miniature.rs, down to the last bit.

import {
  GHOST_BUCKET_BYTES,
  MINIATURE_ENTRY_BYTES,
  MINIATURE_HEADER_BYTES,
  RIVALS,
  SAMPLE_BYTES,
  SAMPLE_SLOTS,
  SKETCH_ENTRIES_PER_LINE,
  SKETCH_LINE_BYTES,
  TOURNAMENT_BYTES,
} from './layout.js'

/** Entries of a miniature: at least so many, and at least so many times the root of the cache's; one key in 64 at least. */
const LEAST_ENTRIES = 128
const ROOTS = 4
const LEAST_RATE = 1 / 64
/** All miniatures together take at most this share of a small region. */
const LARGEST_SHARE = 1 / 64

/** Keys out of all that are sampled for a cache of so many entries, where `slots` is what a miniature has room for. */
export function samplingRate(entries: number, slots: number): number {
  const wanted = Math.max(LEAST_ENTRIES, ROOTS * Math.sqrt(entries))
  return Math.min(Math.min(Math.max(wanted / entries, LEAST_RATE), 1), slots / entries)
}

/** The word that keys are compared with. */
export function sampleBelow(rate: number): number {
  return rate >= 1 ? 0xffffffff : Math.floor(rate * 2 ** 32)
}

export function miniatureSketchLines(entries: number): number {
  return Math.max(4, Math.ceil(entries / SKETCH_ENTRIES_PER_LINE))
}

export function miniatureGhostBuckets(entries: number): number {
  return entries < 4096 ? Math.max(4, Math.ceil((entries * 9) / 32)) : Math.ceil((entries * 9) / 64)
}

/** Bytes of a miniature with room for so many entries: whole lines, so that its numbers are aligned. */
export function miniatureBytes(entries: number): number {
  const tables = miniatureSketchLines(entries) * SKETCH_LINE_BYTES + miniatureGhostBuckets(entries) * GHOST_BUCKET_BYTES
  const bytes = MINIATURE_HEADER_BYTES + entries * (4 + MINIATURE_ENTRY_BYTES) + tables
  return Math.ceil(bytes / 64) * 64
}

/** Entries of each miniature for a shard of so many bytes that is expected to hold so many entries. */
export function miniatureEntries(bytes: number, expected: number): number {
  const wanted = Math.max(1, Math.round(expected * samplingRate(expected, expected)))
  const most = Math.floor((bytes * LARGEST_SHARE) / RIVALS / (miniatureBytes(1024) / 1024))
  return Math.min(wanted, Math.max(64, most))
}

/** Bytes of samples, tournament and miniatures. */
export function choosingBytes(entries: number): number {
  return SAMPLE_SLOTS * SAMPLE_BYTES + TOURNAMENT_BYTES + RIVALS * miniatureBytes(entries)
}
