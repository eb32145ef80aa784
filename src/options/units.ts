// Reads sizes ('256mb', 1024) and durations ('30s', 500) as people write them. Touches nothing; every function
// returns a sentence about what would be right instead of throwing, so that callers can collect all faults.
import ms from 'ms'

/** Bytes, or a string such as '64kb', '256mb', '1.5gb' (binary multiples: 1 kb is 1,024 bytes). */
export type Size = number | string
/** Milliseconds, or a string such as '500ms', '30s', '5m', '2h', '7d'. */
export type Duration = number | string

const unitBytes: Readonly<Record<string, number>> = { b: 1, kb: 2 ** 10, mb: 2 ** 20, gb: 2 ** 30, tb: 2 ** 40 }

/** Whole bytes, or `undefined` when it cannot be read as a size. */
export function parseSize(input: unknown): number | undefined {
  if (typeof input === 'number') return Number.isFinite(input) && input >= 0 ? Math.floor(input) : undefined
  if (typeof input !== 'string') return undefined
  const match = /^\s*(\d+(?:\.\d+)?|\.\d+)\s*(?:([kmgt]?)(i?)(b?))\s*$/i.exec(input)
  if (!match) return undefined
  const unit = `${match[2] ?? ''}b`.toLowerCase()
  // 'i' alone ('5i', '5ib') belongs to no unit.
  if (match[3] && !match[2]) return undefined
  return Math.floor(Number(match[1]) * (unitBytes[unit] ?? 1))
}

/** Milliseconds, `Infinity` included, or `undefined` when it cannot be read as a duration. */
export function parseDuration(input: unknown): number | undefined {
  if (typeof input === 'number') return input >= 0 ? input : undefined
  if (typeof input !== 'string' || input.trim() === '' || input.length > 100) return undefined
  // The types of ms list the strings it understands; what it does not understand gives undefined.
  const milliseconds = ms(input as ms.StringValue) as number | undefined
  return milliseconds !== undefined && milliseconds >= 0 ? milliseconds : undefined
}

export const sizeHint = "bytes as a number, or a string like '64kb', '256mb', '1.5gb'"
export const durationHint = "milliseconds as a number from 0 on, or a string like '500ms', '30s', '5m', '2h', '7d'"
