// Files that the suites of traces make for themselves. Touches a temporary folder only.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OstrakaError } from '../../src/errors.js'
import { readRequests } from '../../src/traces/read.js'
import type { TraceFormat, TraceRequest } from '../../src/traces/trace.js'

export interface Folder {
  write(name: string, content: string | Uint8Array): string
  remove(): void
}

export function temporaryFolder(): Folder {
  const folder = mkdtempSync(join(tmpdir(), 'ostraka-traces-'))
  return {
    write(name, content) {
      const file = join(folder, name)
      writeFileSync(file, content)
      return file
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  }
}

export async function requestsOf(file: string, format?: TraceFormat): Promise<TraceRequest[]> {
  const requests: TraceRequest[] = []
  for await (const request of readRequests(file, { format })) requests.push(request)
  return requests
}

export const keysOf = (requests: readonly TraceRequest[]) => requests.map(({ key }) => key)

/** The OstrakaError that the work ends in; anything else fails the test. */
export async function faultOf(work: Promise<unknown>): Promise<OstrakaError> {
  try {
    await work
  } catch (error) {
    if (error instanceof OstrakaError) return error
    throw error
  }
  throw new Error('no error was thrown')
}

/** One record of oracleGeneral. */
export function oracleRecord(time: number, id: bigint, size: number, next = -1n): Buffer {
  const record = Buffer.alloc(24)
  record.writeUInt32LE(time, 0)
  record.writeBigUInt64LE(id, 4)
  record.writeUInt32LE(size, 12)
  record.writeBigInt64LE(next, 16)
  return record
}
