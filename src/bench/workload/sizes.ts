// How large values are: laws from which the size of each key's value is drawn, the same one every time. May touch: nothing.
import { randomFrom } from '../../traces/generate.js'

export type SizeLaw =
  | { readonly law: 'fixed'; readonly bytes: number }
  | { readonly law: 'uniform'; readonly least: number; readonly most: number }
  /** Sizes of web objects: the logarithm is normal. `sigma` 1 when not given; never over `most` (1 MiB when not given). */
  | { readonly law: 'log-normal'; readonly median: number; readonly sigma?: number; readonly most?: number }
  /** [bytes, weight] pairs. */
  | { readonly law: 'choices'; readonly of: readonly (readonly [number, number])[] }

/** Bytes for a key, drawn from the key's own number: the same on every machine. About 50 ns. */
export function sizeLaw(law: SizeLaw): (key: number) => number {
  switch (law.law) {
    case 'fixed':
      return () => law.bytes
    case 'uniform':
      return (key) => law.least + Math.floor(ownRandom(key)() * (law.most - law.least + 1))
    case 'log-normal': {
      const { median, sigma = 1, most = 2 ** 20 } = law
      return (key) => {
        const random = ownRandom(key)
        const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
        return Math.round(Math.min(Math.max(median * Math.exp(sigma * normal), 1), most))
      }
    }
    case 'choices': {
      const whole = law.of.reduce((sum, [, weight]) => sum + weight, 0)
      return (key) => {
        let left = ownRandom(key)() * whole
        for (const [bytes, weight] of law.of) {
          left -= weight
          if (left < 0) return bytes
        }
        return law.of.at(-1)![0]
      }
    }
  }
}

function ownRandom(key: number): () => number {
  return randomFrom(Math.imul(key + 1, 0x85eb_ca6b))
}
