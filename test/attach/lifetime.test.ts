// How long a cache lives: while a living thread holds it, whatever deaths there are on the way, and not longer.
import { setTimeout as delay } from 'node:timers/promises'
import { getEnvironmentData } from 'node:worker_threads'
import { afterEach, expect, test } from 'vitest'
import { openCache } from '../../dist/attach/open-cache.js'
import { KEY } from '../../src/attach/wire.js'
import { makeRegions, words } from './fixtures/regions.mjs'
import { Peer } from './peer.js'

const soak = process.env['OSTRAKA_SOAK'] !== undefined
/** For the tests that start hundreds of threads, on a machine that is busy with other things. */
const WATCHDOG_MS = soak ? 3_600_000 : 300_000
const peers: Peer[] = []

async function loaded(): Promise<Peer> {
  const peer = await Peer.loaded()
  peers.push(peer)
  return peer
}

function open(name: string, mark = 1) {
  return openCache(name, { options: {} }, () => makeRegions(mark))
}

afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.end()))
})

test('the last to leave closes; then the name is free and the next life is another', async () => {
  const first = open('last', 1)
  const peer = await loaded()
  await peer.open('last')
  expect(first.isLast()).toBe(false)
  expect(first.release()).toBe(false)
  expect(first.closed).toBe(false)
  expect(await peer.call('isLast', { name: 'last' })).toBe(true)
  expect(await peer.call('release', { name: 'last' })).toBe(true)
  expect(first.closed).toBe(true)
  const second = open('last', 2)
  expect(second).toMatchObject({ created: true, closed: false })
  expect(second.incarnation).toBeGreaterThan(first.incarnation)
  expect(first.release()).toBe(false)
  expect(second.release()).toBe(true)
})

test('release counts handles, and each one only once', () => {
  const one = open('counted')
  const two = open('counted')
  expect(two.created).toBe(false)
  expect(one.release()).toBe(false)
  expect(one.release()).toBe(false)
  expect(two.closed).toBe(false)
  expect(two.release()).toBe(true)
})

test('closing for all frees the name at once and is seen by everybody', async () => {
  const mine = open('for all', 1)
  const peer = await loaded()
  await peer.open('for all')
  mine.closeAll()
  mine.closeAll()
  expect(mine.closed).toBe(true)
  expect(await peer.call('closed', { name: 'for all' })).toBe(true)
  // The other still has its handle on the old one while a new one lives; leaving the old does not touch the new.
  const anew = open('for all', 2)
  expect(anew).toMatchObject({ created: true, closed: false })
  expect(await peer.call('release', { name: 'for all' })).toBe(false)
  expect(anew.closed).toBe(false)
  expect(await peer.open('for all')).toMatchObject({ created: false, mark: 2 })
  anew.release()
})

test('the creator may leave or die first', async () => {
  const creator = await loaded()
  await creator.open('orphaned', {})
  const cache = openCache('orphaned', undefined, () => makeRegions())
  await creator.end()
  expect(cache.isLast()).toBe(true)
  Atomics.store(words(cache), 2, 5)
  const peer = await loaded()
  await peer.open('orphaned')
  expect(await peer.call('add', { name: 'orphaned', word: 2 })).toBe(5)
  expect(cache.release()).toBe(false)
})

test('a terminated holder does not count', async () => {
  for (let round = 0; round < (soak ? 1_000 : 15); round++) {
    const peer = await loaded()
    const theirs = await peer.open('terminated', {})
    expect(theirs.created).toBe(true)
    await peer.end()
    let cache = open('terminated', 1_000_000 + round)
    // Word of its exit may still be on its way to whoever is asked.
    await until(() => {
      if (cache.created) return true
      cache.release()
      cache = open('terminated', 1_000_000 + round)
      return cache.created
    })
    expect(cache).toMatchObject({ created: true })
    expect(cache.incarnation).toBeGreaterThan(theirs.incarnation)
    expect(words(cache)[0]).toBe(1_000_000 + round)
    expect(cache.release()).toBe(true)
  }
})

