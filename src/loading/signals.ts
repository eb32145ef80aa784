// Listens to callers' signals: one listener for each signal however many calls it is given to, since Node warns of a leak from the eleventh on.
// Touches the signals it is given.

interface Listening {
  readonly calls: Set<() => void>
  readonly listener: () => void
}

const listening = new WeakMap<AbortSignal, Listening>()

/** Calls `aborted` when the signal aborts. Returns what ends that. */
export function whenAborted(signal: AbortSignal, aborted: () => void): () => void {
  const { calls } = listening.get(signal) ?? listen(signal)
  calls.add(aborted)
  return () => {
    calls.delete(aborted)
    if (calls.size === 0) cease(signal)
  }
}

function listen(signal: AbortSignal): Listening {
  const calls = new Set<() => void>()
  const listener = () => {
    listening.delete(signal)
    for (const aborted of calls) aborted()
  }
  const mine = { calls, listener }
  listening.set(signal, mine)
  signal.addEventListener('abort', listener, { once: true })
  return mine
}

/** A signal may live for as long as the process, and holds its listeners. */
function cease(signal: AbortSignal): void {
  const mine = listening.get(signal)
  if (mine === undefined || mine.calls.size > 0) return
  listening.delete(signal)
  signal.removeEventListener('abort', mine.listener)
}
