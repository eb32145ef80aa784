// Cuts the bytes of a text trace into lines and hands each to the parser of its format.
// May touch: nothing outside its arguments.
import { isUtf8 } from 'node:buffer'
import { malformed, RecordFault } from './fault.js'
import { longestKey, type RequestSink, type TraceParser } from './trace.js'

/** The parser of one line of a text format. Throws RecordFault when the line is not one of its format. */
export interface LineFormat {
  /** A line without its end; false when the sink paused. What is then left over is handed on by `resume`. */
  line(bytes: Uint8Array, start: number, end: number, sink: RequestSink): boolean
  /** Goes on with the line that a pause cut short; true when all of it is handed on. */
  resume(sink: RequestSink): boolean
}

/** A key and the numbers beside it; what is longer is not a trace, and would only fill memory. */
const longestLine = longestKey * 2 + 4096

const newline = 10
const carriageReturn = 13

export class LineParser implements TraceParser {
  readonly #file: string
  readonly #format: LineFormat
  #bytes: Uint8Array = new Uint8Array(0)
  #position = 0
  #lineNumber = 0

  constructor(file: string, format: LineFormat) {
    this.#file = file
    this.#format = format
  }

  feed(bytes: Uint8Array): void {
    const rest = this.#bytes.length - this.#position
    if (rest === 0) {
      this.#bytes = bytes
    } else {
      if (rest > longestLine) throw this.#tooLong(this.#lineNumber + 1)
      const joined = new Uint8Array(rest + bytes.length)
      joined.set(this.#bytes.subarray(this.#position))
      joined.set(bytes, rest)
      this.#bytes = joined
    }
    this.#position = 0
  }

  read(sink: RequestSink): boolean {
    try {
      return this.#lines(sink)
    } catch (fault) {
      throw this.#placed(fault)
    }
  }

  end(sink: RequestSink): boolean {
    try {
      if (!this.#lines(sink)) return false
      const start = this.#position
      this.#position = this.#bytes.length
      return this.#line(start, this.#bytes.length, sink)
    } catch (fault) {
      throw this.#placed(fault)
    }
  }

  #lines(sink: RequestSink): boolean {
    if (!this.#format.resume(sink)) return false
    const bytes = this.#bytes
    const length = bytes.length
    for (;;) {
      const start = this.#position
      let end = start
      while (end < length && bytes[end] !== newline) end++
      if (end === length) return true
      this.#position = end + 1
      if (!this.#line(start, end, sink)) return false
    }
  }

  #line(from: number, to: number, sink: RequestSink): boolean {
    const bytes = this.#bytes
    this.#lineNumber++
    let start = from
    let end = to
    if (end - start > longestLine) throw this.#tooLong(this.#lineNumber)
    if (end > start && bytes[end - 1] === carriageReturn) end--
    // A byte order mark is no part of the first key.
    if (this.#lineNumber === 1 && bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf) {
      start += 3
    }
    return end <= start || this.#format.line(bytes, start, end, sink)
  }

  #placed(fault: unknown): unknown {
    return fault instanceof RecordFault ? malformed(this.#file, `line ${this.#lineNumber}`, fault.message) : fault
  }

  #tooLong(line: number): Error {
    return malformed(this.#file, `line ${line}`, `is longer than the ${longestLine} bytes that a request may take`)
  }
}

/** The unsigned decimal number in `bytes[start … end)`, or −1 when there is none or it is over 2^53 − 1. Allocates nothing. */
export function unsigned(bytes: Uint8Array, start: number, end: number): number {
  if (end <= start || end - start > 16) return -1
  let value = 0
  for (let i = start; i < end; i++) {
    const digit = bytes[i]! - 48
    if (digit < 0 || digit > 9) return -1
    value = value * 10 + digit
  }
  return value <= Number.MAX_SAFE_INTEGER ? value : -1
}

/**
 * Throws unless a cache takes the key. Bytes that are not UTF-8 are refused because two of them would become one string,
 * and the hit ratio would be that of another trace.
 */
export function checkKey(bytes: Uint8Array, start: number, end: number): void {
  if (start === end) throw new RecordFault('the key is empty')
  if (end - start > longestKey)
    throw new RecordFault(`the key has ${end - start} bytes, more than the ${longestKey} of a cache`)
  for (let at = start; at < end; at++) {
    if (bytes[at]! > 127) {
      if (!isUtf8(bytes.subarray(start, end))) throw new RecordFault('the key is not UTF-8')
      return
    }
  }
}
