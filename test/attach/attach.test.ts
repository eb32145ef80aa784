// Finding a cache by its name, with a main thread that has loaded the package first: every kind of thread, name and mistake.
import { setTimeout as delay } from 'node:timers/promises'
import { getEnvironmentData } from 'node:worker_threads'
import { afterEach, expect, test } from 'vitest'
import { openCache } from '../../dist/attach/open-cache.js'
import { makeRegions, words } from './fixtures/regions.mjs'
import { Peer, Switch } from './peer.js'

const peers: Peer[] = []
let number = 0

async function loaded(): Promise<Peer> {
  const peer = await Peer.loaded()
  peers.push(peer)
  return peer
}

/** A name of its own for every test. */
function fresh(): string {
  number++
  return `cache ${number}`
}

function create(name: string, mark = 7, options: Record<string, unknown> = { from: 'main' }) {
  return openCache(name, { options }, () => makeRegions(mark))
}

afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.end()))
})

test('a worker made later attaches and shares the memory', async () => {
  const name = fresh()
  const cache = create(name)
  expect(cache.created).toBe(true)
  const peer = await loaded()
  const theirs = await peer.open(name)
  expect(theirs).toMatchObject({ created: false, mark: 7, options: { from: 'main' }, incarnation: cache.incarnation })
  expect(await peer.call('add', { name })).toBe(0)
  expect(Atomics.load(words(cache), 1)).toBe(1)
  cache.release()
})

test("the creator's options come back, the others' are not compared here", async () => {
  const name = fresh()
  const cache = create(name, 1, { maxBytes: 5, nested: { ttl: undefined, list: [1, 'two'] } })
  const peer = await loaded()
  const theirs = await peer.open(name, { maxBytes: 6 })
  expect(theirs).toMatchObject({ created: false, options: { maxBytes: 5, nested: { list: [1, 'two'] } } })
  cache.release()
})

test('a worker that imported before the cache existed attaches, its loop having turned', async () => {
  const name = fresh()
  const peer = await loaded()
  const cache = create(name, 8)
  await delay(20)
  expect(await peer.open(name)).toMatchObject({ created: false, mark: 8 })
  cache.release()
})

test('a worker that imported before attaches in the very turn in which it was blocked meanwhile, with main blocked too', async () => {
  const name = fresh()
  const peer = await loaded()
  const gate = new Switch()
  const answer = peer.call<[{ mark: number }]>('block', { until: gate.words, next: [['open', { name }]] })
  await gate.blocked()
  const cache = create(name, 9)
  gate.on()
  // Longer than the bound of an attach: nobody in main answers meanwhile.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500)
  expect((await answer)[0]).toMatchObject({ created: false, mark: 9 })
  cache.release()
})

test('a worker that was started before anything was imported there imports late and attaches', async () => {
  const peer = new Peer()
  peers.push(peer)
  await peer.call('id')
  const name = fresh()
  const cache = create(name, 10)
  await peer.call('import')
  expect(await peer.open(name)).toMatchObject({ created: false, mark: 10 })
  cache.release()
})

test('workers of workers attach, before and after their parents', async () => {
  const name = fresh()
  const parent = await loaded()
  const child = await parent.spawn()
  const cache = create(name, 11)
  await child.call('import')
  expect(await child.open(name)).toMatchObject({ mark: 11 })
  const grandchild = await child.spawn()
  await grandchild.call('import')
  expect(await grandchild.open(name)).toMatchObject({ mark: 11 })
  expect(await parent.open(name)).toMatchObject({ mark: 11 })
  cache.release()
})

test('what a worker of a worker creates, main finds', async () => {
  const name = fresh()
  const parent = await loaded()
  const child = await parent.spawn()
  await child.call('import')
  expect(await child.open(name, {})).toMatchObject({ created: true })
  const cache = openCache(name, undefined, () => makeRegions())
  expect(cache.created).toBe(false)
  cache.release()
})