test("a dead thread's cache is forgotten by its parent without anybody asking for it", async () => {
  const peer = await loaded()
  await peer.open('forgotten', {})
  expect(await until(() => inherited().includes('forgotten'))).toBe(true)
  await peer.end()
  expect(await until(() => !inherited().includes('forgotten'))).toBe(true)
})

test('a thread that only heard of a cache forgets it when it is closed', async () => {
  const peer = await loaded()
  const cache = open('heard of')
  expect(await until(async () => (await heardBy(peer)).includes('heard of'))).toBe(true)
  cache.release()
  expect(await until(async () => !(await heardBy(peer)).includes('heard of'))).toBe(true)
})

test('an announcement that comes after the end is ignored', async () => {
  const gone = open('stale', 1)
  const peer = await loaded()
  const late = inheritance().find(({ caches }) => caches.some(({ name }) => name === 'stale'))
  const cache = late?.caches.find(({ name }) => name === 'stale')
  gone.release()
  const say = { type: 'cache', root: late?.root, cache }
  await peer.call('say', { key: KEY, message: say })
  const next = open('stale', 2)
  await peer.call('say', { key: KEY, message: say })
  await delay(20)
  expect(inheritance().flatMap(({ caches }) => caches.filter(({ name }) => name === 'stale'))).toHaveLength(1)
  const other = await loaded()
  expect(await other.open('stale')).toMatchObject({ created: false, mark: 2, incarnation: next.incarnation })
  next.release()
})

test('what others say on the channel that is no message of ours does no harm', async () => {
  const peer = await loaded()
  for (const message of [
    null,
    5,
    'root',
    {},
    { type: 'root' },
    { type: 'root', root: new SharedArrayBuffer(8) },
    { type: 'nonsense' },
  ]) {
    await peer.call('say', { key: KEY, message })
  }
  await delay(20)
  const cache = open('after noise')
  expect(cache.created).toBe(true)
  cache.release()
})

test('hundreds of lives of one name in one thread', () => {
  let last = 0
  for (let round = 0; round < 500; round++) {
    const cache = open('lives', round)
    expect(cache.created).toBe(true)
    expect(cache.incarnation).toBeGreaterThan(last)
    last = cache.incarnation
    expect(cache.release()).toBe(true)
  }
})

test(
  'workers terminated at any moment of attaching and leaving do not wedge the name',
  async () => {
    const cache = open('churned', 77)
    for (let round = 0; round < (soak ? 2_000 : 40); round++) {
      const doomed = [new Peer(), new Peer()]
      // Terminated workers answer no more.
      for (const peer of doomed) peer.call('churn', { names: ['churned', 'fleeting'] }).catch(() => {})
      await delay(25 + Math.random() * 30)
      await Promise.all(doomed.map((peer) => peer.end()))
      const again = open('fleeting', round)
      expect(again.created).toBe(true)
      expect(again.release()).toBe(true)
    }
    expect(cache.isLast()).toBe(true)
    const peer = await loaded()
    expect(await peer.open('churned')).toMatchObject({ created: false, mark: 77 })
    cache.release()
  },
  WATCHDOG_MS,
)

interface Inherited {
  readonly root: SharedArrayBuffer
  readonly caches: readonly { readonly name: string }[]
}

function inheritance(): readonly Inherited[] {
  return (getEnvironmentData(KEY) as unknown as { roots: Inherited[] }).roots
}

function inherited(): string[] {
  return inheritance().flatMap(({ caches }) => caches.map(({ name }) => name))
}

function heardBy(peer: Peer): Promise<string[]> {
  return peer.call('inherited', { key: KEY })
}

async function until(condition: () => boolean | Promise<boolean>): Promise<boolean> {
  for (let tries = 0; tries < 2_000; tries++) {
    if (await condition()) return true
    await delay(5)
  }
  return false
}
