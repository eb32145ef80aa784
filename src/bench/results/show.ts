// Measured values as text, the same in every kind of report. May touch: nothing outside its arguments.
import type { Measure, Unit } from './result.js'

/** With as many digits as mean something. */
export function showValue(value: number, unit: Unit): string {
  if (Number.isNaN(value)) return '–'
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞'
  switch (unit) {
    case 'ns':
      if (value < 1e3) return `${digits(value)} ns`
      if (value < 1e6) return `${digits(value / 1e3)} µs`
      return value < 1e9 ? `${digits(value / 1e6)} ms` : `${digits(value / 1e9)} s`
    case 'ms':
      return value < 1 && value > 0
        ? `${digits(value * 1e3)} µs`
        : value < 1e4
          ? `${digits(value)} ms`
          : `${digits(value / 1e3)} s`
    case 'bytes':
      return bytes(value)
    case '1/s':
      if (value < 1e3) return `${digits(value)}/s`
      return value < 1e6 ? `${digits(value / 1e3)} k/s` : `${digits(value / 1e6)} M/s`
    case 'ratio':
    case '%':
      return `${((unit === 'ratio' ? 100 : 1) * value).toFixed(1)} %`
    case '×':
      return `${value.toFixed(2)}×`
    case 'count':
      return Math.abs(value) < 100 && !Number.isInteger(value) ? digits(value) : Math.round(value).toLocaleString('en')
  }
}

export function showMeasure({ value, unit }: Measure): string {
  return showValue(value, unit)
}

function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB']
  let unit = 0
  let left = value
  while (Math.abs(left) >= 1024 && unit < units.length - 1) {
    left /= 1024
    unit++
  }
  return `${digits(left)} ${units[unit]}`
}

function digits(value: number): string {
  const size = Math.abs(value)
  return size >= 100 || value === 0 ? value.toFixed(0) : size >= 10 ? value.toFixed(1) : value.toFixed(2)
}
