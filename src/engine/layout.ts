// Every offset and constant of the shared memory, stated once for TypeScript (docs/slab.md explains them; native/core's layout.rs
// states them once for Rust). May touch: nothing. `layoutConstants()` is compared with the addon's list when a thread attaches.

/** 'OSTR' in memory order. */
export const MAGIC = 0x5254534f
export const LAYOUT_VERSION = 5

/** Everything is measured in units of 8 bytes, so that 29 bits reach 4 GiB. */
export const UNIT = 8
export const WASM_PAGE = 65_536

// ── Control region ───────────────────────────────────────────────────────────────────────────────────────────────────────────────
//
//   0x00000 header │ 0x100 world │ 0x140 epoch │ 0x180 clock │ 0x1C0 reserved │ 0x200 reaper │ 0x240 stamp of tags
//   0x00400 hash keys   33 units × 4 lanes × u32
//   0x00800 threads     128 × 128 bytes
//   0x04800 counters    128 × 40 × u64
//   0x0E800 histograms  4 × 1984 × u32
//   0x16400 leases      1024 × 16 bytes
//   0x1A400 tags of a small cache, 1024 × u32
//   0x1B400 advice about leases, 7 bytes each: engines leave it alone (src/loading/advice.ts)
//   0x1D000 namespaces  (src/cache/namespace-table.ts)
//   0x20000 end, or tags of any other, 16384 × u32 (the header says where they are and how many)

/** Of a cache whose tags lie in the first part; others have `TAG_BYTES` more. */
export const CONTROL_BYTES = 0x20000
export const Control = {
  header: 0,
  world: 0x100,
  epoch: 0x140,
  clock: 0x180,
  clockAsleep: 0x188,
  clockManual: 0x18c,
  reservedCount: 0x1c0,
  reservedWorld: 0x1c4,
  reaper: 0x200,
  threadsEnd: 0x204,
  drift: 0x208,
  tagStamp: 0x240,
  hashKeys: 0x400,
  threads: 0x800,
  counters: 0x4800,
  histograms: 0xe800,
  leases: 0x16400,
  smallTags: 0x1a400,
  loadStamps: 0x1b400,
  loadWaiters: 0x1c400,
  loadWaits: 0x1c800,
} as const

/** Tag generations of a cache below `SMALL_CACHE_BYTES`, and of any other. Powers of two. */
export const SMALL_TAGS = 1024
export const TAGS = 16_384
export const TAG_BYTES = TAGS * 4
export const SMALL_CACHE_BYTES = 8 * 1024 * 1024
/** Whenever the stamp of tags reaches a multiple of this, the cache is cleared and old generations are raised (docs/slab.md 7). */
export const TAG_ERA = 2 ** 30

/** Lines of the lease table, 16 bytes each (docs/slab.md 8). A token is sequence × LEASES + line. */
export const LEASES = 1024
export const LEASE_BYTES = 16
/** Offsets within a lease's line: the binding word (sequence << 3 | state), its owner beside it, ms since origin as a u64. */
export const LeaseLine = { word: 0, owner: 4, deadline: 8 } as const
export const LEASE_STATE_BITS = 3

export const ControlHeader = {
  magic: 0,
  version: 4,
  bytes: 8,
  shards: 12,
  threadSlots: 16,
  maxEntries: 20,
  seedLow: 24,
  seedHigh: 28,
  originLow: 32,
  originHigh: 36,
  policy: 40,
  cacheIdLow: 44,
  cacheIdHigh: 48,
  tags: 52,
  tagsOffset: 56,
} as const

export const THREADS = 128
export const THREAD_BYTES = 128
/** Offsets within a thread's line. */
export const Thread = {
  pin: 0,
  id: 4,
  startLow: 8,
  startHigh: 12,
  nodeThread: 16,
  engine: 20,
  exited: 24,
  intentKind: 32,
  intentShard: 36,
  intentSlot: 40,
  intentLow: 44,
  intentHigh: 48,
  intentNet: 52,
  intentWorld: 56,
  invalidating: 60,
  sequence: 64,
  netWorld: 68,
  net: 72,
  inflight: 76,
} as const

