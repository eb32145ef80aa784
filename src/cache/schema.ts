// The types that tell which values stand under which keys. Types only; touches nothing.

/**
 * Which value stands under which key: exact keys, or patterns in which `*` stands for any characters. An interface or a type:
 *
 * ```ts
 * interface Shop { 'user:*': User; 'cart:*': Cart; rates: Rates }
 * const cache = createCache<Shop>({ maxBytes: '256mb' })
 * cache.get(`user:${id}`)   // User | undefined
 * ```
 *
 * One without keys, as `object` is, says nothing: any key, any value, and `get<User>(key)` tells what is expected there.
 */
export type Schema = object

/** No schema. */
export type AnySchema = object

type KeysOf<Pattern extends string> = Pattern extends `${infer Before}*${infer After}`
  ? `${Before}${string}${KeysOf<After>}`
  : Pattern

/** The keys that a schema allows; any string without one. */
export type KeyOf<S extends Schema> = [keyof S & string] extends [never] ? string : KeysOf<keyof S & string>

/** Any string without a schema, and nothing with one. */
export type UntypedKeyOf<S extends Schema> = [keyof S & string] extends [never] ? string : never

/** The type of the value under a key: that of the exact key if the schema has it, else of every pattern that fits. */
export type ValueOf<S extends Schema, K extends string> = [keyof S & string] extends [never]
  ? unknown
  : K extends keyof S
    ? S[K]
    : { [P in keyof S & string]: K extends KeysOf<P> ? S[P] : never }[keyof S & string]

/** What is read under a key: `T` where the caller names one, else what the schema says. */
export type Read<S extends Schema, K extends string, T> = [T] extends [never] ? ValueOf<S, K> : T

/** One entry as `setMany` takes it: key, value, and options. */
export type EntryOf<S extends Schema, Options> = [keyof S & string] extends [never]
  ? readonly [key: string, value: unknown, options?: Options]
  : {
      [P in keyof S & string]: readonly [key: KeysOf<P>, value: S[P], options?: Options]
    }[keyof S & string]

/** Keys whose values are numbers, for `increment`. */
export type NumberKeyOf<S extends Schema> = [keyof S & string] extends [never]
  ? string
  : { [P in keyof S & string]: number extends S[P] ? KeysOf<P> : never }[keyof S & string]
