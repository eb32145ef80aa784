// A bounded moment of doing nothing, between two looks at a word that another thread is about to change. May touch: a word of its own.

const nobody = new Int32Array(new SharedArrayBuffer(4))

/** Some tens of nanoseconds. */
export function spin(): void {
  for (let i = 0; i < 8; i++) Atomics.load(nobody, 0)
}

/**
 * A moment in which another thread may run, where one of a crowded machine holds what this one needs: first some hundredths of a
 * millisecond, in later turns up to one.
 */
export function giveWay(turn: number): void {
  Atomics.wait(nobody, 0, 0, Math.min(1, 0.02 * (turn + 1)))
}
