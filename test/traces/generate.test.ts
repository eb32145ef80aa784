// The generated trace: repeatable, skewed, with keys that come and go and scans in between.
import { expect, test } from 'vitest'
import { generateTrace } from '../../src/traces/generate.js'
import { decodeKey } from '../../src/traces/read.js'

test('the same seed gives the same trace, another seed another one', () => {
  const one = generateTrace({ requests: 20_000, keys: 500, seed: 3 })
  const same = generateTrace({ requests: 20_000, keys: 500, seed: 3 })
  const other = generateTrace({ requests: 20_000, keys: 500, seed: 4 })
  expect(Buffer.from(same.keyBytes).equals(Buffer.from(one.keyBytes))).toBe(true)
  expect([...same.ids]).toEqual([...one.ids])
  expect([...same.sizes!]).toEqual([...one.sizes!])
  expect([...other.ids]).not.toEqual([...one.ids])
})

test('a key has one size, and few keys get most requests', () => {
  const trace = generateTrace({ requests: 100_000, keys: 2000, churn: 0, scans: 0 })
  const sizeOfKey = new Map<number, number>()
  const asked = new Map<number, number>()
  trace.ids.forEach((id, at) => {
    expect(sizeOfKey.get(id) ?? trace.sizes![at]).toBe(trace.sizes![at])
    sizeOfKey.set(id, trace.sizes![at]!)
    asked.set(id, (asked.get(id) ?? 0) + 1)
  })
  expect(trace.keys).toBeLessThanOrEqual(2000)
  const most = [...asked.values()].sort((a, b) => b - a)
  const top = most.slice(0, 200).reduce((a, b) => a + b, 0)
  // A tenth of the ranks holds 65.7 % of a Zipf law with exponent 0.9 over 2,000 ranks.
  expect(top / trace.requests).toBeGreaterThan(0.63)
  expect(top / trace.requests).toBeLessThan(0.69)
})

test('scans and churn have their shares', () => {
  const { ids, keys, keyBytes, keyOffsets, requests } = generateTrace({ requests: 400_000, scans: 0.2, churn: 0.01 })
  const scanned = Array.from({ length: keys }, (_, id) =>
    decodeKey(keyBytes, keyOffsets[id]!, keyOffsets[id + 1]!).startsWith('row:'),
  )
  const share = ids.reduce((sum, id) => sum + (scanned[id] ? 1 : 0), 0) / requests
  expect(share).toBeGreaterThan(0.1)
  expect(share).toBeLessThan(0.3)
})
