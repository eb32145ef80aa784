// How readers say that a trace is broken: always an OstrakaError that names the file, the place and the fault.
// May touch: errors only.
import { OstrakaError } from '../errors.js'

/** Thrown by the parser of one line or record, which does not know where it stands; its caller adds the place. */
export class RecordFault extends Error {}

/** The file itself cannot be read: not there, no permission, a folder, a broken compressed stream. */
export function unreadable(file: string, what: string, cause?: unknown): OstrakaError {
  return new OstrakaError('OSTRAKA_ERR_TRACE_UNREADABLE', `${file}: ${what}`, { cause })
}

/** The file can be read but is not a trace of its format. `place` is "line 3" or "byte 48". */
export function malformed(file: string, place: string, what: string): OstrakaError {
  return new OstrakaError('OSTRAKA_ERR_TRACE_MALFORMED', `${file}: ${place}: ${what}`)
}

/** A piece of a file for a message: short, printable, in quotes. */
export function quoted(bytes: Uint8Array, start: number, end: number): string {
  const shown = Buffer.from(bytes.subarray(start, Math.min(end, start + 40))).toString('latin1')
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are exactly what must not reach a terminal
  const clean = shown.replace(/[\x00-\x1f\x7f-\x9f]/g, '?')
  return `"${clean}${end - start > 40 ? '…' : ''}"`
}