export const Pin = { pinned: 1, expellable: 2, epochShift: 2 } as const
export const Intent = { none: 0, link: 1, unlink: 2 } as const
export const EngineId = { native: 1, js: 2 } as const

export const COUNTERS = 40
/** What a thread counts in its own line, written by that thread alone. */
export const Counter = {
  hits: 0,
  misses: 1,
  stored: 2,
  replaced: 3,
  refused: 4,
  rejectedTooLarge: 5,
  rejectedNoRoom: 6,
  rejectedPaused: 7,
  deleted: 8,
  taken: 9,
  touched: 10,
  incremented: 11,
  expired: 12,
  evictedSmall: 13,
  evictedMain: 14,
  evictedIndex: 15,
  promoted: 16,
  reinserted: 17,
  ghostHits: 18,
  unitsRelocated: 19,
  segmentsOpened: 20,
  segmentsFreed: 21,
  linkRetries: 22,
  graceBlocked: 23,
  threadsReaped: 24,
  readersExpelled: 25,
  bytesWritten: 26,
  bytesRead: 27,
  cleared: 28,
  chainsStored: 29,
  evictorBusy: 30,
  compacted: 31,
  // 32 to 35 are counted by whoever loads, through `Engine.count`.
  loads: 32,
  loadsWaited: 33,
  loadsFailed: 34,
  staleServed: 35,
  /** Values of loads that came too late: something was set, deleted, cleared or invalidated since. */
  fillsRefused: 36,
  tagInvalidations: 37,
  /** Entries dropped because one of their tags had been invalidated. */
  invalidated: 38,
  /** Leases that were asked for and not given: the table, or the cache, is full. */
  leasesRefused: 39,
} as const

/** What is observed of a cache lies in a memory of its own, of a 128th of `maxBytes` within these bounds (src/stats/layout.ts). */
export const LEAST_OBSERVED_BYTES = 0x10000
export const MOST_OBSERVED_BYTES = 0x80000

export const HISTOGRAMS = 4
export const HISTOGRAM_BUCKETS = 1984

// ── Shard region ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────
//
//   header 512 │ versions n × 8 │ segment headers n × 64 │ buckets n × 64 │ ghost n × 32 │ policy │ (4096-aligned) segments n × 2^shift

