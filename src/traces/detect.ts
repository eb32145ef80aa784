// Tells the format of a trace from its name and its first bytes. May touch: nothing outside its arguments.
import { basename } from 'node:path'
import { ArcFormat } from './arc.js'
import { CsvFormat } from './csv.js'
import { unreadable } from './fault.js'
import { LineParser } from './lines.js'
import { OracleGeneralParser } from './oracle-general.js'
import type { TraceFormat, TraceParser } from './trace.js'
import { TwitterFormat } from './twitter.js'

/** The trace's name: that of its file without the folder and the endings that only tell the format. */
export function traceName(file: string): string {
  const plain = basename(file).replace(/\.(gz|zst)$/i, '')
  return plain.replace(/\.(lis|csv|txt|bin|oracleGeneral(\.bin)?)$/i, '') || plain
}

const arcLine = /^[ \t]*\d+[ \t]+\d+[ \t]+\d+[ \t]+\d+[ \t]*$/
const twitterLine = /^\d+,.+,\d+,\d+,\d+,[a-z]+,\d+$/i

/** `head` is the beginning of the decompressed bytes. Errors: OSTRAKA_ERR_TRACE_UNREADABLE when neither name nor content tells. */
export function detectFormat(file: string, head: Uint8Array): TraceFormat {
  const name = basename(file).replace(/\.(gz|zst)$/i, '')
  if (/\.oracleGeneral(\.bin)?$/i.test(name)) return 'oracle-general'
  if (/\.lis$/i.test(name)) return 'arc'
  const text = looksLikeText(head)
  if (/\.bin$/i.test(name) && !text) return 'oracle-general'
  if (!text) throw unreadable(file, 'it is no text and its name tells no binary format; say which with --format')
  const lines = Buffer.from(head)
    .toString('utf8')
    .split(/\r?\n/)
    .filter((line) => line !== '')
  const first = lines[0] ?? ''
  if (twitterLine.test(first)) return 'twitter'
  if (/\.csv$/i.test(name)) return 'csv'
  if (arcLine.test(first)) return 'arc'
  return 'csv'
}

function looksLikeText(head: Uint8Array): boolean {
  for (const byte of head.subarray(0, 4096)) if (byte < 9 || (byte > 13 && byte < 32)) return false
  return true
}

export function parserFor(format: TraceFormat, file: string): TraceParser {
  switch (format) {
    case 'arc':
      return new LineParser(file, new ArcFormat())
    case 'csv':
      return new LineParser(file, new CsvFormat())
    case 'twitter':
      return new LineParser(file, new TwitterFormat())
    case 'oracle-general':
      return new OracleGeneralParser(file)
  }
}
