// getOrSet on a memory hit against the await of a resolved promise, which is the least that anything asynchronous costs.
import { engines, ours } from '../caches.mjs'
import { figure, median, ns, randomOrder, report, reusedKeys, sink } from '../harness.mjs'

const OPERATIONS = 200_000
/** Few enough to lie in the processor's caches: what is measured is the way of a hit, not the memory. */
const ENTRIES = 256
const rows = []
const order = randomOrder(OPERATIONS, ENTRIES)
const keys = reusedKeys(ENTRIES)
const resolved = Promise.resolve({ id: 1 })

async function timed(work) {
  const start = process.hrtime.bigint()
  sink.value += await work()
  return Number(process.hrtime.bigint() - start) / OPERATIONS
}

/** As `duel` of the harness, for work that awaits. */
async function duel(ours, theirs) {
  for (let warm = 0; warm < 2; warm++) for (const work of [ours, theirs]) await timed(work)
  const a = []
  const b = []
  for (let round = 0; round < 9; round++) {
    a.push(await timed(ours))
    b.push(await timed(theirs))
  }
  return { ours: median(a), theirs: median(b), ratio: median(a.map((value, index) => value / b[index])) }
}

async function awaitResolved() {
  let sum = 0
  for (let i = 0; i < OPERATIONS; i++) sum += (await resolved).id
  return sum
}

const loader = () => {
  throw new Error('all of them are there')
}

for (const engine of engines) {
  for (const [what, options, value, near, mostOfAwait, mostOfGet] of [
    ['an object, near', undefined, { id: 1, name: 'somebody' }, {}, 3, 1.25],
    ['an object, near, with options', { ttl: '5m', grace: '1h' }, { id: 1, name: 'somebody' }, {}, 3, 1.25],
    ['a 100-byte string, from shared memory', undefined, 'v'.repeat(100), false, undefined, 1.5],
  ]) {
    const cache = ours(ENTRIES, 136, { engine, near })
    for (const key of keys) cache.set(key, value, { ttl: '1h' })
    const getOrSet = async () => {
      let sum = 0
      for (let i = 0; i < OPERATIONS; i++)
        sum += (await cache.getOrSet(keys[order[i]], loader, options)) === value ? 0 : 1
      return sum
    }
    const awaitGet = async () => {
      let sum = 0
      for (let i = 0; i < OPERATIONS; i++) sum += (await Promise.resolve(cache.get(keys[order[i]]))) === value ? 0 : 1
      return sum
    }
    for (const [against, work, most] of [
      ['await of a resolved promise', awaitResolved, mostOfAwait],
      ['await of get', awaitGet, mostOfGet],
    ]) {
      if (most === undefined) continue
      const { ours: mine, theirs, ratio } = await duel(getOrSet, work)
      const detail = `${ns(mine)} against ${ns(theirs)}`
      rows.push(figure(`getOrSet of ${what}, ${engine}`, against, { most }, ratio, { detail }))
    }
    await cache.close()
  }
}
report(rows)
