// SPDX-License-Identifier: Apache-2.0
// The words a settings file is made of. Each reads what a person said and gives what the code works with. zod stands behind it.
import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { inspect } from 'node:util'
import * as z from 'zod'
import type { Message } from '../text/catalogue.ts'
import { parseJid } from '../xmpp/jid.ts'

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
  text(said?: Said<string> & { pattern?: RegExp; wanted?: Message }): Word<string>
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
  /**
   * A file that is read again and again, so that a new one needs no restart: its path. Now it must be there; `secret`: and only its
   * owner and group may read it. A credential of the same name goes first.
   */
  file(said?: Said<string> & { secret?: true }): Word<string>
  /** A virtual host, in lower case afterwards. */
  host(): Word<string>
  list<T>(of: Word<T>, said?: { default?: readonly unknown[]; about?: string; atMost?: number }): Word<T[]>
  /** Entries under names the operator chooses, such as one per virtual host. */
  map<T>(of: Word<T>, said?: { about?: string; key?: RegExp; wanted?: Message }): Word<Record<string, T>>
  group<F extends Fields>(fields: F, about?: string): Word<Holds<F>>
  /** Somebody, by one of several keys, such as `user: anna` or `group: staff`; beside it `hosts:` for some virtual hosts only. */
  person<const K extends string>(
    keys: readonly K[],
    said?: { about?: string },
  ): Word<{ kind: K; name: string; hosts?: readonly string[] }>
  maybe<T>(of: Word<T>): Word<T | undefined>
}

/** `folder`: what relative paths count from. `credentials`: $CREDENTIALS_DIRECTORY, if any. */
export function createWords(folder: string, credentials: string | undefined): Words {
  return {
    text: (said = {}) =>
      finish(
        z
          .string({ error: carry(said.wanted ?? { id: 'kit-wanted-text' }) })
          .refine((text) => said.pattern?.test(text) ?? text !== '', {
            error: carry(said.wanted ?? { id: 'kit-wanted-text-not-empty' }),
          }),
        said,
      ),
    whole: (said) => {
      const wanted = carry({ id: 'kit-wanted-whole', args: { min: String(said.min), max: String(said.max) } })
      return finish(z.int({ error: wanted }).min(said.min, { error: wanted }).max(said.max, { error: wanted }), said)
    },
    version: (newest) => {
      const id = newest === 1 ? 'kit-wanted-version-1' : 'kit-wanted-version'
      const wanted = carry({ id, args: { version: String(newest) } })
      const about = 'What this file is written for; without a word, the first version.'
      const version = z.int({ error: wanted }).min(1, { error: wanted }).max(newest, { error: wanted })
      return finish(version, { default: 1, about })
    },
    yesNo: (said) => finish(z.boolean({ error: carry({ id: 'kit-wanted-yes-no' }) }), said),
    choice: (of, said = {}) => finish(z.enum(of, { error: carry(oneOfThese(of)) }), said) as never,
    duration: (said = {}) => finish(quantity(DURATIONS, 'kit-wanted-duration', said), said),
    size: (said = {}) => finish(quantity(SIZES, 'kit-wanted-size', said), said),
    path: (said = {}) =>
      finish(
        z
          .string({ error: carry({ id: 'kit-wanted-path' }) })
          .min(1, { error: carry({ id: 'kit-wanted-path' }) })
          .transform((path) => resolve(folder, path)),
        said,
      ),
    host,
    secretFile: (said = {}) => finish(secretFile(folder, credentials), { ...said, secret: true }),
    file: ({ secret, ...said } = {}) => finish(readableFile(folder, credentials, secret === true), said),
    list: (of, said = {}) => {
      const atMost = said.atMost ?? 10_000
      const few = (entries: readonly unknown[]) => entries.length <= atMost
      const list = z
        .array(of, { error: carry({ id: 'kit-wanted-list' }) })
        .refine(few, { error: carry({ id: 'kit-wanted-entries', args: { most: String(atMost) } }) })
      return finish(list as never, said as Said<never>) as never
    },
    map: (of, said = {}) => {
      const key = z
        .string()
        .refine((name) => said.key?.test(name) ?? true, { error: carry(said.wanted ?? { id: 'kit-wanted-name' }) })
      return finish(z.record(key, of, { error: carry({ id: 'kit-wanted-named-entries' }) }), {
        ...said,
        default: {},
      } as never) as never
    },
    group: (fields, about) =>
      finish(
        z.strictObject(fields, {
          error: (issue) => (issue.code === 'unrecognized_keys' ? undefined : carry({ id: 'kit-wanted-group' })),
        }),
        { default: {}, ...(about === undefined ? {} : { about }) } as never,
      ) as never,
    person: (keys, said = {}) => {
      const choices = keys.map((key) => `${key}: NAME`).join(', ')
      const wanted = carry({ id: 'kit-wanted-person', args: { choices } })
      const some = carry({ id: 'kit-wanted-hosts' })
      const hosts = z.array(host(), { error: some }).min(1, { error: some }).max(1_000, { error: some }).optional()
      const name = z.string({ error: wanted }).min(1, { error: wanted })
      const forms = keys.map((key) =>
        z.strictObject({ [key]: name, hosts }).transform((entry) => ({
          kind: key,
          name: entry[key] as string,
          ...(entry.hosts === undefined ? {} : { hosts: entry.hosts as string[] }),
        })),
      )
      return finish(z.union(forms as never, { error: wanted }), said as Said<never>) as never
    },
    maybe: (of) => of.optional(),
  }
}