export const SHARD_HEADER_BYTES = 512
export const Shard = {
  magic: 0,
  version: 4,
  number: 8,
  buckets: 12,
  bucketOffset: 16,
  segments: 20,
  segmentShift: 24,
  segmentsOffset: 28,
  segmentHeaders: 32,
  ghostOffset: 36,
  ghostBuckets: 40,
  ghostShift: 44,
  chunkUnits: 48,
  chunkedLimit: 52,
  expected: 56,
  bytesLow: 60,
  bytesHigh: 64,
  versionsOffset: 68,
  versions: 72,
  /** Memory of the policy: the sketch, then, where modes are chosen, samples, tournament and miniatures. */
  policyOffset: 76,
  sketchLines: 80,
  /** Additions after which the sketch is halved. */
  sketchHalveAt: 84,
  /** Entries of one miniature; 0 where the mode is fixed. */
  miniEntries: 88,
  /** A key is sampled if its hash times the golden ratio is below. 0 where the mode is fixed. */
  sampleBelow: 92,
  evictor: 128,
  evictedOnce: 132,
  freeSegments: 136,
  openSmall: 192,
  openMain: 196,
  sequence: 200,
  handSmall: 256,
  handMain: 272,
  handCompact: 288,
  ghostClock: 304,
  smallEntries: 308,
  mainEntries: 312,
  drained: 316,
  passRetained: 320,
  passSeen: 324,
  countedWorld: 328,
  handInUse: 332,
  ghostLimit: 336,
  smallFull: 340,
  /** More lies dead in the segments than a cache should carry along: writers compact. */
  untidy: 344,
  /** The mode in force (docs/slab.md 6). */
  mode: 348,
  /** OPEN and SEALED segments of small at the last survey; those of main follow. */
  queueSegments: 352,
  /** Additions to the sketch since it was halved, then the line that halving stands at + 1. */
  sketchAdded: 360,
  /** f64: the bar of worth, in 256ths of an octave; 0 before the first eviction by worth. */
  bar: 368,
  /** Samples ever posted, and ever taken. */
  sampleHead: 384,
  sampleTail: 448,
} as const
/** Policies by their number in shared memory: what the control region's policy word and a shard's mode word say. */
export const PolicyNumber = {
  's3-fifo': 0,
  /** S3-FIFO in which small has its tenth only until the first eviction. */
  's3-fifo-main-first': 1,
  balanced: 2,
  frequency: 3,
  recency: 4,
  clock: 5,
  scan: 6,
  light: 7,
  /** One of those from `balanced` on, chosen by miniatures, shard by shard. */
  adaptive: 8,
} as const
/** The ring of samples lies behind the sketch, the tournament behind it, the miniatures behind that (docs/slab.md 10). */
export const SAMPLE_SLOTS = 256
export const SAMPLE_BYTES = 8
export const TOURNAMENT_BYTES = 512
/** Offsets within the tournament. */
export const Tournament = {
  /** Not 0 while somebody changes it: who finds it so knows that its holder died. */
  busy: 0,
  /** Entries or units that a miniature may hold; 0: nothing is set up yet. */
  capacity: 4,
  /** Requests of a block, and those of the present one so far. */
  block: 8,
  blockLength: 12,
  /** Requests sampled so far, wrapping. */
  sampled: 16,
  /** 1 where bytes are the bound. */
  group: 20,
  switches: 24,
  /** Entries that the set-up was made for. */
  entries: 28,
  /** Sampled requests that the rivals' hits so far are of. */
  judged: 48,
  rivals: 64,
  history: 256,
} as const
export const RIVALS = 5
export const RIVAL_BYTES = 32
/** Offsets within a rival: lead and noise f64, the others u32. */
export const Rival = { lead: 0, noise: 8, hits: 16, allHits: 20, mode: 24 } as const
/** The last switches, a ring: {sampled u32, from u16, to u16, lead f32, errors f32}. */
export const SWITCH_BYTES = 16
export const SWITCH_SLOTS = 16
/** Offsets within a miniature: header, heads of chains (u32 each), entries, sketch, ghosts. Entries are named by their index + 1. */
export const Miniature = {
  /** Entries or units in small; in main follows. */
  used: 0,
  /** First and last of small; of main follow. */
  queues: 8,
  free: 24,
  /** Entries that have ever been used. */
  fresh: 28,
  evictedOnce: 32,
  ghostClock: 36,
  sketchAdded: 40,
  bar: 48,
  resident: 56,
} as const
export const MINIATURE_HEADER_BYTES = 64
export const MINIATURE_ENTRY_BYTES = 16
/** Offsets within an entry. The word: units 24 bits, count 2, age 2, queue 2. */
export const MiniatureEntry = { key: 0, nextInChain: 4, nextInQueue: 8, word: 12 } as const
export const SKETCH_LINE_BYTES = 64
/** Cached entries for which there is one line. */
export const SKETCH_ENTRIES_PER_LINE = 16

/** Three hands of 16 bytes: small, main, compaction. */
export const HANDS = 256
export const HAND_BYTES = 16
/** Offsets within a hand: the segment + 1, the unit of the next record, the unit where its extent ends. */
export const Hand = { segment: 0, position: 4, extentEnd: 8 } as const

/** A u64: exchanges of bindings whose tags fall on it << 8 | those in progress. */
export const VERSION_BYTES = 8
export const VERSION_IN_PROGRESS_MASK = 255

