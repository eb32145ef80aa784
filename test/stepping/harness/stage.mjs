// Plays schedules: real worker threads run the shipped JavaScript engine one step at a time, as the schedule says, over a small memory that is
// reset each time; afterwards the raw memory and everybody's answers are examined. Starts three workers; `close` ends them.
import { Worker } from 'node:worker_threads'
import { check, describe } from '../../histories/checker.mjs'
import { discard, rewrite } from './rewrite.mjs'
import { scenarios } from './scenarios.mjs'
import { validate } from './validate.mjs'

const PLAYERS = 3
const FIELDS = 7
const ROWS = 64
const KINDS = ['get', 'set', 'delete', 'add', 'update', 'take', 'increment', 'clear', 'lease', 'fill']
/** A schedule of some hundreds of steps; whoever needs so many runs in a circle. */
const STEP_LIMIT = 60_000
const WATCHDOG_MS = 30_000

export { scenarios } from './scenarios.mjs'

export class Stage {
  static async open(edits = []) {
    const stage = new Stage()
    stage.folder = rewrite(edits)
    stage.stepper = await import(`${stage.folder}/harness/stepper.mjs`)
    stage.layout = await import(`${stage.folder}/engine/layout.js`)
    const { createRegions } = await import(`${stage.folder}/engine/create.js`)
    stage.attach = (await import(`${stage.folder}/engine/js/engine.js`)).attachJs
    stage.words = new Int32Array(new SharedArrayBuffer(4 * stage.stepper.WORDS))
    stage.worlds = scenarios.map((scenario) => stage.build(createRegions, scenario))
    stage.fresh = stage.worlds.map((world) => stage.regionsOf(world).map((bytes) => bytes.slice()))
    stage.rows = Array.from({ length: PLAYERS }, () => new Float64Array(new SharedArrayBuffer(8 * FIELDS * ROWS)))
    stage.workers = stage.rows.map((rows, thread) => {
      const { folder, words, worlds } = stage
      const workerData = { folder, thread, words, rows, worlds, scenarios }
      return new Worker(new URL('./player.mjs', import.meta.url), { workerData })
    })
    // A player that cannot load what it is to play would be waited for at every schedule.
    const ready = (worker) => new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
    await Promise.all(stage.workers.map(ready))
    return stage
  }

  async close() {
    await Promise.all(this.workers.map((worker) => worker.terminate()))
    discard(this.folder)
  }

  /** A cache of few segments and buckets: the numbers in its header say how much of the memory is in use. */
  build(createRegions, { segments = 8, buckets = 4, maxEntries }) {
    const seed = { low: 7, high: 9 }
    const world = createRegions({ maxBytes: 2 ** 20, maxEntries, manualClock: true, seed, shards: 1 })
    const { Shard } = this.layout
    const words = new Int32Array(world.shards[0].buffer)
    words[Shard.segments >> 2] = segments
    words[Shard.freeSegments >> 2] = segments
    words[Shard.buckets >> 2] = buckets
    return world
  }

  /** The bytes that are in use. */
  regionsOf({ control, shards: [shard] }) {
    const { Shard } = this.layout
    const words = new Int32Array(shard.buffer)
    const end = words[Shard.segmentsOffset >> 2] + (words[Shard.segments >> 2] << words[Shard.segmentShift >> 2])
    return [new Uint8Array(control.buffer), new Uint8Array(shard.buffer, 0, end)]
  }

