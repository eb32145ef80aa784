// The checker on histories made by hand: it accepts what a cache may do and catches what it must not.
import { expect, test } from 'vitest'
import { check, type Kind, type Operation } from './checker.mjs'

type Line = readonly [kind: Kind, argument: number, result: number, begin: number, end: number, done?: boolean]

function thread(number: number, lines: readonly Line[]): Operation[] {
  return lines.map(([kind, argument, result, begin, end, done = true]) => {
    return { kind, thread: number, argument, result, done, begin, end }
  })
}

function accepted(...threads: readonly (readonly Line[])[]): boolean {
  return check(
    threads.map((lines, number) => thread(number, lines)),
    { strict: true, vanishes: true },
  ).linearizable
}

test('one thread by itself', () => {
  expect(
    accepted([
      ['get', 0, 0, 0, 1],
      ['set', 7, 0, 2, 3],
      ['get', 0, 7, 4, 5],
      ['add', 8, 0, 6, 7, false],
      ['update', 9, 7, 8, 9],
      ['take', 0, 9, 10, 11],
      ['delete', 0, 0, 12, 13],
      ['increment', 2, 2, 14, 15],
      ['increment', 3, 5, 16, 17],
      ['delete', 0, 1, 18, 19],
    ]),
  ).toBe(true)
})

test('an entry may vanish, and does not come back', () => {
  expect(
    accepted([
      ['set', 7, 0, 0, 1],
      ['get', 0, 0, 2, 3],
      ['add', 8, 0, 4, 5],
    ]),
  ).toBe(true)
  expect(
    accepted([
      ['set', 7, 0, 0, 1],
      ['get', 0, 0, 2, 3],
      ['get', 0, 7, 4, 5],
    ]),
  ).toBe(false)
})

test('operations that overlap may take either order, and one order for all', () => {
  const writer: Line[] = [
    ['set', 1, 0, 0, 1],
    ['set', 2, 0, 10, 20],
  ]
  expect(
    accepted(writer, [
      ['get', 0, 1, 11, 12],
      ['get', 0, 2, 13, 14],
    ]),
  ).toBe(true)
  expect(
    accepted(writer, [
      ['get', 0, 2, 11, 12],
      ['get', 0, 1, 13, 14],
    ]),
  ).toBe(false)
  expect(accepted(writer, [['get', 0, 2, 11, 12]], [['get', 0, 1, 13, 14]])).toBe(false)
  expect(accepted(writer, [['get', 0, 2, 11, 15]], [['get', 0, 1, 13, 14]])).toBe(true)
})

test('a stale value after a set had returned', () => {
  expect(
    accepted(
      [
        ['set', 1, 0, 0, 1],
        ['set', 2, 0, 2, 3],
      ],
      [['get', 0, 1, 4, 5]],
    ),
  ).toBe(false)
})

test('a value that nobody wrote', () => {
  expect(accepted([['set', 1, 0, 0, 1]], [['get', 0, 3, 2, 3]])).toBe(false)
})

test('a double take and a double delete', () => {
  const writer: Line[] = [['set', 1, 0, 0, 1]]
  expect(accepted(writer, [['take', 0, 1, 2, 5]], [['take', 0, 0, 3, 4]])).toBe(true)
  expect(accepted(writer, [['take', 0, 1, 2, 5]], [['take', 0, 1, 3, 4]])).toBe(false)
  expect(accepted(writer, [['delete', 0, 1, 2, 5]], [['delete', 0, 1, 3, 4]])).toBe(false)
})

test('a lost update', () => {
  const writer: Line[] = [['set', 1, 0, 0, 1]]
  expect(accepted(writer, [['update', 2, 1, 2, 5]], [['update', 3, 2, 3, 6]])).toBe(true)
  expect(accepted(writer, [['update', 2, 1, 2, 5]], [['update', 3, 1, 3, 6]])).toBe(false)
  expect(accepted([['increment', 1, 1, 0, 1]], [['increment', 1, 2, 2, 5]], [['increment', 1, 2, 3, 6]])).toBe(false)
  expect(accepted([['increment', 1, 1, 0, 1]], [['increment', 1, 3, 2, 5]], [['increment', 1, 2, 3, 6]])).toBe(true)
})

test('two winners of one add, and a refusal without an entry', () => {
  expect(
    accepted(
      [['add', 1, 0, 0, 3]],
      [['add', 2, 0, 1, 2]],
      [
        ['get', 0, 1, 4, 5],
        ['get', 0, 2, 6, 7],
      ],
    ),
  ).toBe(false)
  expect(accepted([['add', 1, 0, 0, 1, false]])).toBe(false)
})

test('a value resurrected after delete, after take and after clear', () => {
  for (const kind of ['delete', 'take', 'clear'] as const) {
    const ends: Line[] = [
      ['set', 1, 0, 0, 1],
      [kind, 0, 1, 2, 3],
    ]
    expect(accepted(ends, [['get', 0, 1, 0.5, 2.5]])).toBe(true)
    expect(accepted(ends, [['get', 0, 1, 4, 5]])).toBe(false)
  }
})

test('a set that was not kept leaves nothing older', () => {
  expect(
    accepted(
      [
        ['set', 1, 0, 0, 1],
        ['set', 2, 0, 2, 3, false],
      ],
      [['get', 0, 1, 4, 5]],
    ),
  ).toBe(false)
  expect(
    accepted(
      [
        ['set', 1, 0, 0, 1],
        ['set', 2, 0, 2, 3, false],
      ],
      [['get', 0, 0, 4, 5]],
    ),
  ).toBe(true)
})

test('a long history with a thread that stands still in its middle', () => {
  const fast: Line[] = []
  for (let i = 1; i <= 20_000; i++) fast.push(['set', i, 0, 4 * i, 4 * i + 1], ['get', 0, i, 4 * i + 2, 4 * i + 3])
  expect(accepted(fast, [['set', 50_000, 0, 6, 70_000]], [['delete', 0, 1, 7, 60_000]])).toBe(true)
  // It is seen twice with another value between.
  const wrong = fast.map((line, i): Line => (i === 21 || i === 31 ? ['get', 0, 50_000, line[3], line[4]] : line))
  expect(accepted(wrong, [['set', 50_000, 0, 6, 70_000]])).toBe(false)
})

test('where nothing vanishes, a miss after a set is a lost set', () => {
  const rules = { strict: true, vanishes: false }
  const set = thread(0, [['set', 7, 0, 0, 1]])
  expect(check([set, thread(1, [['get', 0, 7, 2, 3]])], rules).linearizable).toBe(true)
  expect(check([set, thread(1, [['get', 0, 0, 2, 3]])], rules).linearizable).toBe(false)
  expect(check([set, thread(1, [['delete', 0, 0, 2, 3]])], rules).linearizable).toBe(false)
  expect(check([set, thread(1, [['add', 8, 0, 2, 3]])], rules).linearizable).toBe(false)
})
