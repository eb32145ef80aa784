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

  /** `done` of `total`, and a word about it. Cheap to call often. */
  update(done: number, total: number, note = ''): void {
    const now = performance.now()
    if (now - this.#last < (this.#terminal ? redrawEvery : lineEvery)) return
    this.#last = now
    const share = total > 0 ? Math.min(1, done / total) : 0
    const percentage = `${Math.floor(share * 100)} %`
    if (!this.#terminal) {
      process.stderr.write(`${this.#label}: ${percentage}${note && `, ${note}`}\n`)
      return
    }
    const full = Math.round(share * barWidth)
    const bar = '█'.repeat(full) + '░'.repeat(barWidth - full)
    const room = Math.max(10, (process.stderr.columns ?? 80) - barWidth - 10)
    const text = `${this.#label}${note && `  ${note}`}`
    process.stderr.write(`\r\u001b[K${bar} ${percentage.padStart(5)}  ${text.slice(0, room)}`)
    this.#drawn = true
  }

  /** Removes the bar. */
  end(): void {
    if (this.#drawn) process.stderr.write('\r\u001b[K')
    this.#drawn = false
  }
}
