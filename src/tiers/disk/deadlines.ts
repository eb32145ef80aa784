// A bound on every wait for the disk, which may be stuck for as long as it likes. One timer for all waits, coarse: an answer from the page cache comes within
// microseconds, and a timer of its own would cost as much. Touches one timer, which keeps no process alive.

const LOOK_EVERY = 250

interface Wait {
  readonly due: number
  readonly late: () => void
}

export class Deadlines {
  readonly #waits = new Set<Wait>()
  #timer: NodeJS.Timeout | undefined

  /** The promise's value, or what `late` gives when it has not come in time. What comes afterwards is dropped. */
  within<T, L>(promise: Promise<T>, milliseconds: number, late: () => L): Promise<T | L> {
    return new Promise((resolve, reject) => {
      const wait: Wait = {
        due: performance.now() + milliseconds,
        late: () => {
          this.#end(wait)
          try {
            resolve(late())
          } catch (error) {
            reject(error)
          }
        },
      }
      this.#begin(wait)
      promise.then(
        (value) => {
          this.#end(wait)
          resolve(value)
        },
        (error) => {
          this.#end(wait)
          reject(error)
        },
      )
    })
  }

  #begin(wait: Wait): void {
    this.#waits.add(wait)
    if (this.#timer !== undefined) return
    this.#timer = setInterval(() => this.#look(), LOOK_EVERY)
    this.#timer.unref()
  }

  #end(wait: Wait): void {
    this.#waits.delete(wait)
  }

  #look(): void {
    if (this.#waits.size === 0) {
      clearInterval(this.#timer)
      this.#timer = undefined
      return
    }
    const now = performance.now()
    for (const wait of this.#waits) if (wait.due <= now) wait.late()
  }
}
