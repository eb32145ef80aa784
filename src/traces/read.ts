// Reads a trace file request by request in constant memory: no more of it is held than one piece and one line.
// May touch: the file system (reading).
import { detectFormat, parserFor } from './detect.js'
import { unreadable } from './fault.js'
import { traceBytes } from './source.js'
import { operationNames, type RequestSink, type TraceFormat, type TraceRequest } from './trace.js'

export interface ReadOptions {
  /** Instead of what name and content tell. */
  readonly format?: TraceFormat | undefined
}

/** Runs a file through its parser. Yields the format whenever the sink paused, and once at the end. */
export async function* parseFile(
  file: string,
  sink: RequestSink,
  options: ReadOptions = {},
): AsyncGenerator<TraceFormat> {
  let format = options.format
  let parser = format === undefined ? undefined : parserFor(format, file)
  let head: Uint8Array | undefined
  for await (const piece of traceBytes(file)) {
    head = head === undefined ? piece : parser === undefined ? Buffer.concat([head, piece]) : piece
    if (parser === undefined || format === undefined) {
      // A decompressor may hand on a few bytes first, and half a line tells no format.
      if (head.length < enoughToTell) continue
      format = detectFormat(file, head)
      parser = parserFor(format, file)
    }
    parser.feed(head)
    while (!parser.read(sink)) yield format
  }
  if (head === undefined) throw unreadable(file, 'it is empty')
  if (parser === undefined || format === undefined) {
    format = detectFormat(file, head)
    parser = parserFor(format, file)
    parser.feed(head)
  }
  while (!parser.end(sink)) yield format
  yield format
}

const enoughToTell = 4096

const batchRequests = 4096

/** A key that the parsers have checked, as a string. */
export function decodeKey(bytes: Uint8Array, start: number, end: number): string {
  const key = Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start)
  // For short keys the loop is cheaper than the decoder, which looks at every byte too, and a one-byte string is smaller.
  for (const byte of key) if (byte > 127) return key.toString('utf8')
  return key.toString('latin1')
}

/**
 * Every request of a trace file, in order. Errors: OSTRAKA_ERR_TRACE_UNREADABLE, and OSTRAKA_ERR_TRACE_MALFORMED with
 * the line or byte. Costs an object and a string a request: replays use `loadTrace`.
 */
export async function* readRequests(file: string, options: ReadOptions = {}): AsyncGenerator<TraceRequest> {
  let batch: TraceRequest[] = []
  const sink: RequestSink = {
    request(bytes, start, end, operation, size, ttl, time) {
      batch.push({ key: decodeKey(bytes, start, end), operation: operationNames[operation]!, size, ttl, time })
      return batch.length < batchRequests
    },
  }
  for await (const _ of parseFile(file, sink, options)) {
    yield* batch
    batch = []
  }
}
