// Promises that tests settle by hand, and the error of one that must reject.

export interface Deferred<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}

export function deferred<T>(): Deferred<T> {
  let resolve!: (value: T) => void
  let reject!: (error: unknown) => void
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}

/** What the promise rejects with; throws when it resolves. */
export function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`resolved with ${String(value)}`)
    },
    (error: unknown) => error,
  )
}

/** Lets everything happen that is ready to, in the background too. */
export function settled(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5))
}

/** The value, once something else was done. */
export function after<T>(_done: unknown, value: T): T {
  return value
}
