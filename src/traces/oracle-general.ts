// libCacheSim's oracleGeneral: records of 24 bytes, little-endian, {u32 time, u64 object id, u32 size, i64 next access}.
// May touch: nothing outside its arguments.
import { malformed } from './fault.js'
import { Operation, type RequestSink, type TraceParser } from './trace.js'

export const recordBytes = 24

export class OracleGeneralParser implements TraceParser {
  readonly #file: string
  readonly #digits = new Uint8Array(20)
  #bytes: Uint8Array = new Uint8Array(0)
  #view: DataView = new DataView(new ArrayBuffer(0))
  #position = 0
  #read = 0

  constructor(file: string) {
    this.#file = file
  }

  feed(bytes: Uint8Array): void {
    const rest = this.#bytes.subarray(this.#position)
    if (rest.length === 0) {
      this.#bytes = bytes
    } else {
      this.#bytes = new Uint8Array(rest.length + bytes.length)
      this.#bytes.set(rest)
      this.#bytes.set(bytes, rest.length)
    }
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength)
    this.#position = 0
  }

  read(sink: RequestSink): boolean {
    const view = this.#view
    while (this.#position + recordBytes <= view.byteLength) {
      const at = this.#position
      this.#position += recordBytes
      this.#read += recordBytes
      const start = this.#decimal(view.getUint32(at + 4, true), view.getUint32(at + 8, true))
      const time = view.getUint32(at, true)
      const size = view.getUint32(at + 12, true)
      if (!sink.request(this.#digits, start, 20, Operation.get, size, 0, time)) return false
    }
    return true
  }

  end(sink: RequestSink): boolean {
    if (!this.read(sink)) return false
    const rest = this.#bytes.length - this.#position
    if (rest > 0) {
      const what = `the file ends after ${rest} of the ${recordBytes} bytes of an oracleGeneral record`
      throw malformed(this.#file, `byte ${this.#read + rest}`, what)
    }
    return true
  }

  /** Writes the id to the end of `digits` in decimal, without a BigInt; returns where it begins. */
  #decimal(low: number, high: number): number {
    let at = 20
    let upper = high
    let lower = low
    do {
      const nextUpper = Math.floor(upper / 10)
      const rest = (upper - nextUpper * 10) * 0x1_0000_0000 + lower
      const nextLower = Math.floor(rest / 10)
      this.#digits[--at] = 48 + (rest - nextLower * 10)
      upper = nextUpper
      lower = nextLower
    } while (upper > 0 || lower > 0)
    return at
  }
}
