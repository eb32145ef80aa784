// Threads that are older than the first import in main and load the package late, as tasks of a pool do; and blocked threads.
import { setTimeout as delay } from 'node:timers/promises'
import { Piscina } from 'piscina'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type * as Attach from '../../dist/attach/open-cache.js'
import { makeRegions, words } from './fixtures/regions.mjs'
import { Peer, Switch } from './peer.js'

let openCache: typeof Attach.openCache
/** Started before main knew the package: they inherit nothing. */
const old: Peer[] = []
let pool: Piscina

beforeAll(async () => {
  for (let i = 0; i < 3; i++) old.push(new Peer())
  await Promise.all(old.map((peer) => peer.call('id')))
  pool = new Piscina({ filename: new URL('./fixtures/task.mjs', import.meta.url).href, minThreads: 2, maxThreads: 2 })
  await delay(200)
  ;({ openCache } = await import('../../dist/attach/open-cache.js'))
})

afterAll(async () => {
  await Promise.all(old.map((peer) => peer.end()))
})

function nextOld(): Peer {
  return old.pop() as Peer
}

test('an older worker asks, and main answers from its loop', async () => {
  const cache = openCache('asked', { options: { from: 'main' } }, () => makeRegions(21))
  const peer = nextOld()
  await peer.call('import')
  const opened = await peer.open('asked')
  expect(opened).toMatchObject({ created: false, mark: 21, options: { from: 'main' } })
  expect(await peer.open('asked', {})).toMatchObject({ created: false, mark: 21 })
  cache.release()
  await peer.end()
})

test('tasks of a pool whose threads are older attach', async () => {
  const cache = openCache('pooled', { options: {} }, () => makeRegions(22))
  const marks = await Promise.all(Array.from({ length: 20 }, () => pool.run({ name: 'pooled' }, { name: 'run' })))
  expect(marks).toEqual(Array(20).fill(22))
  expect(Atomics.load(words(cache), 1)).toBe(20)
  cache.release()
  await pool.destroy()
})

test('with main blocked, another thread that is awake answers', async () => {
  const cache = openCache('two holders', { options: {} }, () => makeRegions(23))
  const holder = await Peer.loaded()
  await holder.open('two holders')
  const peer = nextOld()
  const gate = new Switch()
  const answer = peer.call<{ mark: number }>('blockImportOpen', { until: gate.words, name: 'two holders' })
  await gate.blocked()
  gate.on()
  block(1_500)
  expect(await answer).toMatchObject({ created: false, mark: 23 })
  cache.release()
  await holder.end()
  await peer.end()
})

test('with every thread blocked that knows the cache, the error names the cure, within the bound', async () => {
  // Born before the root memory, and after it but before the cache; both load the package while main is blocked.
  const older = nextOld()
  const younger = new Peer()
  await younger.call('id')
  const cache = openCache('blocked', { options: {} }, () => makeRegions(24))
  for (const stranger of [older, younger]) {
    const gate = new Switch()
    const answer = stranger.call<{ code?: string; message?: string }>('blockImportOpen', {
      until: gate.words,
      name: 'blocked',
    })
    await gate.blocked()
    gate.on()
    block(2_500)
    const opened = await answer
    expect(opened.code).toBe('OSTRAKA_ERR_ATTACH_TIMEOUT')
    expect(opened.message).toContain('Import ostraka in the main thread first')
    // No lasting harm: once main's loop turns again, the same thread attaches.
    expect(await stranger.open('blocked')).toMatchObject({ created: false, mark: 24 })
    await stranger.end()
  }
  cache.release()
})

function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}