/** A virtual host: a domain, in lower case afterwards. */
function host(): z.ZodType<string> {
  const wanted = carry({ id: 'kit-wanted-host' })
  return z
    .string({ error: wanted })
    .transform((text) => text.toLowerCase())
    .refine((text) => /^[^\s@/]+$/.test(text) && parseJid(text) !== null, { error: wanted })
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

function quantity(units: Readonly<Record<string, number>>, id: string, range: Range): z.ZodType<number> {
  const least = range.atLeast === undefined ? 0 : (readQuantity(range.atLeast, units) ?? 0)
  const most =
    range.atMost === undefined
      ? Number.MAX_SAFE_INTEGER
      : (readQuantity(range.atMost, units) ?? Number.MAX_SAFE_INTEGER)
  return z.string({ error: carry({ id }) }).transform((text, context) => {
    const value = readQuantity(text, units)
    if (value !== null && value >= least && value <= most) return value
    context.addIssue({ code: 'custom', message: carry(value === null ? { id } : outOf(range, value < least)) })
    return z.NEVER
  })
}

function outOf({ atLeast = '0', atMost }: Range, low: boolean): Message {
  if (low) return { id: 'kit-wanted-at-least', args: { bound: atLeast } }
  return atMost === undefined ? { id: 'kit-wanted-less' } : { id: 'kit-wanted-at-most', args: { bound: atMost } }
}

function oneOfThese(of: readonly string[]): Message {
  return { id: 'kit-wanted-choice', args: { choices: of.join(', ') } }
}

/** zod hands on texts only, so a message travels in one. */
function carry(message: Message): string {
  return JSON.stringify(message)
}

/** The message in an issue of zod; one of zod's own is a cause. */
export function carried(text: string): Message {
  try {
    const message: unknown = JSON.parse(text)
    if (typeof message === 'object' && message !== null && 'id' in message) return message as Message
  } catch {
    // No message of ours: what follows says so.
  }
  return { id: 'kit-unreadable', args: { cause: text } }
}

function pathOf(said: string, folder: string, credentials: string | undefined): string {
  const given = credentials === undefined ? undefined : join(credentials, basename(said))
  return given !== undefined && existsSync(given) ? given : resolve(folder, said)
}

/** A unit of systemd runs as a user of its own, who may read no secret that was not handed to it. */
function unreadableSecret(path: string, code: string, credentials: string | undefined): Message {
  const id = credentials === undefined ? 'kit-wanted-secret-readable' : 'kit-wanted-secret-credential'
  return { id, args: { path, code, name: basename(path) } }
}

function readableFile(folder: string, credentials: string | undefined, secret: boolean): z.ZodType<string> {
  const path = z.string({ error: carry({ id: 'kit-wanted-path' }) }).min(1, { error: carry({ id: 'kit-wanted-path' }) })
  return path.transform((said, context) => {
    const path = pathOf(said, folder, credentials)
    const refuse = (wanted: Message) => {
      context.addIssue({ code: 'custom', message: carry(wanted) })
      return z.NEVER
    }
    try {
      if (secret && (statSync(path).mode & 0o007) !== 0) return refuse({ id: 'kit-wanted-secret-private' })
      readFileSync(path)
      return path
    } catch (fault) {
      const code = fault instanceof Error && 'code' in fault ? String(fault.code) : String(fault)
      return refuse(
        secret ? unreadableSecret(path, code, credentials) : { id: 'kit-wanted-file-readable', args: { path, code } },
      )
    }
  })
}

function secretFile(folder: string, credentials: string | undefined): z.ZodType<Secret> {
  return z.string({ error: carry({ id: 'kit-wanted-secret' }) }).transform((said, context) => {
    const path = pathOf(said, folder, credentials)
    const refuse = (wanted: Message) => {
      context.addIssue({ code: 'custom', message: carry(wanted) })
      return z.NEVER
    }
    try {
      if ((statSync(path).mode & 0o007) !== 0) return refuse({ id: 'kit-wanted-secret-private' })
      const secret = readFileSync(path, 'utf8').trim()
      return secret === '' ? refuse({ id: 'kit-wanted-secret-filled' }) : new Secret(secret)
    } catch (fault) {
      const code = fault instanceof Error && 'code' in fault ? String(fault.code) : String(fault)
      return refuse(unreadableSecret(path, code, credentials))
    }
  })
}
