// Remembers for which keys a renewal failed, so that a source that is down is not asked again at once by everybody. Touches its own map, which
// is bounded: what is forgotten is asked once more.

const FIRST = 1000
const MOST = 30_000
const KEYS = 4096

interface Failure {
  failures: number
  until: number
}

/** Of one thread and cache; times are the cache's own clock. */
export class Backoff {
  readonly #failures = new Map<string, Failure>()

  /** Whether the key should not be renewed yet. */
  rests(key: string, now: number): boolean {
    if (this.#failures.size === 0) return false
    const failure = this.#failures.get(key)
    return failure !== undefined && now < failure.until
  }

  /** A renewal failed: the next one comes after a second, then after two, four, … at most 30 seconds. */
  failed(key: string, now: number): void {
    const failures = (this.#failures.get(key)?.failures ?? 0) + 1
    this.#failures.delete(key)
    if (this.#failures.size >= KEYS) {
      for (const oldest of this.#failures.keys()) {
        this.#failures.delete(oldest)
        break
      }
    }
    this.#failures.set(key, { failures, until: now + Math.min(FIRST * 2 ** Math.min(failures - 1, 10), MOST) })
  }

  succeeded(key: string): void {
    if (this.#failures.size > 0) this.#failures.delete(key)
  }
}
