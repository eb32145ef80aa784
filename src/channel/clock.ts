// The time by which deadlines are told between threads. May touch: the system's monotonic clock.

/** What to add to performance.now(), which counts from each thread's own start. */
const offset = Number(process.hrtime.bigint()) / 1e6 - performance.now()

/** Milliseconds of the process's monotonic clock, the same in all threads, as a wrapping 32-bit number. */
export function clock(): number {
  return Math.floor(performance.now() + offset) | 0
}
