// Closing gives the memory back, also where a module goes on holding what it closed.
import { expect, test } from 'vitest'
import { benches } from '../behaviour/engines.js'
import { run } from './arena.js'

const nativeMissing = benches.find(({ name }) => name === 'native')?.missing

for (const engine of ['native', 'js'] as const) {
  test.skipIf(engine === 'native' && nativeMissing !== undefined)(
    `${engine}: a closed handle holds no memory`,
    async () => {
      const outcome = await run('closed.mjs', { engine }, undefined, ['--expose-gc'])
      expect([outcome.code, outcome.errors]).toEqual([0, ''])
      const { found, codes, given } = JSON.parse(outcome.output)
      expect(found).toEqual([{ name: 'Ada' }, 700])
      expect(codes).toEqual(Array(4).fill('OSTRAKA_ERR_CLOSED'))
      expect(given).toBeGreaterThan(100 * 2 ** 20)
    },
  )
}
