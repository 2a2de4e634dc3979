// SPDX-License-Identifier: Apache-2.0
// The words a settings file is made of. Each reads what a person said and gives what the code works with. zod stands behind it.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { inspect } from 'node:util'
import { z } from 'zod'

/** A setting that gives a T. Made by `Words` only. */
export type Word<T> = z.ZodType<T>
export type Fields = Readonly<Record<string, Word<unknown>>>
export type Holds<F extends Fields> = { [K in keyof F]: F[K] extends Word<infer T> ? T : never }

/** A secret read from its file. It shows itself as "set" wherever it is printed, logged or turned into JSON. */
export class Secret {
  readonly #value: string
  constructor(value: string) {
    this.#value = value
  }
  reveal(): string {
    return this.#value
  }
  toString(): string {
    return 'set'
  }
  toJSON(): string {
    return 'set'
  }
  [inspect.custom](): string {
    return 'set'
  }
}

type Said<T> = { default?: T; about?: string }
/** Bounds of a quantity, as a person says them: '1 s'. */
type Range = { atLeast?: string; atMost?: string }

/** Without `default` a setting is obligatory. Numbers come with their unit in the file; durations give ms, sizes give bytes. */
export type Words = {
  text(said?: Said<string> & { pattern?: RegExp; wanted?: string }): Word<string>
  whole(said: Said<number> & { min: number; max: number }): Word<number>
  yesNo(said: Said<boolean>): Word<boolean>
  /** Which version of the settings a file is written for: one that is not read here is refused by name. */
  version(newest: number): Word<number>
  choice<const T extends string>(of: readonly [T, ...T[]], said?: Said<T>): Word<T>
  /** '30 s' -> 30_000. Units: ms, s, min, h, day(s), week(s). */
  duration(said?: Said<string> & Range): Word<number>
  /** '10 GiB' -> 10_737_418_240. Units: B, kB, MB, GB, TB, KiB, MiB, GiB, TiB. */
  size(said?: Said<string> & Range): Word<number>
  /** A path, absolute afterwards; relative ones count from the folder of the settings file. */
  path(said?: Said<string>): Word<string>
  /** A file with a secret: $CREDENTIALS_DIRECTORY/NAME where systemd gave one of that name, else the path. Not readable by all. */
  secretFile(said?: Said<string>): Word<Secret>
  list<T>(of: Word<T>, said?: { default?: readonly unknown[]; about?: string; atMost?: number }): Word<T[]>
  /** Entries under names the operator chooses, such as one per virtual host. */
  map<T>(of: Word<T>, said?: { about?: string; key?: RegExp; wanted?: string }): Word<Record<string, T>>
  group<F extends Fields>(fields: F, about?: string): Word<Holds<F>>
  /** One of several kinds of entry, each named by its only key, such as `user: anna` or `group: staff`. */
  oneOf<const K extends string>(keys: readonly K[], said?: { about?: string }): Word<{ kind: K; name: string }>
  maybe<T>(of: Word<T>): Word<T | undefined>
}

/** `folder`: what relative paths count from. `credentials`: $CREDENTIALS_DIRECTORY, if any. */
export function createWords(folder: string, credentials: string | undefined): Words {
  return {
    text: (said = {}) =>
      finish(
        z
          .string({ error: said.wanted ?? 'a text is wanted' })
          .refine((text) => said.pattern?.test(text) ?? text !== '', {
            error: said.wanted ?? 'a text that is not empty is wanted',
          }),
        said,
      ),
    whole: (said) => {
      const wanted = `a whole number from ${said.min} to ${said.max} is wanted`
      return finish(z.int({ error: wanted }).min(said.min, { error: wanted }).max(said.max, { error: wanted }), said)
    },
    version: (newest) => {
      const wanted = `version ${newest} is wanted; this program reads no ${newest === 1 ? 'other' : 'later one'}`
      const about = 'What this file is written for; without a word, the first version.'
      const version = z.int({ error: wanted }).min(1, { error: wanted }).max(newest, { error: wanted })
      return finish(version, { default: 1, about })
    },
    yesNo: (said) => finish(z.boolean({ error: 'true or false is wanted' }), said),
    choice: (of, said = {}) => finish(z.enum(of, { error: `one of ${of.join(', ')} is wanted` }), said) as never,
    duration: (said = {}) =>
      finish(quantity(DURATIONS, 'a length of time is wanted, such as 30 s, 5 min, 2 h or 30 days', said), said),
    size: (said = {}) => finish(quantity(SIZES, 'a size is wanted, such as 512 KiB, 32 MiB or 10 GiB', said), said),
    path: (said = {}) =>
      finish(
        z
          .string({ error: 'a path is wanted' })
          .min(1, { error: 'a path is wanted' })
          .transform((path) => resolve(folder, path)),
        said,
      ),
    secretFile: (said = {}) => finish(secretFile(folder, credentials), { ...said, secret: true }),
    list: (of, said = {}) => {
      const atMost = said.atMost ?? 10_000
      const list = z
        .array(of, { error: 'a list is wanted' })
        .max(atMost, { error: `at most ${atMost} entries are wanted` })
      return finish(list as never, said as Said<never>) as never
    },
    map: (of, said = {}) => {
      const key = z
        .string()
        .refine((name) => said.key?.test(name) ?? true, { error: said.wanted ?? 'another name is wanted' })
      return finish(z.record(key, of, { error: 'a group of named entries is wanted' }), {
        ...said,
        default: {},
      } as never) as never
    },
    group: (fields, about) =>
      finish(
        z.strictObject(fields, {
          error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : 'a group of settings is wanted'),
        }),
        { default: {}, ...(about === undefined ? {} : { about }) } as never,
      ) as never,
    oneOf: (keys, said = {}) => {
      const wanted = `one of ${keys.map((key) => `${key}: NAME`).join(', ')} is wanted`
      const name = z.string({ error: wanted }).min(1, { error: wanted })
      const forms = keys.map((key) =>
        z.strictObject({ [key]: name }).transform((entry) => ({ kind: key, name: entry[key] as string })),
      )
      return finish(z.union(forms as never, { error: wanted }), said as Said<never>) as never
    },
    maybe: (of) => of.optional(),
  }
}