export const SEGMENT_HEADER_BYTES = 64
export const Segment = {
  state: 0,
  generation: 4,
  sequence: 8,
  cursor: 12,
  world: 16,
  baseLow: 20,
  baseHigh: 24,
  liveUnits: 28,
  liveEntries: 32,
  epoch: 36,
  deadBy: 40,
} as const
export const SegmentState = { free: 0, opening: 1, open: 2, sealed: 3, drained: 4, building: 5, chain: 6 } as const
export const SEGMENT_STATE_MASK = 15
export const SEGMENT_QUEUE_SHIFT = 4
export const SEGMENT_OWNER_SHIFT = 16
export const Queue = { small: 0, main: 1 } as const
/** `dead by` of a segment that holds a record without expiry. */
export const NEVER_DEAD = 0xffffffff
/** A segment's base time serves records for at most this long, so that idle stamps relative to it stay far from 2^32. */
export const SEGMENT_OPEN_MS = 2 ** 28

export const BUCKET_BYTES = 64
export const BUCKET_MARKS = 0
export const BUCKET_SLOTS = 8
export const SLOTS = 7
export const SLOT_BYTES = 8
export const SlotState = { empty: 0, member: 1, busy: 2, removing: 3, lease: 4 } as const
export const SLOT_STATE_MASK = 7
export const SLOT_DIRTY = 8
export const SLOT_OWNER_SHIFT = 4
export const SLOT_OWNER_MASK = 0xfff
export const SLOT_TAG_SHIFT = 16
export const LOCATION_MASK = 0x1fffffff
export const FREQUENCY_MASK = 3
export const MARK_BITS = 4

export const EXTENT_HEADER_BYTES = 8
export const Extent = { length: 0, owner: 4 } as const

export const RECORD_HEADER_BYTES = 8
export const VALUE_LENGTH_MASK = 0xfffff
export const KIND_SHIFT = 20
export const KIND_MASK = 31
export const RecordFlag = {
  expiry: 1 << 25,
  idle: 1 << 26,
  chain: 1 << 27,
  namespace: 1 << 28,
  soft: 1 << 29,
  cost: 1 << 30,
  tags: 1 << 31,
} as const
export const KEY_LENGTH_MASK = 0xffff
export const RECORD_OBSERVED = 1 << 16
export const RECORD_DEAD = 1 << 17
/** Its options end with {line, sequence} of a lease. Only together with one of the flags of the first word that put options there. */
export const RECORD_LEASE = 1 << 18
export const MAX_KEY_BYTES = 65_535

/** Keys up to this many bytes use the seeded multiply hash, longer ones XXH64. */
export const SHORT_KEY_BYTES = 64
export const HASH_UNITS = 33
export const HASH_LANES = 4

export const GHOST_BUCKET_BYTES = 32
export const GHOST_SLOTS = 8

/** Segments that callers leave for the evictor, which must copy survivors somewhere. */
export const EVICTOR_RESERVE = 2
/** The largest value, in bytes, whatever the cache's size. */
export const MAX_VALUE_BYTES = 64 * 1024 * 1024

/** What both engines must agree on, in the order of `layout_constants()` in native/core/src/layout.rs. */
export function layoutConstants(): number[] {
  return [...basics(), ...control(), ...line(), ...shard(), ...segment(), ...slotAndRecord()].map(
    (value) => value >>> 0,
  )
}

function basics(): number[] {
  return [MAGIC, LAYOUT_VERSION, UNIT, THREADS]
}

function control(): number[] {
  const header = [ControlHeader.maxEntries, ControlHeader.seedLow, ControlHeader.originLow, ControlHeader.policy]
  const words = [Control.world, Control.epoch, Control.clock, Control.clockAsleep, Control.clockManual]
  const shared = [Control.reservedCount, Control.reaper, Control.threadsEnd, Control.drift, Control.hashKeys]
  const rows = [Control.threads, THREAD_BYTES, Control.counters, COUNTERS, Control.histograms, HISTOGRAMS]
  const tags = [ControlHeader.tags, ControlHeader.tagsOffset, Control.tagStamp, TAG_ERA]
  const leases = [Control.leases, LEASES, LEASE_BYTES, LeaseLine.word, LeaseLine.owner, LeaseLine.deadline]
  const first = [CONTROL_BYTES, ...header, ControlHeader.cacheIdLow, ...words, ...shared, ...rows, HISTOGRAM_BUCKETS]
  return [...first, ...tags, ...leases, LEASE_STATE_BITS]
}

