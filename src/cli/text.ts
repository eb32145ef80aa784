// Numbers and tables for people who read a terminal of 80 columns. May touch: the environment (for colours).

const colourWanted = () => process.stdout.isTTY === true && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb'

const paint = (open: number, close: number) => (text: string) =>
  colourWanted() ? `\u001b[${open}m${text}\u001b[${close}m` : text

export const bold = paint(1, 22)
export const dim = paint(2, 22)
export const green = paint(32, 39)
export const yellow = paint(33, 39)
export const red = paint(31, 39)

/** 1234567 → "1,234,567". */
export function count(value: number): string {
  return Math.round(value).toLocaleString('en')
}

/** 1234567 → "1.23 M". */
export function short(value: number): string {
  if (value < 1000) return value < 100 && !Number.isInteger(value) ? value.toFixed(1) : String(Math.round(value))
  if (value < 1e6) return `${significant(value / 1e3)} k`
  if (value < 1e9) return `${significant(value / 1e6)} M`
  return `${significant(value / 1e9)} G`
}

/** Bytes in binary units: "64 MiB". */
export function size(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
  let unit = 0
  let value = bytes
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024
    unit++
  }
  return `${unit === 0 ? value : significant(value)} ${units[unit]}`
}

/** Nanoseconds in the unit that fits: "410 ns", "12.3 µs". */
export function duration(nanoseconds: number): string {
  if (nanoseconds < 1e3) return `${Math.round(nanoseconds)} ns`
  if (nanoseconds < 1e6) return `${significant(nanoseconds / 1e3)} µs`
  if (nanoseconds < 1e9) return `${significant(nanoseconds / 1e6)} ms`
  return `${significant(nanoseconds / 1e9)} s`
}

export function percent(ratio: number): string {
  return Number.isNaN(ratio) ? '–' : `${(ratio * 100).toFixed(2)} %`
}

function significant(value: number): string {
  const size = Math.abs(value)
  return value
    .toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2)
    .replace(/(\.\d*?)0+$/, '$1')
    .replace(/\.$/, '')
}

const escapes = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g')
const width = (text: string) => [...text.replace(escapes, '')].length

/** Rows under a header; columns whose name begins with ">" are aligned to the right. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const right = header.map((name) => name.startsWith('>'))
  const names = header.map((name) => name.replace(/^>/, ''))
  const widths = names.map((name, column) => Math.max(width(name), ...rows.map((row) => width(row[column] ?? ''))))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => {
        const space = ' '.repeat(Math.max(0, widths[column]! - width(cell)))
        return right[column] ? space + cell : cell + space
      })
      .join('  ')
      .trimEnd()
  return [dim(line(names)), ...rows.map(line)].join('\n')
}

/** Names to the left, what they are to the right, wrapped to 80 columns. */
export function fields(rows: readonly (readonly [string, string])[], indent = '  '): string {
  const left = Math.max(...rows.map(([name]) => width(name)))
  return rows
    .map(([name, text]) => {
      const hanging = ' '.repeat(indent.length + left + 2)
      const lines = wrap(text, 80 - hanging.length)
      return `${indent}${dim(name)}${' '.repeat(left - width(name) + 2)}${lines.join(`\n${hanging}`)}`
    })
    .join('\n')
}

/** Breaks at spaces so that no line is longer than `columns`, unless one word is. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = []
  for (const paragraph of text.split('\n')) {
    let line = ''
    for (const word of paragraph.split(/ (?! )/)) {
      if (line !== '' && width(line) + 1 + width(word) > columns) {
        lines.push(line.trimEnd())
        line = word.trimStart()
      } else {
        line = line === '' ? word : `${line} ${word}`
      }
    }
    lines.push(line.trimEnd())
  }
  return lines
}