  /** Plays one schedule of one scenario. Returns what was wrong and how many steps each thread took. */
  play(number, schedule) {
    const { words, stepper } = this
    const { Word, Mode, Status } = stepper
    const scenario = scenarios[number]
    for (const [i, bytes] of this.regionsOf(this.worlds[number]).entries()) bytes.set(this.fresh[number][i])
    for (let word = 0; word < stepper.WORDS; word++) if (word !== Word.go) words[word] = word >= Word.changes ? -1 : 0
    words[Word.scenario] = number
    words[Word.threads] = scenario.parts.length
    words[Word.limit] = STEP_LIMIT
    words[Word.mode] = Mode[schedule.mode]
    words[Word.random] = schedule.seed === undefined ? 1 : Math.imul(schedule.seed + 1, 0x9e3779b1) | 1
    words[Word.odds] = schedule.odds ?? 2
    words[Word.first] = schedule.first ?? 0
    for (const thread of scenario.parts.keys()) {
      words[Word.status + thread] = Status.runnable
      words[Word.priority + thread] = schedule.priorities?.[thread] ?? 0
      if (schedule.death?.thread === thread) words[Word.death + thread] = schedule.death.step
    }
    for (const [i, [step, thread]] of (schedule.changes ?? []).entries()) {
      words[Word.changes + 2 * i] = step
      words[Word.changes + 2 * i + 1] = thread
    }
    Atomics.add(words, Word.go, 1)
    Atomics.notify(words, Word.go)
    const ended = Atomics.wait(words, Word.finished, 0, WATCHDOG_MS)
    const steps = scenario.parts.map((_, thread) => words[Word.own + thread])
    const died = scenario.parts.some((_, thread) => words[Word.status + thread] === Status.dead)
    if (ended === 'timed-out') return { problems: ['the schedule does not end'], steps, died }
    if (words[Word.failed] !== 0) {
      return { problems: [words[Word.stuck] !== 0 ? 'a thread runs in a circle' : 'a thread failed'], steps, died }
    }
    return { problems: this.examine(number, died), steps, died }
  }

  examine(number, died) {
    const scenario = scenarios[number]
    const world = this.worlds[number]
    // Attaching reaps the dead; a little upkeep takes off what they had reserved.
    const engine = this.attach(world)
    for (let i = 0; i < 4; i++) engine.maintain()
    const problems = validate(this.layout, world, engine.size)
    const all = [...(scenario.before ?? []), ...scenario.parts.flat()].filter(([, key]) => key !== '')
    const keys = [...new Set(all.map(([, key]) => key))]
    for (const [index, key] of keys.entries()) {
      const value = engine.read(key, false)
      const final =
        typeof value === 'string' ? Number.parseInt(value, 10) : value === undefined ? 0 : this.numberIn(engine)
      problems.push(...this.explain(scenario, index, key, final, died))
    }
    engine.detach()
    return problems
  }

  numberIn(engine) {
    return new DataView(engine.scratch.buffer).getFloat64(0, true)
  }

  /** Whether one order explains what everybody was told about a key, and what is left of it. */
  explain(scenario, index, key, final, died) {
    const lists = scenario.parts.map((_, thread) => this.operations(thread, index))
    const last = { kind: 'get', thread: lists.length, argument: 0, result: final, done: true, begin: 1e8, end: 1e8 + 1 }
    const vanishes = scenario.vanishes === true
    const rules = { strict: !vanishes, vanishes, takesOver: died }
    const variants = this.variants([...lists, [last]])
    let verdict
    for (const variant of variants) {
      verdict = check(variant, rules)
      if (verdict.linearizable) return []
    }
    return [`no order explains ${key}: ${lists.flat().map(describe).join('; ')}; at the end ${final}`]
  }

  operations(thread, index) {
    const rows = this.rows[thread]
    const list = []
    for (let at = 0; at < rows.length && rows[at] >= 0; at += FIELDS) {
      const [kind, key, argument, result, done, begin, end] = rows.subarray(at, at + FIELDS)
      if (key !== index && key !== -1) continue
      const isOpen = done === 2
      list.push({
        kind: KINDS[kind],
        thread,
        argument,
        result,
        done: done === 1,
        begin,
        end: isOpen ? 1e7 : end,
        isOpen,
      })
    }
    return list
  }

  /** An operation that a death cut short has happened or has not; what it would have answered nobody knows. */
  variants(lists) {
    const owner = lists.findIndex((list) => list.at(-1)?.isOpen)
    if (owner < 0) return [lists]
    const open = lists[owner].at(-1)
    const outcomes = [[]]
    if (open.kind === 'set' || open.kind === 'add') outcomes.push([{ ...open, kind: 'set', done: true }])
    if (open.kind === 'delete' || open.kind === 'take') outcomes.push([{ ...open, kind: 'clear' }])
    if (open.kind === 'clear') outcomes.push([open])
    if (open.kind === 'lease') outcomes.push([{ ...open, result: 1, done: true }])
    if (open.kind === 'fill') outcomes.push([{ ...open, done: true }])
    if (open.kind === 'increment')
      for (let sum = 1; sum < 6; sum++) outcomes.push([{ ...open, result: sum, done: true }])
    return outcomes.map((outcome) => lists.map((list, i) => (i === owner ? [...list.slice(0, -1), ...outcome] : list)))
  }
}
