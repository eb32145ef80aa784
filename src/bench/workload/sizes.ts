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

/** The mean of a law. */
export function meanSize(law: SizeLaw): number {
  switch (law.law) {
    case 'fixed':
      return law.bytes
    case 'uniform':
      return (law.least + law.most) / 2
    case 'log-normal':
      // Of the law that is not cut off at `most`.
      return law.median * Math.exp((law.sigma ?? 1) ** 2 / 2)
    case 'choices': {
      const whole = law.of.reduce((sum, [, weight]) => sum + weight, 0)
      return law.of.reduce((sum, [bytes, weight]) => sum + bytes * weight, 0) / whole
    }
  }
}

function ownRandom(key: number): () => number {
  return randomFrom(Math.imul(key + 1, 0x85eb_ca6b))
}
