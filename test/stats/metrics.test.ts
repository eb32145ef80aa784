// Metrics: the Prometheus text against the statistics and against promtool where it is installed, and OpenTelemetry through its own SDK.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { describe, expect, it } from 'vitest'
import { createCache } from '../../src/cache/create-cache.js'
import { observeCaches, prometheusMetrics } from '../../src/metrics/index.js'

function used(name: string) {
  const cache = createCache({ name, maxBytes: '32mb', stats: 'full', engine: 'js', owners: 0 })
  for (let i = 0; i < 100; i++) cache.set(`k${i}`, { i })
  for (let i = 0; i < 150; i++) cache.get(`k${i}`)
  cache.getMany(['k1', 'absent'])
  cache.set('not kept', 1, { ttl: 0 })
  cache.delete('k1')
  return cache
}

/** Each sample's value by its name and labels, as they stand in the text. */
function samplesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]),
  )
}

describe('the Prometheus text', () => {
  it('says what stats() says', async () => {
    const cache = used('scraped')
    await cache.getOrSet('loaded', () => new Promise((resolve) => setTimeout(resolve, 5, 'x')))
    await cache.getOrSet('loaded', () => 'x')
    const stats = cache.stats()
    const samples = samplesOf(cache.metrics())
    const of = (name: string, labels = '') => samples.get(`${name}{cache="scraped"${labels}}`)
    expect(of('ostraka_hits_total', ',tier="memory"')! + of('ostraka_hits_total', ',tier="near"')!).toBe(stats.hits)
    expect(of('ostraka_misses_total')).toBe(stats.misses)
    expect(of('ostraka_dropped_total', ',reason="not_wanted"')).toBe(1)
    expect(of('ostraka_removed_total', ',reason="deleted"')).toBe(1)
    expect(of('ostraka_batch_keys_total', ',outcome="miss"')).toBe(1)
    expect(of('ostraka_answers_total', ',source="memory"')).toBe(1)
    expect(of('ostraka_entries')).toBe(stats.size)
    expect(of('ostraka_memory_bytes', ',state="live"')).toBe(stats.memory.liveBytes)
    expect(of('ostraka_load_seconds_total')).toBeGreaterThan(0.004)
    expect(of('ostraka_operation_seconds_count', ',operation="get"')).toBe(stats.latency.get!.count)
    expect(of('ostraka_operation_seconds_bucket', ',operation="get",le="+Inf"')).toBe(stats.latency.get!.count)
    const buckets = [...samples].filter(([name]) => name.includes('_bucket') && name.includes('"get"'))
    expect(buckets.length).toBe(26)
    expect(buckets.every(([, count], i) => i === 0 || count >= buckets[i - 1]![1])).toBe(true)
    expect([...samples.values()].every((value) => Number.isFinite(value) && value >= 0)).toBe(true)
    await cache.close()
  })

  it('puts caches together, labels them, and says what is a counter', async () => {
    const caches = [used('one'), used('a "two"\\\n')]
    const text = prometheusMetrics(caches, { service: 'shop' })
    expect(text.match(/# TYPE ostraka_misses_total counter/g)).toHaveLength(1)
    expect(text).toContain('ostraka_misses_total{service="shop",cache="one"} 51')
    expect(text).toContain(String.raw`ostraka_misses_total{service="shop",cache="a \"two\"\\\n"} 51`)
    expect(() => prometheusMetrics(caches, { 'a-b': 'x' })).toThrowError(
      expect.objectContaining({ code: 'OSTRAKA_ERR_INVALID_ARGUMENT' }),
    )
    const tool = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
    if (tool.error === undefined) expect([tool.status, tool.stdout, tool.stderr]).toEqual([0, '', ''])
    for (const cache of caches) await cache.close()
    expect(() => prometheusMetrics(caches)).toThrowError(expect.objectContaining({ code: 'OSTRAKA_ERR_CLOSED' }))
  })

  it('has every metric that the docs and the dashboard for Grafana name, and they name every one', async () => {
    const cache = used('documented')
    const names = new Set(cache.measure().map(({ name }) => name))
    const docs = readFileSync('docs/observing.md', 'utf8')
    const listed = docs.slice(docs.indexOf('## Metrics'))
    for (const name of names) expect(listed, name).toContain(name)
    const grafana = readFileSync('docs/grafana.json', 'utf8')
    const plain = (name: string) => name.replace(/_(bucket|sum|count)$/, '')
    const asked = [...grafana.matchAll(/ostraka_[a-z_]+/g)].map(([name]) => plain(name))
    for (const name of new Set(asked)) expect(names, name).toContain(name)
    expect(asked.length).toBeGreaterThan(10)
    await cache.close()
  })
})

describe('OpenTelemetry', () => {
  it('collects the same through the meter of the program', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
    const provider = new MeterProvider({ readers: [reader] })
    const caches = [used('first'), used('second')]
    const stop = observeCaches(provider.getMeter('test'), caches)
    await caches[1]!.close()
    await reader.forceFlush()
    const collect = () =>
      exporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics.flatMap(({ metrics }) => metrics))
    const values = (name: string) =>
      collect()
        .filter(({ descriptor }) => descriptor.name === name)
        .flatMap(({ dataPoints }) => dataPoints.map(({ attributes, value }) => [attributes, value]))
    expect(values('ostraka.misses')).toEqual([[{ cache: 'first' }, 51]])
    expect(values('ostraka.entries')).toEqual([[{ cache: 'first' }, 99]])
    expect(values('ostraka.operation_count')).toContainEqual([{ cache: 'first', operation: 'set' }, 101])
    const seconds = collect().find(({ descriptor }) => descriptor.name === 'ostraka.load_seconds')
    expect(seconds?.descriptor.unit).toBe('s')
    // What is cumulative stands still from then on.
    stop()
    caches[0]!.get('absent')
    exporter.reset()
    await reader.forceFlush()
    expect(values('ostraka.misses')).toEqual([[{ cache: 'first' }, 51]])
    await caches[0]!.close()
    await provider.shutdown()
  })
})
