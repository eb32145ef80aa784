// Loads a trace file into the compact form. May touch: the file system (reading).
import { type BuildOptions, TraceBuilder } from './build.js'
import { traceName } from './detect.js'
import { unreadable } from './fault.js'
import { parseFile, type ReadOptions } from './read.js'
import type { Trace } from './trace.js'

export interface LoadOptions extends ReadOptions, BuildOptions {}

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
