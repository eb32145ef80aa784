// Processes whose main thread never loads the package: the root memory itself dies with the threads that know it, and a new one
// takes its place, without two at a time.
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
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

afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.end()))
})

test('one root dies with its only thread, the next thread makes another', async () => {
  for (let round = 0; round < (soak ? 500 : 10); round++) {
    const peer = await loaded()
    expect(await peer.open('x', {})).toMatchObject({ created: true, incarnation: 1 })
    await peer.end()
  }
})

test('a root whose threads are all dead is given up, though others have heard of it', async () => {
  const heard = await loaded()
  const maker = await loaded()
  expect(await maker.open('x', {})).toMatchObject({ created: true, incarnation: 1 })
  await maker.end()
  const opened = await heard.open('x', {})
  expect(opened).toMatchObject({ created: true })
  const third = await loaded()
  expect(await third.open('x')).toMatchObject({ created: false, mark: opened.mark })
  // A worker of the thread that heard of it inherits the new one.
  const child = await heard.spawn()
  await child.call('import')
  expect(await child.open('x')).toMatchObject({ created: false, mark: opened.mark })
})

test(
  'makers terminated while others attach: never two caches of one name',
  async () => {
    for (let round = 0; round < (soak ? 2_000 : 25); round++) {
      const [doomed, ...others] = await Promise.all([loaded(), loaded(), loaded(), loaded()])
      const started = doomed.call('open', { name: 'x', options: {} })
      started.catch(() => {})
      const attaching = delay(Math.random() * 3).then(() => Promise.all(others.map((peer) => peer.open('x', {}))))
      await delay(Math.random() * 4)
      await doomed.end()
      const opened = await attaching
      expect(opened.map(({ code }) => code)).toEqual([undefined, undefined, undefined])
      expect(new Set(opened.map(({ mark, incarnation }) => `${mark} ${incarnation}`)).size).toBe(1)
      for (const peer of others) await peer.call('add', { name: 'x' })
      expect(await others[0]?.call('add', { name: 'x' })).toBe(3)
      await Promise.all(peers.splice(0).map((peer) => peer.end()))
    }
  },
  WATCHDOG_MS,
)

test(
  'many threads that come and go leave places for others',
  async () => {
    const keeper = await loaded()
    await keeper.open('kept', {})
    for (let round = 0; round < (soak ? 400 : 30); round++) {
      const guests = await Promise.all(Array.from({ length: 4 }, () => Peer.loaded()))
      const opened = await Promise.all(guests.map((peer) => peer.open('kept')))
      expect(opened.map(({ created, code }) => ({ created, code }))).toEqual(
        Array(4).fill({ created: false, code: undefined }),
      )
      await Promise.all(guests.map((peer) => peer.end()))
    }
    expect(await keeper.call('isLast', { name: 'kept' })).toBe(true)
  },
  WATCHDOG_MS,
)
