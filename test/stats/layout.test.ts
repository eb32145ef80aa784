// The parts of the observed memory lie one behind the other within it, whatever its size.
import { expect, it } from 'vitest'
import { layoutOf } from '../../src/stats/layout.js'

it('fits its memory at any size', () => {
  for (let pages = 1; pages <= 64; pages++) {
    const bytes = pages * 65_536
    const { changes } = layoutOf(bytes)
    expect(changes.at + changes.length * 128).toBeLessThanOrEqual(bytes)
  }
})
