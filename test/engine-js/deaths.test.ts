// A thread that dies at any step of any operation: every call of Atomics and of the kernel is one step, and the dying engine stops before
// the n-th, for each n. The others must find the old value or the new one, an exact count, and all of the memory.
import { afterEach, describe, expect, it } from 'vitest'
import { createRegions, type RegionOptions } from '../../src/engine/create.js'
import { type Engine, Kind, Mode, Status } from '../../src/engine/engine.js'
import { attachJs } from '../../src/engine/js/engine.js'
import {
  Control,
  SEGMENT_STATE_MASK,
  Segment,
  SegmentState,
  Shard,
  THREAD_BYTES,
  Thread,
} from '../../src/engine/layout.js'
import { allKeys, bytesOf, MIB, pattern, set } from './harness.js'

class Death extends Error {}

/** No thread has this number: the kernel's limit is 2^22. */
const NOBODY = 99_999_999
const ATOMICS = ['load', 'store', 'add', 'sub', 'or', 'and', 'exchange', 'compareExchange'] as const
const real = Object.fromEntries(ATOMICS.map((name) => [name, Atomics[name]]))

afterEach(() => {
  Object.assign(Atomics, real)
})

interface Inside {
  cache: { me: number; control: Int32Array; shards: { kernel: Record<string, (...values: number[]) => number> }[] }
}

/** Runs `work` on the engine until its n-th step; true when it died there. Its line then belongs to a thread that is no more. */
function dieAt(engine: Engine, steps: number, work: () => void): boolean {
  const { cache } = engine as unknown as Inside
  let left = steps
  const step = () => {
    if (left-- === 0) throw new Death()
  }
  for (const name of ATOMICS) {
    const call = real[name] as (...values: unknown[]) => number
    Object.assign(Atomics, {
      [name]: (...values: unknown[]) => {
        step()
        return call(...values)
      },
    })
  }
  const kernels = cache.shards.map((shard) => shard.kernel)
  for (const [i, shard] of cache.shards.entries()) {
    const stepping = Object.entries(kernels[i]).map(([name, call]) => [
      name,
      (...values: number[]) => {
        step()
        return call(...values)
      },
    ])
    shard.kernel = Object.fromEntries(stepping)
  }
  try {
    work()
    return false
  } catch (error) {
    if (!(error instanceof Death)) throw error
    return true
  } finally {
    Object.assign(Atomics, real)
    for (const [i, shard] of cache.shards.entries()) shard.kernel = kernels[i]
    cache.control[(Control.threads + cache.me * THREAD_BYTES + Thread.id) >> 2] = NOBODY
  }
}

const OLD = 'old'.repeat(20)
const NEW = 'new'.repeat(20)
const OTHER = 'other'.repeat(10)
const CHAIN_OLD = pattern(20_000, 1)
const CHAIN_NEW = pattern(30_000, 2)
const KEYS = Array.from({ length: 30 }, (_, i) => `key${i}`)

interface Case {
  readonly name: string
  readonly options?: Partial<RegionOptions>
  readonly before?: (engine: Engine) => void
  readonly work: (engine: Engine) => void
  /** What `key0` may read as afterwards, beside being absent where `mayBeGone`. */
  readonly allowed: readonly (string | Uint8Array)[]
  readonly mayBeGone: boolean
  /** Only every so many steps is tried, where there are thousands. */
  readonly every?: number
}

const fill = (engine: Engine, count: number) => {
  for (let i = 0; i < count; i++) set(engine, `fill${i}`, 'f'.repeat(100))
}
const setChain = (engine: Engine, bytes: Uint8Array) => engine.writeBytes('key0', bytes, Kind.bytes, Mode.set, -1, -1)
const absent = (engine: Engine) => {
  engine.delete('key0')
}

const cases: Case[] = [
  { name: 'a first set', before: absent, work: (e) => set(e, 'key0', NEW), allowed: [NEW], mayBeGone: true },
  { name: 'an overwrite', work: (e) => set(e, 'key0', NEW), allowed: [OLD, NEW], mayBeGone: false },
  {
    name: 'an add',
    before: absent,
    work: (e) => e.writeString('key0', NEW, Mode.add, -1, -1),
    allowed: [NEW],
    mayBeGone: true,
  },
  { name: 'a delete', work: (e) => e.delete('key0'), allowed: [OLD], mayBeGone: true },
  { name: 'a take', work: (e) => e.take('key0'), allowed: [OLD], mayBeGone: true },
  { name: 'a read', work: (e) => e.read('key0', true), allowed: [OLD], mayBeGone: false },
  { name: 'a touch', work: (e) => e.touch('key0', 1000, -1), allowed: [OLD], mayBeGone: false },
  { name: 'a clear and a set', work: (e) => [e.clear(), set(e, 'key0', NEW)], allowed: [OLD, NEW], mayBeGone: true },
  {
    name: 'a first set, entries counted',
    options: { maxEntries: 40 },
    before: absent,
    work: (e) => set(e, 'key0', NEW),
    allowed: [NEW],
    mayBeGone: true,
  },
  {
    name: 'a delete, entries counted',
    options: { maxEntries: 40 },
    work: (e) => e.delete('key0'),
    allowed: [OLD],
    mayBeGone: true,
  },
  {
    name: 'sets that evict entries',
    options: { maxEntries: 30 },
    work: (e) => fill(e, 6),
    allowed: [OLD],
    mayBeGone: true,
    every: 2,
  },
  {
    name: 'sets that evict segments',
    before: (e) => fill(e, 6500),
    work: (e) => {
      for (let i = 0; i < 120; i++) set(e, `more${i}`, 'm'.repeat(100))
    },
    allowed: [OLD],
    mayBeGone: true,
    every: 97,
  },
  {
    name: 'a set of a large value',
    before: absent,
    work: (e) => setChain(e, CHAIN_NEW),
    allowed: [CHAIN_NEW],
    mayBeGone: true,
    every: 2,
  },
  {
    name: 'an overwrite of a large value',
    before: (e) => setChain(e, CHAIN_OLD),
    work: (e) => setChain(e, CHAIN_NEW),
    allowed: [CHAIN_OLD, CHAIN_NEW],
    mayBeGone: false,
    every: 2,
  },
  {
    name: 'a delete of a large value',
    before: (e) => setChain(e, CHAIN_OLD),
    work: (e) => e.delete('key0'),
    allowed: [CHAIN_OLD],
    mayBeGone: true,
  },
  {
    name: 'a relocation of a large value',
    before: (e) => [setChain(e, CHAIN_OLD), fill(e, 800)],
    work: (e) => e.touch('key0', 99, -1),
    allowed: [CHAIN_OLD],
    mayBeGone: true,
  },
]

