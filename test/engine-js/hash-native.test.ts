// The native engine hashes every key as the vectors say, so that either engine finds what the other wrote.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { layoutConstants } from '../../src/engine/layout.js'
import { loadAddon } from '../../src/engine/load-addon.js'
import { isAddon } from '../../src/engine/native.js'

interface Vector {
  seedLow: number
  seedHigh: number
  keyHex: string
  h: number
  tag: number
}

const vectors: Vector[] = JSON.parse(readFileSync(new URL('../fixtures/hash-vectors.json', import.meta.url), 'utf8'))
const found = loadAddon()
const addon = 'addon' in found && isAddon(found.addon) ? found.addon : undefined
if (addon === undefined) console.log('skipped: the native engine is not there')

describe.skipIf(addon === undefined)('the addon', () => {
  it('hashes as the vectors say', () => {
    for (const { seedLow, seedHigh, keyHex, h, tag } of vectors) {
      expect([keyHex, ...(addon?.hashKey(seedLow, seedHigh, Buffer.from(keyHex, 'hex')) ?? [])]).toEqual([
        keyHex,
        h,
        tag,
      ])
    }
  })

  it('has the layout of this package', () => {
    expect(addon?.layoutConstants()).toEqual(layoutConstants())
  })
})
