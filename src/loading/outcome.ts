// How a failed load is told to callers in other threads: its error as bytes, bounded in size, and an error made of these bytes that has the
// same name, message, code, status and stack. Touches nothing; getters of the error run once, in the thread where it was thrown.
import { Buffer } from 'node:buffer'
import { errorTable, OstrakaError, type OstrakaErrorCode, type OstrakaFault } from '../errors.js'

/** Most bytes of an encoded error. */
export const MAX_OUTCOME_BYTES = 16 * 1024
const MOST_TEXT = 2048
const MOST_STACK = 4096
const MOST_FIELDS = 16
const MOST_CAUSES = 4

type Plain = string | number | boolean | null

/** An error as plain data. `thrown` stands for what was thrown and is no error. */
interface ErrorData {
  name?: string
  message?: string
  stack?: string | undefined
  fields?: Record<string, Plain>
  faults?: readonly OstrakaFault[] | undefined
  errors?: ErrorData[]
  cause?: ErrorData
  thrown?: Plain
  undefined?: true
}

/** The error as bytes, at most 16 KiB; what does not fit is left out, innermost causes and stacks first. Never throws. */
export function encodeOutcome(error: unknown): Uint8Array {
  for (const [stack, causes] of [
    [MOST_STACK, MOST_CAUSES],
    [MOST_TEXT, 1],
    [0, 0],
  ] as const) {
    const bytes = Buffer.from(JSON.stringify(describe(error, stack, causes)))
    if (bytes.length <= MAX_OUTCOME_BYTES) return bytes
  }
  return Buffer.from(
    JSON.stringify({ name: 'Error', message: 'The load failed with an error too large to be told here' }),
  )
}

/** What `encodeOutcome` was given, as an error of this thread. Never throws. */
export function decodeOutcome(bytes: Uint8Array): unknown {
  try {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
    return rebuild(JSON.parse(text) as ErrorData)
  } catch {
    return new Error('The load failed in another thread, with an error that cannot be read here')
  }
}

function describe(error: unknown, mostStack: number, causes: number): ErrorData {
  try {
    return error instanceof Error || looksLikeError(error)
      ? describeError(error as Error, mostStack, causes)
      : { ...describeThrown(error) }
  } catch {
    // A getter of the error throws.
    return { name: 'Error', message: 'The load failed with an error that cannot be read' }
  }
}

/** Errors of other realms, and DOMException, are no instances of this realm's Error. */
function looksLikeError(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'message' in error && typeof error.message === 'string'
}

function describeThrown(thrown: unknown): ErrorData {
  if (thrown === undefined) return { undefined: true }
  if (isPlain(thrown)) return { thrown: typeof thrown === 'string' ? cut(thrown, MOST_TEXT) : thrown }
  return { name: 'Error', message: `The load threw ${cut(String(thrown), 200)}` }
}

function describeError(error: Error, mostStack: number, causes: number): ErrorData {
  const data: ErrorData = {
    name: cut(String(error.name), 100),
    message: cut(String(error.message), MOST_TEXT),
    fields: fieldsOf(error),
  }
  if (mostStack > 0 && typeof error.stack === 'string') data.stack = cut(error.stack, mostStack)
  if (error instanceof OstrakaError && error.faults.length > 0) data.faults = error.faults.slice(0, MOST_FIELDS)
  if (causes > 0) {
    if ('cause' in error && error.cause !== undefined) data.cause = describe(error.cause, mostStack >> 1, causes - 1)
    if (error instanceof AggregateError)
      data.errors = error.errors.slice(0, MOST_CAUSES).map((inner) => describe(inner, mostStack >> 2, 0))
  }
  return data
}

/** The plain properties that libraries put on errors: code, status, errno, syscall … */
function fieldsOf(error: Error): Record<string, Plain> {
  const fields: Record<string, Plain> = {}
  // code and status first, wherever they are; DOMException has a legacy number for a code, on its prototype.
  const names = new Set(['code', 'status', 'statusCode', ...Object.keys(error)])
  let count = 0
  for (const name of names) {
    if (name === 'name' || name === 'message' || name === 'stack' || name === 'cause' || name === 'errors') continue
    const value: unknown = Reflect.get(error, name)
    if (!isPlain(value)) continue
    fields[cut(name, 100)] = typeof value === 'string' ? cut(value, 512) : value
    if (++count === MOST_FIELDS) break
  }
  return fields
}

function isPlain(value: unknown): value is Plain {
  return value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`
}

const builtIn: Readonly<Record<string, new (message: string) => Error>> = {
  Error,
  TypeError,
  RangeError,
  SyntaxError,
  ReferenceError,
  EvalError,
  URIError,
}

function rebuild(data: ErrorData): unknown {
  if (data.undefined === true) return undefined
  if (data.thrown !== undefined) return data.thrown
  const error = construct(data)
  if (data.cause !== undefined) define(error, 'cause', rebuild(data.cause))
  for (const [name, value] of Object.entries(data.fields ?? {})) {
    if (Reflect.get(error, name) !== value) define(error, name, value, true)
  }
  if (data.stack !== undefined) define(error, 'stack', data.stack)
  return error
}

function construct(data: ErrorData): Error {
  const { name = 'Error', message = '' } = data
  const code = data.fields?.['code']
  if (name === 'OstrakaError' && typeof code === 'string' && code in errorTable) {
    return new OstrakaError(code as OstrakaErrorCode, message, { faults: data.faults ?? [] })
  }
  if (data.errors !== undefined) return new AggregateError(data.errors.map(rebuild), message)
  if (
    typeof code === 'number' &&
    (name === 'AbortError' || name === 'TimeoutError' || code > 0) &&
    isExceptionName(name)
  ) {
    return new DOMException(message, name)
  }
  const Class = builtIn[name]
  if (Class !== undefined) return new Class(message)
  const error = new Error(message)
  define(error, 'name', name)
  return error
}

/** Names that DOMException has a number for, which tells it from errors that only bear such a name. */
function isExceptionName(name: string): boolean {
  return new DOMException('', name).code !== 0
}

// As the language does it: not enumerable, unless it was an ordinary property.
function define(error: Error, name: string, value: unknown, enumerable = false): void {
  Object.defineProperty(error, name, { value, enumerable, configurable: true, writable: true })
}
