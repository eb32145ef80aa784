// Which mode is in force: miniatures of all candidates see the requests of the same sampled keys, and their hits are compared block by block
// (docs/slab.md 10). Evictor only. A block is half as many sampled requests as a miniature has entries. Blocks are long on purpose: which
// mode is ahead comes in runs about as long as the cache, and noise taken per request would mistake one such run for proof.
// May touch: the tournament, the miniatures, the shard's mode and sampling words.

import {
  Tournament as Field,
  Shard as Header,
  PolicyNumber,
  RIVAL_BYTES,
  RIVALS,
  Rival,
  SWITCH_BYTES,
  SWITCH_SLOTS,
  TOURNAMENT_BYTES,
} from '../layout.js'
import { miniatureBytes, sampleBelow, samplingRate } from '../policy-size.js'
import { size } from './accounting.js'
import type { Attachment } from './attachment.js'
import { BROKEN, Miniature } from './miniature.js'
import { SampleKind, taken, takeSample } from './samples.js'
import type { Shard } from './shard.js'

/** The candidates; the first is the one to start in. Where bytes are the bound: frequency per byte against the floor. */
const byEntries: readonly number[] = [
  PolicyNumber.balanced,
  PolicyNumber.frequency,
  PolicyNumber.recency,
  PolicyNumber.clock,
  PolicyNumber.scan,
]
const byBytes: readonly number[] = [PolicyNumber.light, PolicyNumber.clock]
const BYTES = 1

/** Standard errors by which a challenger must lead. */
const ERRORS = [1.4, 2.0] as const
/** What a block leaves of the leads: they are forgotten over 24 miniatures' worth of requests. */
const DECAY = 1 - 0.5 / 24
/** Blocks after which the counts of hits that are shown are halved. */
const SHOWN_BLOCKS = 96
/** Samples handed on at once. */
const SAMPLES_A_TURN = 64

const candidates = (group: number): readonly number[] => (group === BYTES ? byBytes : byEntries)
const finite = (number: number): number => (Number.isFinite(number) ? number : 0)

/** Words and numbers of the tournament of one shard, and its miniatures. */
export class Tournament {
  readonly words: Int32Array
  readonly doubles: Float64Array
  readonly miniatures: readonly Miniature[]
  private readonly at: number

  constructor(words: Int32Array, doubles: Float64Array, offset: number, entries: number) {
    this.words = words
    this.doubles = doubles
    this.at = offset
    const bytes = miniatureBytes(entries)
    const first = offset + TOURNAMENT_BYTES
    this.miniatures = Array.from({ length: RIVALS }, (_, index) => {
      return new Miniature(words, doubles, first + index * bytes, entries)
    })
  }

  get(at: number): number {
    return this.words[(this.at + at) >> 2] >>> 0
  }

  put(at: number, value: number): void {
    this.words[(this.at + at) >> 2] = value
  }

  number(at: number): number {
    return finite(this.doubles[(this.at + at) >> 3])
  }

  putNumber(at: number, value: number): void {
    this.doubles[(this.at + at) >> 3] = value
  }
}

const rivalAt = (index: number): number => Field.rivals + RIVAL_BYTES * index

/** Hands waiting samples on to the miniatures, a bounded number. Evictor only. */
export function learn(cache: Attachment, home: Shard): void {
  if (home.miniEntries === 0) return
  const seat = home.tournament
  const broken = seat.get(Field.busy) !== 0
  if (seat.get(Field.capacity) === 0 || broken) {
    const group = cache.maxEntries !== 0 ? 0 : BYTES
    begin(cache, home, broken ? seat.get(Field.group) & 1 : group)
  }
  seat.put(Field.busy, cache.me + 1)
  for (let i = 0; i < SAMPLES_A_TURN && takeSample(home); i++) {
    if (taken.kind === SampleKind.none) continue
    const group = seat.get(Field.group) & 1
    if (!show(cache, seat, group)) begin(cache, home, group)
    else if (taken.kind !== SampleKind.stored) endOfRequest(cache, home, group)
  }
  seat.put(Field.busy, 0)
}

function endOfRequest(cache: Attachment, home: Shard, group: number): void {
  const seat = home.tournament
  seat.put(Field.sampled, seat.get(Field.sampled) + 1)
  const length = seat.get(Field.blockLength) + 1
  seat.put(Field.blockLength, length)
  if (length < seat.get(Field.block)) return
  seat.put(Field.blockLength, 0)
  judge(home, seat, group)
  adjust(cache, home, group)
}

/** Hands the sample to every miniature; false when one of them is broken. */
function show(cache: Attachment, seat: Tournament, group: number): boolean {
  const units = cache.maxEntries !== 0 ? 1 : taken.units
  const capacity = seat.get(Field.capacity)
  const modes = candidates(group)
  for (let index = 0; index < modes.length; index++) {
    const mini = seat.miniatures[index] as Miniature
    mini.set(capacity, modes[index] as number)
    let hit = 0
    if (taken.kind !== SampleKind.stored) hit = mini.touch(taken.h)
    if (taken.kind === SampleKind.stored || (taken.kind === SampleKind.hit && hit === 0)) {
      if (mini.insert(taken.h, units) === BROKEN) return false
    }
    if (hit === BROKEN) return false
    if (hit === 1) seat.put(rivalAt(index) + Rival.hits, seat.get(rivalAt(index) + Rival.hits) + 1)
  }
  return true
}

