// What a partition of the disk may answer, given what was done to it: kept beside it, key by key. `get` may always miss. What it may not: answer with
// anything that is not the key's latest value; or, after a crash, with anything that had been replaced, deleted, invalidated or cleared before the
// last flush that was awaited.
import { halves, type Xxh64 } from '../../src/tiers/disk/checksum.js'
import type { Partition } from '../../src/tiers/disk/partition.js'
import { plain } from '../../src/tiers/disk/record.js'

interface State {
  /** Undefined: there is nothing. */
  readonly value: string | undefined
  readonly expiry: number
  readonly tags: readonly number[]
  readonly step: number
}

interface Known {
  /** What a read may find: one state, or several when a crash has left it open. */
  current: readonly State[]
  /** What it may find after a crash. */
  afterCrash: readonly State[]
}

export interface SetOptions {
  readonly ttl?: number
  readonly tags?: readonly number[]
  /** Bytes of the value. */
  readonly size?: number
}

const gone = (step: number): State => ({ value: undefined, expiry: Infinity, tags: [], step })

export class CheckedPartition {
  partition: Partition
  hits = 0
  /** What was wrong; empty as it should be. */
  readonly faults: string[] = []
  readonly #xxh64: Xxh64
  readonly #now: () => number
  readonly #known = new Map<string, Known>()
  #step = 0

  constructor(partition: Partition, xxh64: Xxh64, now: () => number) {
    this.partition = partition
    this.#xxh64 = xxh64
    this.#now = now
  }

  set(key: string, { ttl = Infinity, tags = [], size = 20 }: SetOptions = {}): void {
    const step = ++this.#step
    const value = `${key}=${step};`.padEnd(size, 'x')
    const entry = {
      ...plain,
      key: Buffer.from(key),
      value: Buffer.from(value),
      expiry: this.partition.now() + ttl,
      tags,
      stamp: this.partition.stamp(),
    }
    const stored = this.partition.put(this.#hash(key), entry, true) === 'stored'
    this.#change(key, () => (stored ? { value, expiry: this.#now() + ttl, tags, step } : gone(step)))
  }

  remove(key: string): void {
    const step = ++this.#step
    this.partition.remove(this.#hash(key))
    this.#change(key, () => gone(step))
  }

  invalidateTags(tags: readonly number[]): void {
    const step = ++this.#step
    this.partition.invalidateTags(tags)
    for (const key of this.#known.keys()) {
      this.#change(key, (state) => (state.tags.some((tag) => tags.includes(tag)) ? gone(step) : state))
    }
  }

  clear(): void {
    const step = ++this.#step
    this.partition.clear()
    for (const key of this.#known.keys()) this.#change(key, () => gone(step))
  }

  async flush(): Promise<void> {
    const step = this.#step
    const before = new Map([...this.#known].map(([key, { current }]) => [key, current]))
    await this.partition.flush()
    for (const [key, known] of this.#known) {
      const since = known.afterCrash.filter((state) => state.step > step)
      known.afterCrash = [...(before.get(key) ?? []), ...since]
    }
  }

  /** The process is dead. Another one has opened the partition. */
  crashed(partition: Partition): void {
    this.partition = partition
    for (const known of this.#known.values()) known.current = known.afterCrash
  }

  /** The partition was closed and opened again. */
  reopened(partition: Partition): void {
    this.partition = partition
    for (const known of this.#known.values()) known.afterCrash = known.current
  }

  async check(key: string): Promise<string | undefined> {
    const before = this.#possible(key)
    const hit = await this.partition.get(this.#hash(key), Buffer.from(key))
    if (hit === undefined) return undefined
    const value = Buffer.from(hit.value).toString()
    this.hits++
    // What was done while it was read may show or not.
    const possible = [...before, ...this.#possible(key)]
    if (!possible.some((state) => state.value === value && state.expiry > this.#now())) {
      const known = possible.map(({ value, expiry }) => `${value?.slice(0, 30)} until ${expiry}`)
      this.faults.push(`read ${value.slice(0, 30)} at ${this.#now()}, possible: ${known.join(', ')}`)
    }
    return value
  }

  async checkAll(): Promise<void> {
    for (const key of this.#known.keys()) await this.check(key)
  }

  #possible(key: string): readonly State[] {
    return this.#known.get(key)?.current ?? []
  }

  #change(key: string, change: (state: State) => State): void {
    const known = this.#known.get(key) ?? { current: [gone(0)], afterCrash: [gone(0)] }
    const changed = [...new Set(known.current.map(change))]
    const fresh = changed.filter((state) => !known.current.includes(state))
    known.current = changed
    known.afterCrash = [...known.afterCrash, ...fresh]
    this.#known.set(key, known)
  }

  #hash(key: string) {
    return halves(this.#xxh64(Buffer.from(key), 1n))
  }
}
