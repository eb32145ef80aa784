// Waits for a lease that another thread holds: asleep on the lease's word, woken when it ends. Touches the lease table (reading), one timer. A
// thread that dies wakes nobody, so the timer also looks now and then; it keeps the process alive exactly while somebody waits.
import { type Engine, Lease } from '../engine/engine.js'

/** Of ES2024, which every supported Node has. */
type WaitAsync = (
  words: Int32Array,
  index: number,
  value: number,
) => { async: false; value: string } | { async: true; value: Promise<string> }
const { waitAsync } = Atomics as unknown as { waitAsync: WaitAsync }

/** How late the death of a loading thread may be noticed, in milliseconds. */
const LOOK_EVERY = 100

/** Calls `ended` once with how the lease ended (`Lease`), and `runs` now and then while it does not. Returns what ends the waiting without that. */
export function waitForLease(
  engine: Engine,
  token: number,
  ended: (state: number) => void,
  runs: () => void,
): () => void {
  let over = false
  const look = () => {
    if (over) return
    const state = engine.leaseState(token)
    if (state === Lease.running) {
      runs()
      return
    }
    stop()
    ended(state)
  }
  const timer = setInterval(look, LOOK_EVERY)
  const stop = () => {
    over = true
    clearInterval(timer)
  }
  // Asynchronous also where the lease has ended already: the caller is in the middle of something.
  const answer = waitAsync(engine.leaseWords, engine.leaseWord(token), engine.leaseValue(token))
  if (answer.async) void answer.value.then(look)
  else setImmediate(look)
  return stop
}