/** The end of a block: whose lead is beyond doubt takes over. */
function judge(home: Shard, seat: Tournament, group: number): void {
  const modes = candidates(group)
  const current = Math.max(0, modes.indexOf(home.words[Header.mode >> 2]))
  const own = seat.get(rivalAt(current) + Rival.hits)
  const errors = ERRORS[group === BYTES ? 1 : 0]
  const block = seat.get(Field.block)
  const judged = seat.get(Field.judged) + block
  // What people are shown is of about the time that the leads are of.
  const halves = Math.floor(judged / SHOWN_BLOCKS) >= Math.max(1, block) ? 1 : 0
  seat.put(Field.judged, judged >>> halves)
  let best = current
  let most = 0
  for (let other = 0; other < modes.length; other++) {
    const at = rivalAt(other)
    const hits = seat.get(at + Rival.hits)
    const difference = hits - own
    const lead = seat.number(at + Rival.lead) * DECAY + difference
    const noise = seat.number(at + Rival.noise) * DECAY + difference * difference
    seat.putNumber(at + Rival.lead, lead)
    seat.putNumber(at + Rival.noise, noise)
    seat.put(at + Rival.hits, 0)
    seat.put(at + Rival.allHits, (seat.get(at + Rival.allHits) + hits) >>> halves)
    const beyond = lead - errors * Math.sqrt(noise)
    if (beyond > most) {
      most = beyond
      best = other
    }
  }
  if (best !== current) change(home, seat, modes, current, best)
}

function change(home: Shard, seat: Tournament, modes: readonly number[], from: number, to: number): void {
  const base = seat.number(rivalAt(to) + Rival.lead)
  const noise = seat.number(rivalAt(to) + Rival.noise)
  const [old, next] = [modes[from] as number, modes[to] as number]
  remember(seat, old, next, base, base / Math.max(1, Math.sqrt(noise)))
  for (let other = 0; other < modes.length; other++) {
    // Differences add up; noise does not, and is at least what the lead itself shows.
    const at = rivalAt(other)
    const lead = seat.number(at + Rival.lead) - base
    seat.putNumber(at + Rival.lead, lead)
    seat.putNumber(at + Rival.noise, Math.max(seat.number(at + Rival.noise), Math.abs(lead)))
  }
  seat.putNumber(rivalAt(to) + Rival.noise, 0)
  Atomics.store(home.words, Header.mode >> 2, next)
}

const float = new Float32Array(1)
const bitsOfFloat = new Int32Array(float.buffer)

/** For people who want to know why. */
function remember(seat: Tournament, from: number, to: number, lead: number, errors: number): void {
  const switches = seat.get(Field.switches)
  const at = Field.history + (switches % SWITCH_SLOTS) * SWITCH_BYTES
  seat.put(at, seat.get(Field.sampled))
  seat.put(at + 4, from | (to << 16))
  float[0] = lead
  seat.put(at + 8, bitsOfFloat[0])
  float[0] = errors
  seat.put(at + 12, bitsOfFloat[0])
  seat.put(Field.switches, switches + 1)
}

/** Where bytes are the bound, how many entries there are shows with time: another rate may fit better. */
function adjust(cache: Attachment, home: Shard, group: number): void {
  if (cache.maxEntries !== 0) return
  const seat = home.tournament
  if (home.words[Header.evictedOnce >> 2] !== 0) {
    const slots = home.miniEntries
    const madeFor = Math.max(1, seat.get(Field.entries))
    const changed = samplingRate(entriesOf(cache, home), slots) / samplingRate(madeFor, slots)
    if (changed < 0.5 || changed > 2) begin(cache, home, group)
  }
}

/** Empty miniatures, and no leads. What is known of sizes and switches stays. */
function begin(cache: Attachment, home: Shard, group: number): void {
  const seat = home.tournament
  const entries = entriesOf(cache, home)
  const rate = samplingRate(entries, home.miniEntries)
  const miniEntries = Math.max(1, Math.round(entries * rate))
  const units = Math.max(1, Math.floor(home.segments * home.segmentUnits * rate))
  if (seat.get(Field.capacity) !== 0) for (const mini of seat.miniatures) mini.clear()
  seat.put(Field.capacity, cache.maxEntries !== 0 ? miniEntries : units)
  seat.put(Field.block, Math.max(1, Math.floor(miniEntries / 2)))
  seat.put(Field.blockLength, 0)
  seat.put(Field.group, group)
  seat.put(Field.entries, entries)
  seat.put(Field.judged, 0)
  for (let index = 0; index < RIVALS; index++) {
    const at = rivalAt(index)
    seat.putNumber(at + Rival.lead, 0)
    seat.putNumber(at + Rival.noise, 0)
    seat.put(at + Rival.hits, 0)
    seat.put(at + Rival.allHits, 0)
    seat.put(at + Rival.mode, candidates(group)[index] ?? -1)
  }
  Atomics.store(home.words, Header.sampleBelow >> 2, sampleBelow(rate) | 0)
}

/** Entries that the shard holds when it is full, as far as is known. */
function entriesOf(cache: Attachment, home: Shard): number {
  const shards = cache.shards.length
  const known = home.words[Header.evictedOnce >> 2] !== 0 ? size(cache) : home.expectedEntries * shards
  return Math.max(1, Math.floor((cache.maxEntries !== 0 ? cache.maxEntries : known) / shards))
}
