// The csv format: "key", "time,key" or "time,key,size" a line, or any columns that a header line names.
// May touch: nothing outside its arguments.
import { quoted, RecordFault } from './fault.js'
import { checkKey, type LineFormat, unsigned } from './lines.js'
import { Operation, type RequestSink } from './trace.js'

const comma = 44
const quote = 34

/** What a header may call the columns that are read. A first line with such a name for its key is a header line. */
const columnNames = {
  time: ['time', 'timestamp', 'clock_time', 'ts'],
  key: ['key', 'id', 'obj_id', 'object', 'object_id', 'block'],
  size: ['size', 'obj_size', 'object_size', 'bytes', 'value_size'],
  ttl: ['ttl'],
} as const

interface Columns {
  readonly time: number
  readonly key: number
  readonly size: number
  readonly ttl: number
  readonly count: number
}

const withoutHeader: Record<number, Columns> = {
  1: { time: -1, key: 0, size: -1, ttl: -1, count: 1 },
  2: { time: 0, key: 1, size: -1, ttl: -1, count: 2 },
  3: { time: 0, key: 1, size: 2, ttl: -1, count: 3 },
}

const mostColumns = 64

export class CsvFormat implements LineFormat {
  readonly #starts = new Int32Array(mostColumns)
  readonly #ends = new Int32Array(mostColumns)
  #columns: Columns | undefined

  line(bytes: Uint8Array, start: number, end: number, sink: RequestSink): boolean {
    const count = this.#split(bytes, start, end)
    let columns = this.#columns
    if (columns === undefined) {
      columns = this.#header(bytes, count)
      if (columns !== undefined) {
        this.#columns = columns
        return true
      }
      columns = withoutHeader[count]
      if (columns === undefined) {
        throw new RecordFault(
          `has ${count} columns and no header that names a "key" column; without a header: key, or time,key, or time,key,size`,
        )
      }
      this.#columns = columns
    }
    if (count !== columns.count) throw new RecordFault(`has ${count} columns, and the first line has ${columns.count}`)

    const time = columns.time < 0 ? 0 : this.#number(bytes, columns.time, 'time')
    const size = columns.size < 0 ? 0 : this.#count(bytes, columns.size, 'size')
    const ttl = columns.ttl < 0 ? 0 : this.#count(bytes, columns.ttl, 'ttl')
    const keyStart = this.#starts[columns.key]!
    const keyEnd = this.#ends[columns.key]!
    if (bytes[keyStart] === quote) {
      const key = unquote(bytes, keyStart, keyEnd)
      checkKey(key, 0, key.length)
      return sink.request(key, 0, key.length, Operation.get, size, ttl, time)
    }
    checkKey(bytes, keyStart, keyEnd)
    return sink.request(bytes, keyStart, keyEnd, Operation.get, size, ttl, time)
  }

  resume(): boolean {
    return true
  }

  #split(bytes: Uint8Array, start: number, end: number): number {
    let count = 0
    let from = start
    for (let at = start; at <= end; at++) {
      if (at < end && bytes[at] === quote && at === from) at = closingQuote(bytes, at, end)
      if (at !== end && bytes[at] !== comma) continue
      if (count === mostColumns) throw new RecordFault(`has more than ${mostColumns} columns`)
      this.#starts[count] = from
      this.#ends[count] = at
      count++
      from = at + 1
    }
    return count
  }

  #header(bytes: Uint8Array, count: number): Columns | undefined {
    const found = { time: -1, key: -1, size: -1, ttl: -1 }
    for (let column = 0; column < count; column++) {
      const text = Buffer.from(bytes.subarray(this.#starts[column]!, this.#ends[column]!)).toString('latin1')
      const name = text.trim().replace(/^"|"$/g, '').toLowerCase()
      for (const [role, names] of Object.entries(columnNames) as [keyof typeof found, readonly string[]][]) {
        if (found[role] < 0 && names.includes(name)) found[role] = column
      }
    }
    return found.key < 0 ? undefined : { ...found, count }
  }

  #number(bytes: Uint8Array, column: number, what: string): number {
    const start = this.#starts[column]!
    const end = this.#ends[column]!
    const whole = unsigned(bytes, start, end)
    if (whole >= 0) return whole
    const text = Buffer.from(bytes.subarray(start, end)).toString('latin1').trim()
    const value = text === '' ? Number.NaN : Number(text)
    if (!Number.isFinite(value)) throw new RecordFault(`the ${what} is no number: ${quoted(bytes, start, end)}`)
    return value
  }

  #count(bytes: Uint8Array, column: number, what: string): number {
    const value = this.#number(bytes, column, what)
    if (value < 0 || value > 0xffff_ffff || !Number.isInteger(value)) {
      throw new RecordFault(`the ${what} is not a whole number between 0 and 2^32 − 1: ${value}`)
    }
    return value
  }
}

/** Index just behind the quote that closes the field which opens at `open`. */
function closingQuote(bytes: Uint8Array, open: number, end: number): number {
  for (let at = open + 1; at < end; at++) {
    if (bytes[at] !== quote) continue
    if (bytes[at + 1] === quote && at + 1 < end) {
      at++
      continue
    }
    if (at + 1 < end && bytes[at + 1] !== comma) throw new RecordFault('something follows a closing quote')
    return at + 1
  }
  throw new RecordFault('a quoted field does not end on its line')
}

function unquote(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const key = new Uint8Array(end - start)
  let length = 0
  for (let at = start + 1; at < end - 1; at++) {
    key[length++] = bytes[at]!
    if (bytes[at] === quote) at++
  }
  return key.subarray(0, length)
}
