// The clocks of what is observed. Touches the system's monotonic clock alone, never the cache's own, which a test may hold still.

/** `performance.now` begins anew in each thread, and is the same clock as `hrtime`, which makes an array at each call. */
const threadOffset = (() => {
  const [seconds, nanoseconds] = process.hrtime()
  return seconds * 1000 + nanoseconds / 1e6 - performance.now()
})()

/** Milliseconds that all threads of the process count alike and that no clock change moves. */
export function monotonicMs(): number {
  return performance.now() + threadOffset
}

/** What is to be added to `monotonicMs` for milliseconds since 1970, as this thread saw it when it began: it does not move when the clock is set. */
export const wallClockOffset = Date.now() - monotonicMs()

/** What two looks at `performance.now` cost by themselves, in nanoseconds: taken off whatever is timed. */
export const clockNanoseconds = (() => {
  let least = Infinity
  for (let i = 0; i < 64; i++) {
    const begin = performance.now()
    least = Math.min(least, performance.now() - begin)
  }
  return least * 1e6
})()
