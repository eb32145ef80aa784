// The side of owners that lives in every thread which has the cache open: sees to it that there are as many as there should be. Whoever looks
// first starts one that is missing, also in the place of one whose creator is gone. Starts workers; one timer a thread, which keeps nothing
// alive. May touch: the owners' memory, and the hints in the shards' headers that tell whether there is any work.
import { clearInterval, setInterval, setTimeout } from 'node:timers'
import { Worker } from 'node:worker_threads'
import type { Regions } from '../engine/create.js'
import { Shard } from '../engine/layout.js'
import type { OwnerData } from './owner-data.js'
import { Row, State } from './owner-layout.js'
import { OwnerMemory } from './owner-memory.js'

const CHECK_MS = 250
/** An owner that has not said for so long that it lives is late; it sleeps for a quarter of that at most. */
const LATE_MS = 2_000
/** How long `ready` waits for owners that do not come. */
const READY_BOUND_MS = 5_000
/** How long closing a cache for all waits until the owners that this thread started are gone. */
const END_BOUND_MS = 1_000
/** Upkeep needs little of V8's heap; what is cached lies outside of it. */
const LIMITS = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 4, codeRangeSizeMb: 16 }

// Of the built package also where its source is run by a test runner: a worker knows nothing of that one's loader.
const BUILT = import.meta.url.endsWith('.ts') ? '../../dist/workers/owner.js' : '../workers/owner.js'
const ENTRY = new URL(BUILT, import.meta.url)

/** What an owner is doing. `waiting`: there has been no work for it. `late`: bypassed, since it has not moved for two seconds. */
export type OwnerState = 'waiting' | 'starting' | 'running' | 'asleep' | 'late' | 'failed'

export interface OwnerStatus {
  readonly index: number
  readonly state: OwnerState
  /** Starts after the first. */
  readonly restarts: number
  /** Milliseconds since it last said that it lives; undefined when it does not run. */
  readonly heartbeatAge: number | undefined
  /** Shards that are dealt to it. */
  readonly shards: number
  /** Turns of upkeep that found work, in its present life and those before, */
  readonly turns: number
  /** and the milliseconds that its present life has worked. */
  readonly busyMs: number
}

export interface Supervised {
  readonly name: string
  readonly engine: 'native' | 'js'
  readonly regions: Regions
  readonly owners: SharedArrayBuffer
  /** Start them at once, and not only when there is work. */
  readonly atOnce: boolean
}

const supervised = new Set<Supervisor>()
let timer: NodeJS.Timeout | undefined

/** One thread's part in looking after the owners of one cache. */
export class Supervisor {
  readonly memory: OwnerMemory
  readonly #cache: Supervised
  readonly #shards: Int32Array[]
  /** Workers of this thread that have not exited. */
  readonly #workers = new Set<Worker>()
  #failure: string | undefined
  /** Segments opened, over all shards, when last looked at. */
  #opened = 0
  #left = false

  constructor(cache: Supervised) {
    this.#cache = cache
    this.memory = new OwnerMemory(cache.owners)
    this.#shards = cache.regions.shards.map((shard) => new Int32Array(shard.buffer))
    supervised.add(this)
    timer ??= setInterval(checkAll, CHECK_MS).unref()
    if (cache.atOnce) {
      this.memory.setNeeded()
      this.check()
    }
  }

