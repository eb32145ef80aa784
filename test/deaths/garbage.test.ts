// A reader whose pin was taken away may look at bytes that have become something else. What it makes of them is thrown away, but making it
// must not throw.
import { expect, test } from 'vitest'
import { decodeKey } from '../../src/engine/js/keys.js'
import type { StringBuffer } from '../../src/engine/string-buffer.js'

test('any bytes can be decoded as a key', () => {
  let state = 1
  for (let round = 0; round < 20_000; round++) {
    const bytes = Buffer.alloc(24)
    for (let i = 0; i < bytes.length; i++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0
      bytes[i] = state >>> 24
    }
    const text = decodeKey(bytes as unknown as StringBuffer, 0, 1 + (round % bytes.length))
    expect(typeof text).toBe('string')
  }
})
