// Families of metrics as Prometheus reads them: the text format 0.0.4. Pure; touches nothing.
import type { Labels, MetricFamily } from './families.js'

/** What the text is to be served as. */
export const prometheusContentType = 'text/plain; version=0.0.4; charset=utf-8'

/** `labels` are added to every sample. */
export function prometheusText(families: readonly MetricFamily[], labels: Labels = {}): string {
  return families.map((family) => familyText(family, labels)).join('')
}

function familyText(family: MetricFamily, more: Labels): string {
  const { name, type } = family
  const head = `# HELP ${name} ${escaped(family.help, /[\\\n]/g)}\n# TYPE ${name} ${type}\n`
  const line = (suffix: string, labels: Labels, value: number) =>
    `${name}${suffix}${labelText({ ...more, ...labels })} ${numberText(value)}\n`
  if (family.type !== 'histogram')
    return head + family.samples.map(({ labels, value }) => line('', labels, value)).join('')
  const texts = family.samples.map(({ labels, bounds, counts, sum }) => {
    const buckets = bounds.map((bound, i) => line('_bucket', { ...labels, le: numberText(bound) }, counts[i] as number))
    return buckets.join('') + line('_sum', labels, sum) + line('_count', labels, counts[counts.length - 1] as number)
  })
  return head + texts.join('')
}

function labelText(labels: Labels): string {
  const all = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value, /[\\\n"]/g)}"`)
  return all.length === 0 ? '' : `{${all.join(',')}}`
}

function escaped(text: string, special: RegExp): string {
  return text.replace(special, (character) => (character === '\n' ? '\\n' : `\\${character}`))
}

function numberText(value: number): string {
  if (value === Infinity) return '+Inf'
  return Number.isNaN(value) ? 'NaN' : String(value)
}
