// How far long work has come: a bar that redraws itself in a terminal, a plain line every few seconds elsewhere.
// May touch: stderr.

const barWidth = 24
const redrawEvery = 100
const lineEvery = 5000

export class Progress {
  readonly #label: string
  readonly #terminal = process.stderr.isTTY === true
  #last = 0
  #drawn = false

  /** Nothing is shown for work that ends at once. */
  constructor(label: string) {
    this.#label = label
    this.#last = performance.now()
  }

  /** `done` of `total` (0: not known), and a word about it. Cheap to call often. */
  update(done: number, total: number, note = ''): void {
    const now = performance.now()
    if (now - this.#last < (this.#terminal ? redrawEvery : lineEvery)) return
    this.#last = now
    const percentage = total > 0 ? `${Math.floor(Math.min(1, done / total) * 100)} %` : ''
    const told = [percentage, note].filter((part) => part !== '')
    if (!this.#terminal) {
      process.stderr.write(`${this.#label}: ${told.join(', ')}\n`)
      return
    }
    const full = Math.round((total > 0 ? Math.min(1, done / total) : 0) * barWidth)
    const bar = total > 0 ? `${'█'.repeat(full)}${'░'.repeat(barWidth - full)} ${percentage.padStart(5)}  ` : ''
    const room = Math.max(10, (process.stderr.columns ?? 80) - bar.length - 1)
    process.stderr.write(`\r\u001b[K${bar}${[this.#label, note].join('  ').trimEnd().slice(0, room)}`)
    this.#drawn = true
  }

  /** Removes the bar. */
  end(): void {
    if (this.#drawn) process.stderr.write('\r\u001b[K')
    this.#drawn = false
  }
}
