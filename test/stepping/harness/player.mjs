// A thread of the stepping scheduler: attaches to the memory of a scenario, waits for its turn, plays its part step by step and writes down
// what it was answered. Runs until it is terminated.
import { parentPort, workerData } from 'node:worker_threads'

const { folder, thread, words, rows, worlds, scenarios } = workerData
const stepper = await import(`${folder}/harness/stepper.mjs`)
const { attachJs } = await import(`${folder}/engine/js/engine.js`)
const layout = await import(`${folder}/engine/layout.js`)
const contract = await import(`${folder}/engine/engine.js`)
const { NearCache, notNear } = await import(`${folder}/cache/near.js`)
const { NearRecords, WORLD } = await import(`${folder}/cache/near-record.js`)
const { NearStore } = await import(`${folder}/cache/near-store.js`)
const { Word, Status } = stepper
const KINDS = ['get', 'set', 'delete', 'add', 'update', 'take', 'increment', 'clear', 'lease', 'fill']
const FIELDS = 7
const kindNumber = Object.fromEntries(KINDS.map((kind, i) => [kind, i]))
let engine
let near
let row = 0
let serial = 0
let control
let token = 0

function text(number, size) {
  return `${number}:${String.fromCharCode(97 + (number % 26)).repeat(size)}`
}

/** The number of an intact value, 0 for none, -2 for a broken one: no operation ever wrote that. */
function numberOf(value) {
  if (value === undefined) return 0
  if (typeof value === 'number') return new DataView(engine.scratch.buffer).getFloat64(0, true)
  const number = Number.parseInt(value, 10)
  return value === text(number, value.length - value.indexOf(':') - 1) ? number : -2
}

const plain = { ttl: -1, idle: -1, soft: -1, cost: -1, stamp: 0, tags: new Uint32Array(0), lease: 0 }
const LEASE_MS = 1000
const { filled, abandoned } = contract.Lease

/** A load is two operations: taking the lease, and the fill, which may come too late. The last token is good for the one after. */
function load(key, size, keys) {
  token = 0
  const number = 100 * (thread + 1) + ++serial
  operate(['lease', key, size], keys, number)
  if (token > 0) operate(['fill', key, size], keys, number)
}

/** Kinds that are to those who look what another one is; invalidating a tag clears what has it, here the only key. */
const recordedAs = { near: 'get', tagged: 'set', invalidate: 'clear', stir: 'clear' }
const TAG = Uint32Array.of(1)
const OTHER_TAG = Uint32Array.of(2)

const bounds = { maxEntries: 4, maxBytes: 65_536, maxValueBytes: 65_536, values: 'frozen' }

function nearOver(world) {
  const records = new NearRecords(world)
  return new NearCache(new NearStore(bounds, engine, records, Atomics.load(records.control, WORLD)))
}

/** As `cache.get` does it. */
function getNear(key) {
  const known = near.get(key)
  if (known !== notNear) return known
  const value = engine.read(key, true)
  if (value !== undefined) near.put(key, key, value, value.length)
  return value
}

function operate([kind, key, size], keys, loaded) {
  if (kind === 'load') return load(key, size, keys)
  const at = row++ * FIELDS
  const number = loaded ?? 100 * (thread + 1) + ++serial
  rows[at] = kindNumber[recordedAs[kind] ?? kind]
  // To stir is to invalidate a tag that nothing has: of no concern to any key.
  rows[at + 1] = kind === 'stir' ? -2 : key === '' ? -1 : keys.indexOf(key)
  rows[at + 2] = kind === 'increment' ? 1 : number
  rows[at + 3] = 0
  // Under way: 2; a death leaves it so.
  rows[at + 4] = 2
  rows[at + 5] = stepper.now()
  let result = 0
  let done = 1
  if (kind === 'get') result = numberOf(engine.read(key, true))
  else if (kind === 'near') result = numberOf(getNear(key))
  else if (kind === 'invalidate') engine.invalidateTags(TAG)
  else if (kind === 'stir') engine.invalidateTags(OTHER_TAG)
  else if (kind === 'tagged') {
    const fields = { ...plain, tags: TAG, stamp: engine.tagStamp() }
    done = engine.writeEntry(key, text(number, size), 0, contract.Mode.set, fields) === 1 ? 1 : 0
  } else if (kind === 'take') result = numberOf(engine.take(key))
  else if (kind === 'set') done = engine.writeString(key, text(number, size), 0, -1, -1) === 1 ? 1 : 0
  else if (kind === 'add') done = engine.writeString(key, text(number, size), 1, -1, -1) === 1 ? 1 : 0
  else if (kind === 'lease') {
    token = engine.acquireLease(key, LEASE_MS)
    result = token > 0 ? 1 : 0
  } else if (kind === 'fill') {
    const { fill } = contract.Mode
    done = engine.writeEntry(key, text(number, size), 0, fill, { ...plain, lease: token }) === 1 ? 1 : 0
    engine.endLease(key, token, done === 1 ? filled : abandoned)
  } else if (kind === 'delete') result = engine.delete(key) ? 1 : 0
  else if (kind === 'increment') {
    const sum = engine.increment(key, 1, -1, -1)
    done = sum === undefined ? 0 : 1
    result = sum ?? 0
  } else engine.clear()
  rows[at + 3] = result
  rows[at + 4] = done
  rows[at + 6] = stepper.now()
}

function keysOf({ before = [], parts }) {
  return [...new Set([...before, ...parts.flat()].filter(([, key]) => key !== '').map(([, key]) => key))]
}

/** Proof of death, as a parent that saw the exit gives it. */
function dies() {
  const line = (layout.Control.threads + layout.THREAD_BYTES * thread) >> 2
  Atomics.store(control, line + (layout.Thread.exited >> 2), 1)
}

function play(scenario, world) {
  const keys = keysOf(scenario)
  row = 0
  serial = 0
  rows.fill(-1)
  control = new Int32Array(world.control.buffer)
  stepper.waitForTurn()
  let status = Status.finished
  try {
    engine = attachJs(world)
    near = nearOver(world)
    if (thread === 0) for (const operation of scenario.before ?? []) operate(operation, keys)
    stepper.handTo(thread + 1 < scenario.parts.length ? thread + 1 : words[Word.first])
    stepper.waitForTurn()
    stepper.setActive(true)
    for (const operation of scenario.parts[thread]) operate(operation, keys)
  } catch (error) {
    if (error === stepper.death) status = Status.dead
    else {
      words[Word.failed] = 1
      if (error === stepper.stuck) words[Word.stuck] = 1
      else console.error(error)
      status = Status.dead
    }
  }
  stepper.leave(status)
}

stepper.enter(words, thread, dies)
parentPort.postMessage('ready')
for (let seen = 0; ; ) {
  Atomics.wait(words, Word.go, seen)
  seen = Atomics.load(words, Word.go)
  const number = words[Word.scenario]
  if (thread < scenarios[number].parts.length) play(scenarios[number], worlds[number])
}
