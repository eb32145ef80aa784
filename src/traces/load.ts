// Loads a trace file into the compact form. May touch: the file system (reading).
import { TraceBuilder } from './build.js'
import { traceName } from './detect.js'
import { unreadable } from './fault.js'
import { parseFile, type ReadOptions } from './read.js'
import type { Trace } from './trace.js'

export interface LoadOptions extends ReadOptions {
  /** Only the first so many requests. */
  readonly limit?: number | undefined
  /** Keep the time of each request: eight bytes a request. */
  readonly keepTimes?: boolean | undefined
}

/** Errors: OSTRAKA_ERR_TRACE_UNREADABLE, and OSTRAKA_ERR_TRACE_MALFORMED with the line or byte. */
export async function loadTrace(file: string, options: LoadOptions = {}): Promise<Trace> {
  const builder = new TraceBuilder(options)
  let trace: Trace | undefined
  for await (const format of parseFile(file, builder, options)) {
    trace = builder.finish(traceName(file), format)
    break
  }
  if (trace === undefined || trace.requests === 0) throw unreadable(file, 'it holds no requests')
  return trace
}