/** Marks a schema for `inForce` and editors, and gives it its default as a person would say it. */
function finish<T>(schema: z.ZodType<T>, said: { default?: unknown; about?: string; secret?: boolean }): z.ZodType<T> {
  const { about, secret } = said
  const marked =
    about === undefined && secret === undefined
      ? schema
      : schema.meta({ ...(about === undefined ? {} : { description: about }), ...(secret ? { secret } : {}) })
  return said.default === undefined ? marked : (marked.prefault(said.default as never) as z.ZodType<T>)
}

const SECOND = 1_000
const DURATIONS: Readonly<Record<string, number>> = {
  ms: 1,
  s: SECOND,
  min: 60 * SECOND,
  h: 3_600 * SECOND,
  day: 86_400 * SECOND,
  days: 86_400 * SECOND,
  week: 7 * 86_400 * SECOND,
  weeks: 7 * 86_400 * SECOND,
}

const SIZES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
}

/** '30 s' in ms; null for what is no length of time. */
export function readDuration(text: string): number | null {
  return readQuantity(text, DURATIONS)
}

function readQuantity(text: string, units: Readonly<Record<string, number>>): number | null {
  const match = /^(\d{1,12}(?:\.\d{1,6})?) ?([A-Za-z]+)$/.exec(text.trim())
  const unit = match?.[2] === undefined ? undefined : Object.hasOwn(units, match[2]) ? units[match[2]] : undefined
  return unit === undefined ? null : Math.round(Number(match?.[1]) * unit)
}

function quantity(units: Readonly<Record<string, number>>, wanted: string, range: Range): z.ZodType<number> {
  const least = range.atLeast === undefined ? 0 : (readQuantity(range.atLeast, units) ?? 0)
  const most =
    range.atMost === undefined
      ? Number.MAX_SAFE_INTEGER
      : (readQuantity(range.atMost, units) ?? Number.MAX_SAFE_INTEGER)
  return z.string({ error: wanted }).transform((text, context) => {
    const value = readQuantity(text, units)
    if (value !== null && value >= least && value <= most) return value
    const bound = value !== null && value < least ? `at least ${range.atLeast}` : `at most ${range.atMost ?? 'less'}`
    context.addIssue({ code: 'custom', message: value === null ? wanted : `${bound} is wanted` })
    return z.NEVER
  })
}

function secretFile(folder: string, credentials: string | undefined): z.ZodType<Secret> {
  return z.string({ error: 'the path of a file with a secret is wanted' }).transform((said, context) => {
    const given = credentials === undefined ? undefined : join(credentials, basename(said))
    const path = given !== undefined && existsSync(given) ? given : resolve(folder, said)
    const refuse = (wanted: string) => {
      context.addIssue({ code: 'custom', message: wanted })
      return z.NEVER
    }
    try {
      if ((statSync(path).mode & 0o007) !== 0)
        return refuse('a file that only its owner and group can read is wanted (chmod 0640)')
      const secret = readFileSync(path, 'utf8').trim()
      return secret === '' ? refuse('a file with a secret in it is wanted; this one is empty') : new Secret(secret)
    } catch (fault) {
      const code = fault instanceof Error && 'code' in fault ? String(fault.code) : String(fault)
      return refuse(`a file with a secret is wanted; ${path} cannot be read (${code})`)
    }
  })
}