function line(): number[] {
  const identity = [Thread.pin, Thread.id, Thread.startLow, Thread.nodeThread, Thread.engine, Thread.exited]
  const intent = [Thread.intentKind, Thread.intentShard, Thread.intentSlot, Thread.intentLow, Thread.intentHigh]
  const counts = [
    Thread.intentNet,
    Thread.intentWorld,
    Thread.invalidating,
    Thread.sequence,
    Thread.netWorld,
    Thread.net,
    Thread.inflight,
  ]
  return [...identity, ...intent, ...counts]
}

function shard(): number[] {
  const index = [SHARD_HEADER_BYTES, Shard.number, Shard.buckets, Shard.bucketOffset, Shard.segments]
  const space = [Shard.segmentShift, Shard.segmentsOffset, Shard.segmentHeaders]
  const ghost = [Shard.ghostOffset, Shard.ghostBuckets, Shard.ghostShift]
  const limits = [
    Shard.chunkUnits,
    Shard.chunkedLimit,
    Shard.expected,
    Shard.bytesLow,
    Shard.versionsOffset,
    Shard.versions,
  ]
  const eviction = [Shard.evictor, Shard.evictedOnce, Shard.freeSegments, Shard.openSmall, Shard.sequence]
  const hands = [HANDS, HAND_BYTES, Shard.ghostClock, Shard.smallEntries]
  const pass = [
    Shard.drained,
    Shard.passRetained,
    Shard.passSeen,
    Shard.countedWorld,
    Shard.handInUse,
    Shard.ghostLimit,
    Shard.smallFull,
    Shard.untidy,
  ]
  const sizes = [Shard.policyOffset, Shard.sketchLines, Shard.sketchHalveAt, Shard.miniEntries]
  const sampling = [Shard.sampleBelow, Shard.sampleHead, Shard.sampleTail]
  const mode = [Shard.mode, Shard.queueSegments, Shard.sketchAdded, Shard.bar, ...sampling, SKETCH_LINE_BYTES]
  const rivals = [TOURNAMENT_BYTES, Tournament.judged, Tournament.rivals, RIVAL_BYTES, Tournament.history, SWITCH_SLOTS]
  const miniatures = [MINIATURE_HEADER_BYTES, MINIATURE_ENTRY_BYTES]
  const policy = [...sizes, ...mode, SAMPLE_SLOTS, SAMPLE_BYTES, ...rivals, ...miniatures]
  return [...index, ...space, ...ghost, ...limits, ...eviction, ...hands, ...pass, ...policy]
}

function segment(): number[] {
  const words = [Segment.state, Segment.generation, Segment.sequence, Segment.cursor, Segment.world, Segment.baseLow]
  const upkeep = [Segment.liveUnits, Segment.liveEntries, Segment.epoch, Segment.deadBy]
  return [SEGMENT_HEADER_BYTES, ...words, ...upkeep, ...Object.values(SegmentState)]
}

function slotAndRecord(): number[] {
  const slot = [BUCKET_BYTES, SLOTS, BUCKET_SLOTS, SlotState.member, SlotState.busy, SlotState.removing, SLOT_DIRTY]
  const flags = [RecordFlag.expiry, RecordFlag.idle, RecordFlag.chain, RecordFlag.namespace, RecordFlag.soft]
  const record = [
    RECORD_HEADER_BYTES,
    KIND_SHIFT,
    ...flags,
    RecordFlag.cost,
    RECORD_OBSERVED,
    RECORD_DEAD,
    RECORD_LEASE,
  ]
  return [...slot, SLOT_OWNER_SHIFT, SLOT_TAG_SHIFT, ...record]
}
