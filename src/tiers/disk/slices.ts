// Long work in slices, between which the event loop turns, so that whoever waits for an answer waits for milliseconds at most. Touches the loop.

const SLICE = 3
const LOOK_EVERY = 256

/** Calls `work` for 0 … count − 1; stops early when `stopped`. */
export async function inSlices(count: number, work: (index: number) => void, stopped: () => boolean): Promise<void> {
  let begin = performance.now()
  for (let index = 0; index < count; index++) {
    work(index)
    if (index % LOOK_EVERY !== LOOK_EVERY - 1 || performance.now() - begin < SLICE) continue
    await new Promise((resolve) => setImmediate(resolve))
    if (stopped()) return
    begin = performance.now()
  }
}
