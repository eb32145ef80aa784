// The text format of the ARC paper's traces: "start count ignored request" a line, which asks for the blocks start,
// start + 1, … start + count − 1. May touch: nothing outside its arguments.
import { quoted, RecordFault } from './fault.js'
import { type LineFormat, unsigned } from './lines.js'
import { Operation, type RequestSink } from './trace.js'

/** Real traces ask for at most some hundred blocks; one broken line must not turn into billions of requests. */
const mostBlocks = 1 << 20

const fieldNames = ['start', 'count', 'ignored field', 'request number']

export class ArcFormat implements LineFormat {
  readonly #digits = new Uint8Array(20)
  #digitsStart = 20
  #left = 0

  line(bytes: Uint8Array, start: number, end: number, sink: RequestSink): boolean {
    let at = start
    let block = 0
    let count = 0
    for (let field = 0; field < 4; field++) {
      while (at < end && (bytes[at] === 32 || bytes[at] === 9)) at++
      const from = at
      while (at < end && bytes[at] !== 32 && bytes[at] !== 9) at++
      if (from === at)
        throw new RecordFault(`has ${field} fields where an ARC line has 4 ("start count ignored request")`)
      const value = unsigned(bytes, from, at)
      if (value < 0) throw new RecordFault(`the ${fieldNames[field]} is no unsigned number: ${quoted(bytes, from, at)}`)
      if (field === 0) block = value
      else if (field === 1) count = value
    }
    while (at < end && (bytes[at] === 32 || bytes[at] === 9)) at++
    if (at < end) throw new RecordFault('has more than the 4 fields of an ARC line ("start count ignored request")')
    if (count < 1 || count > mostBlocks) throw new RecordFault(`the count is ${count}, not between 1 and ${mostBlocks}`)
    if (block + count > Number.MAX_SAFE_INTEGER) throw new RecordFault('the last block number is over 2^53')
    this.#write(block)
    this.#left = count
    return this.resume(sink)
  }

  resume(sink: RequestSink): boolean {
    while (this.#left > 0) {
      this.#left--
      const more = sink.request(this.#digits, this.#digitsStart, 20, Operation.get, 0, 0, 0)
      if (this.#left > 0) this.#increment()
      if (!more) return false
    }
    return true
  }

  #write(block: number): void {
    let at = 20
    let rest = block
    do {
      const next = Math.floor(rest / 10)
      this.#digits[--at] = 48 + (rest - next * 10)
      rest = next
    } while (rest > 0)
    this.#digitsStart = at
  }

  // Adding one to the digits in place is cheaper than dividing every block number of a run by ten again and again.
  #increment(): void {
    const digits = this.#digits
    let at = 19
    while (at >= this.#digitsStart && digits[at] === 57) digits[at--] = 48
    if (at >= this.#digitsStart) digits[at]!++
    else digits[--this.#digitsStart] = 49
  }
}
