// Atomics.waitAsync, which TypeScript's library of this target does not know. Touches nothing. A wait keeps no process alive and cannot be taken
// back, so there is never more than one for a word, and none has a time limit: Node keeps the timers of those that are over.

type Waited = { async: false; value: string } | { async: true; value: Promise<string> }

const { waitAsync } = Atomics as unknown as { waitAsync: (words: Int32Array, index: number, value: number) => Waited }

/** Resolves when the word is not, or no more, what it was and somebody has notified it. */
export function changed(words: Int32Array, index: number, seen: number): Promise<unknown> {
  const waited = waitAsync(words, index, seen)
  return waited.async ? waited.value : Promise.resolve()
}
