// kill -9 of a process with more than a hundred operations in flight, again and again on one path: every value read afterwards was written for its key, and was
// not replaced, deleted or invalidated before a flush that had resolved. The same check notices a log that only forgets what is deleted.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { DiskStore } from '../../src/tiers/disk/disk-store.js'

const rounds = process.env['OSTRAKA_SOAK'] ? 500 : 10
const fixture = fileURLToPath(new URL('fixtures/writer.mjs', import.meta.url))
let folder: string

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'ostraka-killed-'))
})
afterEach(() => {
  rmSync(folder, { recursive: true, force: true })
})

interface State {
  readonly number: number
  readonly value: number | undefined
  readonly tag: number | undefined
}

/** What each key may hold, from the lines of the dead. */
class Expected {
  readonly #states = new Map<string, State[]>()
  #flushed = 0
  number = 0
  inFlight = 0
  warm = 0
  refused = 0

  read(line: string): void {
    const [what, first = '', second = '', third = ''] = line.split(' ')
    const number = Number(first)
    if (what === 'state') {
      expect(first).toBe('up')
      if (second === 'warm') this.warm++
      return
    }
    if (what === 'flushed') {
      this.#flushed = Math.max(this.#flushed, number)
      this.inFlight = Math.max(this.inFlight, Number(second))
      return
    }
    if (what === 'refused') {
      this.refused++
      for (const [key, states] of this.#states) {
        const changed = states.map((one) => (one.number === number ? { ...one, value: undefined } : one))
        this.#states.set(key, changed)
      }
      return
    }
    this.number = Math.max(this.number, number)
    if (what === 'set') this.#push(second, { number, value: number, tag: Number(third) })
    else if (what === 'remove') this.#push(second, { number, value: undefined, tag: undefined })
    else if (what === 'invalidate') {
      for (const [key, states] of this.#states) {
        if (states.at(-1)?.tag === Number(second)) this.#push(key, { number, value: undefined, tag: undefined })
      }
    }
  }

  /** What is wrong with this value; and from here on it is what the key holds. */
  check(key: string, text: string | undefined): string | undefined {
    const states = this.#states.get(key) ?? []
    const last = states.filter(({ number }) => number <= this.#flushed).at(-1)
    const possible = [...(last ? [last] : []), ...states.filter(({ number }) => number > this.#flushed)]
    const [named, number] = text?.split(' ') ?? []
    const found = possible.find(({ value }) => value === Number(number))
    const wrong = text !== undefined && (named !== key || found === undefined)
    this.#states.set(key, [{ number: 0, value: found?.value, tag: found?.tag }])
    return wrong ? `${key} holds ${number}, may hold ${possible.map(({ value }) => value).join(', ')}` : undefined
  }

  /** All is known again. */
  settled(): void {
    this.#flushed = this.number
  }

  #push(key: string, state: State): void {
    const states = this.#states.get(key) ?? []
    states.push(state)
    this.#states.set(key, states)
  }
}

async function round(expected: Expected, mutant: boolean): Promise<{ faults: string[]; hits: number }> {
  const argument = JSON.stringify({ folder, first: expected.number, mutant })
  const child = spawn(process.execPath, [fixture, argument], { stdio: ['ignore', 'pipe', 'inherit'] })
  const parts: Buffer[] = []
  let flushed = false
  child.stdout.on('data', (part: Buffer) => {
    parts.push(part)
    // Some time after it has begun in earnest, at any moment.
    if (!flushed && part.includes('flushed')) {
      flushed = true
      setTimeout(() => child.kill('SIGKILL'), 20 + Math.random() * 150)
    }
  })
  await once(child, 'close')
  // The last line may be cut: its operation had not begun.
  for (const line of Buffer.concat(parts).toString().split('\n').slice(0, -1)) expected.read(line)
  const store = await DiskStore.open({ path: folder, maxBytes: 2 ** 20, flushInterval: 20, strict: false, sync: false })
  const faults: string[] = []
  let hits = 0
  try {
    await store.loaded()
    expect(store.stats()).toMatchObject({ state: 'up', partitions: [{ state: 'up', coldStart: undefined }] })
    for (let n = 0; n < 60; n++) {
      const hit = await store.get(Buffer.from(`k${n}`))
      if (hit) hits++
      const fault = expected.check(`k${n}`, hit && Buffer.from(hit.value).toString())
      if (fault) faults.push(fault)
    }
    expected.settled()
  } finally {
    await store.close()
  }
  return { faults, hits }
}

describe('a process that is killed', () => {
  test('loses nothing that was flushed, and brings nothing back', async () => {
    const expected = new Expected()
    let hits = 0
    for (let n = 0; n < rounds; n++) {
      const result = await round(expected, false)
      expect(result.faults, `round ${n}`).toEqual([])
      hits += result.hits
    }
    expect(expected.inFlight).toBeGreaterThanOrEqual(100)
    expect(expected.warm).toBeGreaterThanOrEqual(rounds - 1)
    expect(hits).toBeGreaterThan(10 * rounds)
  })

  test('that only forgot what it deleted is found out', async () => {
    const expected = new Expected()
    for (let n = 0; n < 20; n++) if ((await round(expected, true)).faults.length > 0) return
    expect.unreachable('twenty rounds without a fault')
  })
})
