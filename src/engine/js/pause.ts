// A bounded moment of doing nothing, between two looks at a word that another thread is about to change. May touch: a word of its own.

const nobody = new Int32Array(new SharedArrayBuffer(4))

/** Some tens of nanoseconds. */
export function spin(): void {
  for (let i = 0; i < 8; i++) Atomics.load(nobody, 0)
}

/** About 0.05 ms in which another thread may run, where one of a crowded machine holds what this one needs. */
export function giveWay(): void {
  Atomics.wait(nobody, 0, 0, 0.02)
}
