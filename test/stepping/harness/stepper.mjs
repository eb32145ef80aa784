// What the shipped JavaScript engine sees instead of `Atomics` and its wasm kernel under the stepping scheduler: the same operations, each
// preceded by a step. At a step the running thread decides, by the schedule in the control words, who takes the next one; all others
// wait. So exactly one thread runs at any time, and a schedule can be played again. Touches the control words only.

const real = globalThis.Atomics

/** Words of the control array. */
export const Word = {
  turn: 0,
  steps: 1,
  mode: 2,
  random: 3,
  odds: 4,
  limit: 5,
  stuck: 6,
  finished: 7,
  go: 8,
  first: 9,
  threads: 10,
  scenario: 11,
  failed: 12,
  gives: 13,
  status: 16,
  priority: 24,
  own: 32,
  death: 40,
  /** Pairs {step, thread}. */
  changes: 48,
}
export const Mode = { random: 0, priorities: 1, changes: 2 }
export const Status = { idle: 0, runnable: 1, finished: 2, dead: 3 }
export const CHANGES = 4
export const WORDS = 64
/** Pauses after which an interrupted thread goes on, where others have run into it. */
const PATIENCE = 40
/** No thread: the schedule is over. */
export const NOBODY = -1

/** Thrown where a thread is to die: the engine catches nothing, so everything stays as it is at this step. */
export const death = new Error('this thread ends here')
export const stuck = new Error('this schedule does not come to an end')

let words
let me = -1
let active = false
let dies = () => {}

export function enter(controlWords, thread, onDeath) {
  words = controlWords
  me = thread
  dies = onDeath
}

export function setActive(value) {
  active = value
}

export function waitForTurn() {
  for (let spins = 0; ; spins++) {
    const turn = real.load(words, Word.turn)
    if (turn === me) return
    if (spins > 200) real.wait(words, Word.turn, turn, 100)
  }
}

export function handTo(thread) {
  real.store(words, Word.turn, thread)
  real.notify(words, Word.turn)
}

function random(bound) {
  let state = words[Word.random]
  state ^= state << 13
  state ^= state >>> 17
  state ^= state << 5
  words[Word.random] = state
  return (state >>> 0) % bound
}

function runnable(except) {
  const list = []
  for (let thread = 0; thread < words[Word.threads]; thread++) {
    if (thread !== except && words[Word.status + thread] === Status.runnable) list.push(thread)
  }
  return list
}

/** Who goes on. `gives`: this thread can get no further by itself. */
function next(gives) {
  const mine = words[Word.status + me] === Status.runnable
  const others = runnable(me)
  if (others.length === 0) return mine ? me : NOBODY
  const mode = words[Word.mode]
  if (mode === Mode.random) {
    if (mine && (gives ? random(2) === 0 : random(words[Word.odds]) !== 0)) return me
    return others[random(others.length)]
  }
  const change = changeAt(words[Word.steps])
  if (mode === Mode.priorities) {
    if (change >= 0 || gives) {
      // Below everybody else from here on.
      words[Word.priority + me] = Math.min(...words.subarray(Word.priority, Word.priority + 8)) - 1
    }
    const all = mine ? [me, ...others] : others
    return all.reduce((a, b) => (words[Word.priority + b] > words[Word.priority + a] ? b : a))
  }
  if (change >= 0 && others.includes(change)) return change
  // An interrupted thread stays where it is although others wait for it, until they can get no further at all.
  const patient = !gives || ++words[Word.gives] % PATIENCE !== 0
  return mine && patient ? me : (others.find((thread) => thread > me) ?? others[0])
}

function changeAt(step) {
  for (let i = 0; i < CHANGES; i++) if (words[Word.changes + 2 * i] === step) return words[Word.changes + 2 * i + 1]
  return -1
}

export function step(gives = false) {
  if (!active) return
  const steps = ++words[Word.steps]
  const own = ++words[Word.own + me]
  if (own === words[Word.death + me]) {
    dies()
    throw death
  }
  if (steps > words[Word.limit]) throw stuck
  const then = next(gives)
  if (then === me) return
  handTo(then)
  waitForTurn()
}

/** This thread has nothing more to do; somebody else goes on, or the schedule is over. */
export function leave(status) {
  active = false
  words[Word.status + me] = status
  const then = next(true)
  if (then !== NOBODY) {
    handTo(then)
    return
  }
  real.store(words, Word.turn, NOBODY)
  real.store(words, Word.finished, 1)
  real.notify(words, Word.finished)
}

/** A number that orders what threads do. */
export function now() {
  return ++words[Word.own + 7]
}

const stepped =
  (name) =>
  (array, at, ...rest) => {
    step()
    return real[name](array, at, ...rest)
  }

export const steppedAtomics = {
  load: stepped('load'),
  store: stepped('store'),
  add: stepped('add'),
  sub: stepped('sub'),
  and: stepped('and'),
  or: stepped('or'),
  exchange: stepped('exchange'),
  compareExchange: stepped('compareExchange'),
  notify: stepped('notify'),
  wait: () => {
    step(true)
    return 'timed-out'
  },
}

const kernels = new WeakMap()

/** One kernel for each memory, with a step before each call. */
export function steppedKernel(memory, make) {
  let kernel = kernels.get(memory)
  if (kernel === undefined) {
    const plain = make(memory)
    kernel = {}
    for (const [name, call] of Object.entries(plain)) {
      kernel[name] = (...operands) => {
        step()
        return call(...operands)
      }
    }
    // One call, and three accesses to memory: others may come between them, as they may where no scheduler waits for a call to end.
    kernel.rebind = (slot, low, high, newLow, newHigh, version) => {
      kernel.addNumber(version, 1)
      const done = kernel.cas64(slot, low, high, newLow, newHigh)
      kernel.addNumber(version, done === 1 ? 255 : -1)
      return done
    }
    kernels.set(memory, kernel)
  }
  return kernel
}

const hashKernels = []
let hashTurn = 0

/** Private memories are used again: a schedule attaches, and thousands of schedules would fill the address space. */
export function recycledHashKernel(make) {
  const at = hashTurn++ % 2
  hashKernels[at] ??= make()
  return hashKernels[at]
}