test('names with odd characters are different names', async () => {
  const names = [
    '__proto__',
    'constructor',
    'a/b',
    'A/b',
    ' ',
    'a\0',
    'a',
    'é',
    'e\u0301',
    '\ud800',
    '\udfff',
    '💠',
    '\u0100',
    '\0',
    'x'.repeat(255),
    `${'x'.repeat(254)}y`,
  ]
  const caches = names.map((name, index) => create(name, 100 + index))
  const peer = await loaded()
  for (const [index, name] of names.entries()) {
    expect(await peer.open(name), JSON.stringify(name)).toMatchObject({ created: false, mark: 100 + index })
  }
  for (const cache of caches) cache.release()
})

test.each([[''], ['x'.repeat(256)], [undefined], [5], [Symbol('s')]])('a bad name is refused: %s', (name) => {
  expect(() => openCache(name as string, undefined, () => makeRegions())).toThrow(
    expect.objectContaining({ code: 'OSTRAKA_ERR_INVALID_OPTION' }),
  )
})

test('many names, and one too many', () => {
  const caches = []
  let refused: unknown
  for (let i = 0; i < 600 && refused === undefined; i++) {
    try {
      caches.push(create(`many ${i}`, i))
    } catch (error) {
      refused = error
    }
  }
  expect(refused).toMatchObject({ code: 'OSTRAKA_ERR_TOO_MANY_CACHES' })
  expect(caches).toHaveLength(512)
  for (const [i, cache] of caches.entries()) {
    const again = openCache(`many ${i}`, undefined, () => makeRegions())
    expect(words(again)[0]).toBe(i)
    again.release()
    expect(cache.release()).toBe(true)
  }
  expect(create('many again').release()).toBe(true)
})

test('a name that nobody holds is an error within the bound', () => {
  expect(() => openCache(fresh(), undefined, () => makeRegions())).toThrow(
    expect.objectContaining({ code: 'OSTRAKA_ERR_NO_CACHE' }),
  )
})

test('without options a thread waits for the one that is about to be created', async () => {
  const name = fresh()
  const peer = await loaded()
  const answer = peer.open(name)
  await delay(100)
  const cache = create(name, 12)
  expect(await answer).toMatchObject({ created: false, mark: 12 })
  cache.release()
})

test('when create throws, the error passes through and the name is free', async () => {
  const name = fresh()
  const failure = new Error('no memory today')
  expect(() =>
    openCache(name, { options: {} }, () => {
      throw failure
    }),
  ).toThrow(failure)
  const peer = await loaded()
  expect(await peer.open(name, {})).toMatchObject({ created: true })
})

test('options that cannot travel are refused and leave the name free', () => {
  const name = fresh()
  expect(() => openCache(name, { options: { f: () => 1 } }, () => makeRegions())).toThrow()
  const cache = create(name, 13)
  expect(cache.created).toBe(true)
  cache.release()
})

test('two copies of the package in one thread share the cache', async () => {
  const name = fresh()
  const peer = new Peer()
  peers.push(peer)
  await peer.call('import', { copy: '?first' })
  expect(await peer.open(name, {})).toMatchObject({ created: true })
  await peer.call('import', { copy: '?second' })
  expect(await peer.open(name, {})).toMatchObject({ created: false })
  expect(await peer.call('release', { name })).toBe(false)
  expect(await peer.call('release', { name })).toBe(true)
})

test('what new workers inherit names the open caches and no others', () => {
  const key = String(
    Object.getOwnPropertySymbols(globalThis)
      .map((symbol) => symbol.description)
      .find((text) => text?.startsWith('ostraka/')),
  )
  const names = () =>
    (getEnvironmentData(key) as unknown as { roots: { caches: { name: string }[] }[] }).roots.flatMap(({ caches }) =>
      caches.map((cache) => cache.name),
    )
  const name = fresh()
  const cache = create(name)
  expect(names()).toContain(name)
  cache.release()
  expect(names()).not.toContain(name)
})