  /** Starts what is missing. Some microseconds; more where an owner has to be proven dead. */
  check(): void {
    const { memory } = this
    if (this.#left) return
    if (!memory.needed) {
      if (!this.#shards.some(hasWork)) return
      memory.setNeeded()
    }
    const opened = this.#shards.reduce((sum, shard) => (sum + (shard[Shard.sequence >> 2] as number)) | 0, 0)
    const isWritten = opened !== this.#opened
    this.#opened = opened
    for (let index = 0; index < memory.count; index++) {
      memory.inspect(index)
      if (memory.state(index) === State.vacant) this.#start(index)
      else if (isWritten && memory.read(index, Row.asleep) === 1) memory.ring(index)
    }
  }

  /** Why the last start in this thread came to nothing. */
  get failure(): string | undefined {
    return this.#failure
  }

  status(): OwnerStatus[] {
    return Array.from({ length: this.memory.count }, (_, index) => this.#statusOf(index))
  }

  /** Resolves when all owners run or are known not to, after 5 s at the latest. Keeps the process alive until then. */
  async ready(): Promise<void> {
    const until = performance.now() + READY_BOUND_MS
    const pending = () => this.status().some(({ state }) => state === 'starting')
    while (!this.#left && pending() && performance.now() < until) await new Promise((done) => setTimeout(done, 2))
  }

  /** This thread has closed its last handle. Owners that it has started go on, for those who hold the cache. */
  leave(): void {
    this.#left = true
    supervised.delete(this)
    if (supervised.size > 0) return
    clearInterval(timer)
    timer = undefined
  }

  /** The cache is closed: owners end. Resolves when those of this thread have, or after a second. */
  async end(): Promise<void> {
    this.memory.ringAll()
    const exits = [...this.#workers].map((worker) => {
      // For these milliseconds only: a caller who awaits it must not find the process gone.
      worker.ref()
      return new Promise<void>((done) => worker.once('exit', () => done()))
    })
    if (exits.length === 0) return
    let bound: NodeJS.Timeout | undefined
    await Promise.race([
      Promise.all(exits),
      new Promise<void>((done) => {
        bound = setTimeout(done, END_BOUND_MS)
      }),
    ])
    clearTimeout(bound)
    for (const worker of this.#workers) worker.unref()
  }

  #start(index: number): void {
    const { memory } = this
    const epoch = memory.claimStart(index)
    if (epoch === 0) return
    const { name, engine, regions, owners } = this.#cache
    const workerData: OwnerData = {
      cache: name,
      index,
      epoch,
      engine,
      regions,
      memory: owners,
      channel: regions.channel,
    }
    try {
      const worker = new Worker(ENTRY, {
        name: `ostraka ${name} ${index}`,
        workerData,
        resourceLimits: LIMITS,
        // Nothing of the program's: no preloaded modules, no hooks, no coverage, no secrets.
        execArgv: [],
        env: ownEnvironment(),
        stdout: true,
        stderr: true,
      })
      this.#workers.add(worker)
      worker.on('error', (error) => {
        this.#failure = error instanceof Error ? error.message : String(error)
      })
      worker.once('exit', () => {
        this.#workers.delete(worker)
        memory.bury(index, epoch)
        this.check()
      })
      worker.unref()
    } catch (error) {
      this.#failure = error instanceof Error ? error.message : String(error)
      memory.bury(index, epoch)
    }
  }

  #statusOf(index: number): OwnerStatus {
    const { memory } = this
    const state = memory.state(index)
    const starts = memory.read(index, Row.starts)
    const runs = state === State.running
    const heartbeatAge = runs ? memory.quietFor(index) : undefined
    return {
      index,
      state: this.#stateOf(index, state, heartbeatAge ?? 0),
      restarts: Math.max(0, starts - 1),
      heartbeatAge,
      shards: runs ? memory.read(index, Row.shards) : 0,
      turns: memory.read(index, Row.turns) >>> 0,
      busyMs: memory.read(index, Row.busyMs) >>> 0,
    }
  }

  #stateOf(index: number, state: number, heartbeatAge: number): OwnerState {
    if (state === State.starting) return 'starting'
    if (state === State.vacant) {
      if (this.memory.read(index, Row.failures) > 1) return 'failed'
      return this.memory.needed ? 'starting' : 'waiting'
    }
    if (heartbeatAge > LATE_MS) return 'late'
    return this.memory.read(index, Row.asleep) === 1 ? 'asleep' : 'running'
  }
}

function checkAll(): void {
  for (const supervisor of supervised) supervisor.check()
}

/** Whether something has been evicted here or soon will be. */
function hasWork(shard: Int32Array): boolean {
  const free = shard[Shard.freeSegments >> 2] as number
  return shard[Shard.evictedOnce >> 2] !== 0 || free < (shard[Shard.segments >> 2] as number) >> 4
}

function ownEnvironment(): NodeJS.ProcessEnv {
  const addon = process.env['OSTRAKA_ADDON']
  return addon === undefined ? {} : { OSTRAKA_ADDON: addon }
}