function must(holds: boolean, what: string): void {
  if (!holds) expect.fail(what)
}

function checkValue(engine: Engine, { allowed, mayBeGone }: Case, at: string): void {
  const text = engine.read('key0', false)
  if (text === undefined) {
    must(mayBeGone, `${at}: the entry is gone`)
    return
  }
  const seen = typeof text === 'string' ? text : bytesOf(engine, 'key0')
  const known = allowed.some((value) =>
    typeof value === 'string' || typeof seen === 'string'
      ? value === seen
      : Buffer.compare(value, seen as Uint8Array) === 0,
  )
  must(known, `${at}: a value that nobody wrote`)
}

/** The survivors: exact counts, and one place a key. */
function checkCounts(engine: Engine, at: string): void {
  const keys = allKeys(engine)
  must(new Set(keys).size === keys.length, `${at}: a key stands twice`)
  must(engine.size === keys.length, `${at}: size is ${engine.size}, there are ${keys.length} keys`)
  for (const key of KEYS) {
    const was = keys.includes(key)
    must(engine.delete(key) === was && !engine.has(key), `${at}: ${key} is not what it was, or comes back`)
  }
}

/** Every bound is reached again, and no segment is left in the hands of the dead. */
function checkMemory(engine: Engine, regions: ReturnType<typeof createRegions>, maxEntries: number, at: string): void {
  for (let i = 0; i < maxEntries * 2; i++) must(set(engine, `again${i}`, 'a') === Status.stored, `${at}: refused`)
  must(engine.size === maxEntries || maxEntries === 0, `${at}: ${engine.size} of ${maxEntries} entries`)
  for (let i = 0; i < 1500; i++) set(engine, `churn${i}`, 'c'.repeat(100))
  must(allKeys(engine).length === engine.size, `${at}: entries were lost on the way`)
  // A cache bounded by entries would take minutes to write all of its memory once.
  if (maxEntries > 0) return
  engine.clear()
  for (let i = 0; i < 7000; i++) must(set(engine, `last${i}`, 'l'.repeat(100)) === Status.stored, `${at}: refused`)
  const words = new Int32Array(regions.shards[0].buffer)
  const headers = words[Shard.segmentHeaders >> 2] >> 2
  for (let i = 0; i < words[Shard.segments >> 2]; i++) {
    const kind = words[headers + i * 16 + (Segment.state >> 2)] & SEGMENT_STATE_MASK
    const lost = kind === SegmentState.opening || kind === SegmentState.building || kind === SegmentState.chain
    must(!lost, `${at}: segment ${i} is lost in state ${kind}`)
  }
}

/** One try: the state before, the death, and all that must hold then. False when the operation ended before the death. */
function tryStep(test: Case, steps: number, changedFirst: boolean, withMemory: boolean): boolean {
  const regions = createRegions({ maxBytes: MIB, manualClock: true, seed: { low: 3, high: 4 }, ...test.options })
  const engine = attachJs(regions)
  for (const key of KEYS) set(engine, key, OLD)
  const mortal = attachJs(regions)
  test.before?.(mortal)
  const died = dieAt(mortal, steps, () => test.work(mortal))
  const at = `step ${steps}${changedFirst ? ', changed before healing' : ''}`
  checkValue(engine, test, `${at}, before healing`)
  // A survivor may meet what the dead left before anybody knows of the death.
  if (changedFirst) must(set(engine, 'key0', OTHER) === Status.stored, `${at}: refused`)
  const heir = attachJs(regions)
  checkValue(heir, changedFirst ? { ...test, allowed: [OTHER], mayBeGone: false } : test, at)
  checkCounts(heir, at)
  if (withMemory || !died) checkMemory(heir, regions, test.options?.maxEntries ?? 0, at)
  return died
}

describe('a death at every step of', () => {
  it.each(cases)('$name', (test) => {
    const every = test.every ?? 1
    for (const changedFirst of [false, true]) {
      let steps = 0
      // A look at all of the memory takes a thousand times as long as the operation: for some of the steps only.
      while (tryStep(test, steps, changedFirst, !changedFirst && steps % (every * 6) === 0)) steps += every
      // An operation of no steps would prove nothing.
      must(steps > 2, 'nothing was tried')
    }
  })
})
