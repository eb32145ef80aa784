// Student's t distribution: the share of it below a value, and the value below which a share lies. Written here since the libraries that
// have it bring dozens of packages into every installation. May touch: nothing outside its arguments.

/** Lanczos' approximation of ln Γ(x) for x ≥ 0.5, good to some 15 digits. */
function logGamma(x: number): number {
  const terms = [
    676.520_368_121_885_1, -1259.139_216_722_402_8, 771.323_428_777_653_1, -176.615_029_162_140_6,
    12.507_343_278_686_905, -0.138_571_095_265_720_12, 9.984_369_578_019_572e-6, 1.505_632_735_149_311_6e-7,
  ]
  let sum = 0.999_999_999_999_809_9
  for (const [at, term] of terms.entries()) sum += term / (x + at)
  const shifted = x + 6.5
  return 0.5 * Math.log(2 * Math.PI) + (x - 0.5) * Math.log(shifted) - shifted + Math.log(sum)
}

/** The continued fraction of the incomplete beta function, evaluated front to back; converges fast for x < (a + 1) / (a + b + 2). */
function betaFraction(x: number, a: number, b: number): number {
  const tiny = 1e-300
  const keep = (value: number) => (Math.abs(value) < tiny ? tiny : value)
  let c = 1
  let d = 1 / keep(1 - ((a + b) * x) / (a + 1))
  let result = d
  for (let m = 1; m < 10_000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m))
    d = 1 / keep(1 + even * d)
    c = keep(1 + even / c)
    result *= d * c
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1))
    d = 1 / keep(1 + odd * d)
    c = keep(1 + odd / c)
    const factor = d * c
    result *= factor
    if (Math.abs(factor - 1) < 1e-14) break
  }
  return result
}

/** The regularized incomplete beta function I_x(a, b). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0
  if (x >= 1) return 1
  const front = Math.exp(logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x))
  return x < (a + 1) / (a + b + 2) ? (front * betaFraction(x, a, b)) / a : 1 - (front * betaFraction(1 - x, b, a)) / b
}

/** The probability that a variable of Student's distribution with so many degrees of freedom (> 0) does not exceed `t`. */
export function studentBelow(t: number, freedom: number): number {
  if (Number.isNaN(t) || !(freedom > 0)) return Number.NaN
  const tail = incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5) / 2
  return t > 0 ? 1 - tail : tail
}

/** The probability of a value at least as far from 0 as `t`, on either side. */
export function studentTails(t: number, freedom: number): number {
  if (Number.isNaN(t) || !(freedom > 0)) return Number.NaN
  return incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5)
}

/** The value that a share (0 to 1) of the distribution does not exceed. */
export function studentQuantile(share: number, freedom: number): number {
  if (!(share > 0 && share < 1) || !(freedom > 0)) return Number.NaN
  if (share < 0.5) return -studentQuantile(1 - share, freedom)
  let low = 0
  let high = 1
  while (studentBelow(high, freedom) < share && high < 1e12) high *= 2
  for (let step = 0; step < 200 && high - low > 1e-12 * Math.max(1, high); step++) {
    const middle = (low + high) / 2
    if (studentBelow(middle, freedom) < share) low = middle
    else high = middle
  }
  return (low + high) / 2
}
