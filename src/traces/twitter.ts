// The csv of Twitter's cache traces: timestamp, key, key size, value size, client id, operation, TTL; no header line.
// May touch: nothing outside its arguments.
import { quoted, RecordFault } from './fault.js'
import { checkKey, type LineFormat, unsigned } from './lines.js'
import { Operation, type RequestSink } from './trace.js'

const comma = 44

const operations = new Map<string, number>([
  ['get', Operation.get],
  ['gets', Operation.get],
  ['set', Operation.set],
  ['replace', Operation.set],
  ['cas', Operation.set],
  ['append', Operation.set],
  ['prepend', Operation.set],
  ['add', Operation.add],
  ['delete', Operation.delete],
  ['incr', Operation.increment],
  ['decr', Operation.increment],
])

const behindKey = ['key size', 'value size', 'client id', 'operation', 'TTL']

export class TwitterFormat implements LineFormat {
  readonly #starts = new Int32Array(5)
  readonly #ends = new Int32Array(5)

  line(bytes: Uint8Array, start: number, end: number, sink: RequestSink): boolean {
    // The columns behind the key are counted from the end of the line, so that a key may hold commas.
    let to = end
    for (let column = 4; column >= 0; column--) {
      let at = to - 1
      while (at >= start && bytes[at] !== comma) at--
      if (at < start) throw new RecordFault(`has ${5 - column} columns where a Twitter trace has 7`)
      this.#starts[column] = at + 1
      this.#ends[column] = to
      to = at
    }
    let keyStart = start
    while (keyStart < to && bytes[keyStart] !== comma) keyStart++
    if (keyStart === to) throw new RecordFault('has 6 columns where a Twitter trace has 7')
    const time = unsigned(bytes, start, keyStart)
    if (time < 0) throw new RecordFault(`the timestamp is no unsigned number: ${quoted(bytes, start, keyStart)}`)
    keyStart++
    checkKey(bytes, keyStart, to)
    this.#number(bytes, 0)
    const size = this.#number(bytes, 1)
    const operation = this.#operation(bytes, this.#starts[3]!, this.#ends[3]!)
    const ttl = this.#number(bytes, 4)
    return sink.request(bytes, keyStart, to, operation, size, ttl, time)
  }

  resume(): boolean {
    return true
  }

  #number(bytes: Uint8Array, column: number): number {
    const value = unsigned(bytes, this.#starts[column]!, this.#ends[column]!)
    if (value < 0 || value > 0xffff_ffff) {
      const shown = quoted(bytes, this.#starts[column]!, this.#ends[column]!)
      throw new RecordFault(`the ${behindKey[column]} is no unsigned 32-bit number: ${shown}`)
    }
    return value
  }

  #operation(bytes: Uint8Array, start: number, end: number): number {
    // Nearly every line says "get", and a string for each of billions of lines costs more than everything else here.
    if (end - start === 3 && bytes[start] === 103 && bytes[start + 1] === 101 && bytes[start + 2] === 116) {
      return Operation.get
    }
    const name = Buffer.from(bytes.subarray(start, end)).toString('latin1').toLowerCase()
    const operation = operations.get(name)
    if (operation === undefined) throw new RecordFault(`unknown operation ${quoted(bytes, start, end)}`)
    return operation
  }
}
