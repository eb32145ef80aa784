// The bytes of a trace file, decompressed where its first bytes say gzip or Zstandard, in pieces of bounded size.
// May touch: the file system (reading) and zlib.
import { createReadStream } from 'node:fs'
import { createGunzip } from 'node:zlib'
import { Decompress } from 'fzstd'
import { unreadable } from './fault.js'

const pieceBytes = 256 * 1024

/**
 * fzstd allocates the window that the frame header asks for, up to 2 GiB, before it has seen a single block. The
 * reference decoder refuses windows over 128 MiB unless told otherwise, and so do we.
 */
const largestWindow = 128 * 1024 * 1024

async function* pieces(file: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of createReadStream(file, { highWaterMark: pieceBytes })) yield piece as Uint8Array
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code
    const reasons: Record<string, string> = {
      ENOENT: 'there is no such file',
      EACCES: 'no permission to read it',
      EISDIR: 'it is a folder, not a trace file',
    }
    throw unreadable(file, reasons[code ?? ''] ?? `cannot be read (${(cause as Error).message})`, cause)
  }
}

async function* gunzipped(file: string, input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip({ chunkSize: pieceBytes })
  let fileFault: unknown
  const feeding = (async () => {
    try {
      for await (const piece of input) {
        if (gunzip.destroyed) return
        if (!gunzip.write(piece)) {
          await new Promise<void>((resume) => {
            const go = () => {
              gunzip.off('drain', go).off('close', go)
              resume()
            }
            gunzip.once('drain', go).once('close', go)
          })
        }
      }
      gunzip.end()
    } catch (fault) {
      fileFault = fault
      gunzip.destroy()
    }
  })()
  try {
    for await (const piece of gunzip) yield piece as Uint8Array
  } catch (cause) {
    if (fileFault !== undefined) throw fileFault
    throw unreadable(file, `the gzip stream is broken (${(cause as Error).message})`, cause)
  } finally {
    gunzip.destroy()
    await feeding
  }
  if (fileFault !== undefined) throw fileFault
}

/** Bytes of window that a Zstandard frame header asks for; undefined when the header is not all there. */
function zstdWindow(head: Uint8Array): number | undefined {
  const descriptor = head[4]
  if (descriptor === undefined) return undefined
  const singleSegment = (descriptor >> 5) & 1
  if (!singleSegment) {
    const window = head[5]
    if (window === undefined) return undefined
    const base = 2 ** (10 + (window >> 3))
    return base + (base / 8) * (window & 7)
  }
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!
  const sizeBytes = [1, 2, 4, 8][descriptor >> 6]!
  if (head.length < 5 + dictionaryBytes + sizeBytes) return undefined
  let size = 0
  for (let i = sizeBytes - 1; i >= 0; i--) size = size * 256 + head[5 + dictionaryBytes + i]!
  return size
}

async function* unzstded(file: string, input: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const out: Uint8Array[] = []
  const decompress = new Decompress((piece) => {
    if (piece.length > 0) out.push(piece)
  })
  let first = true
  const push = (piece: Uint8Array, last: boolean) => {
    try {
      // Its last piece makes fzstd ask for a block that ends the stream, so the stream is closed with no bytes at all.
      decompress.push(piece, last)
    } catch (cause) {
      throw unreadable(file, `the Zstandard stream is broken (${(cause as Error).message})`, cause)
    }
  }
  for await (const piece of input) {
    if (first) {
      first = false
      const window = zstdWindow(piece)
      if (window === undefined) throw unreadable(file, 'the Zstandard stream is broken (it ends in its header)')
      if (window > largestWindow) throw unreadable(file, 'the Zstandard stream asks for a window of more than 128 MiB')
    }
    push(piece, false)
    yield* out.splice(0)
  }
  push(new Uint8Array(0), true)
  yield* out.splice(0)
}

async function* rejoined(first: Uint8Array, rest: AsyncIterator<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    if (first.length > 0) yield first
    for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value
  } finally {
    await rest.return?.()
  }
}

/** Decompressed bytes of a file. Errors: OSTRAKA_ERR_TRACE_UNREADABLE. */
export async function* traceBytes(file: string): AsyncGenerator<Uint8Array> {
  const input = pieces(file)
  const opening = await input.next()
  const first = opening.done ? new Uint8Array(0) : opening.value
  const gzip = first[0] === 0x1f && first[1] === 0x8b
  const zstd = first[0] === 0x28 && first[1] === 0xb5 && first[2] === 0x2f && first[3] === 0xfd
  if (!gzip && /\.gz$/i.test(file))
    throw unreadable(file, 'its name ends in .gz, but it does not begin like a gzip file')
  if (!zstd && /\.zst$/i.test(file)) {
    throw unreadable(file, 'its name ends in .zst, but it does not begin like a Zstandard file')
  }
  const whole = rejoined(first, input)
  if (gzip) yield* gunzipped(file, whole)
  else if (zstd) yield* unzstded(file, whole)
  else yield* whole
}
