// SPDX-License-Identifier: Apache-2.0
// Settings in two steps: what was said (files, lines, words), then what holds (typed, checked, grouped as the code wants it).
// The shared file gatehouse.yaml is found beside the component's own, or named there by `shared:`.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import * as z from 'zod'
import { type Catalogue, inWords, type Message } from '../text/catalogue.ts'
import { nearestName } from '../text/nearest-name.ts'
import { readYaml, type Yaml } from '../yaml/yaml.ts'
import { SETTINGS_VERSION, type SharedSettings, sharedFields } from './shared-settings.ts'
import { carried, createWords, type Fields, type Holds, type Word, type Words } from './words.ts'

/** One thing wrong in a file. `setting` and `read` are null where the file itself cannot be read. */
export type Problem = { file: string; line: number; setting: string | null; read: string | null; wanted: Message }

/** A problem in the words of one language, as it is shown and as it crosses a process. */
export type ToldProblem = Omit<Problem, 'wanted'> & {
  wanted: string
  /** A file that whoever checks may not read: no mistake that he could see. */
  forbidden?: string
}

/**
 * Bad settings: the process ends with exit code 2 and every problem in its own line. Its words are chosen where they are shown;
 * `message` has only the ids.
 */
export class BadSettings extends Error {
  override name = 'BadSettings'
  readonly problems: readonly Problem[]
  constructor(problems: readonly Problem[]) {
    super(problems.map((one) => problemLine({ ...one, wanted: one.wanted.id })).join('\n'))
    this.problems = problems
  }
}

/** Tells what is wrong in the component's own file beyond what one word can see. `id` is one of a catalogue. */
export type Tell = (setting: readonly PropertyKey[], id: string, args?: Message['args']) => void

/**
 * A component's settings: made by `shape`. `hold` may call `tell`; then what it returns is not used. What is wrong in a file of
 * its own, such as a rule file, it throws as BadSettings.
 */
export type SettingsShape<S> = {
  fields(words: Words): Fields
  hold(said: never, shared: SharedSettings, tell: Tell): S
  /** Default of `metrics: port:`. */
  metricsPort: number
  /**
   * Looks at files of its own, such as a rule file. What is wrong in them it throws as BadSettings. Where it is not for `--check`, it
   * may leave that to whoever uses them.
   */
  look?(held: S, tell: Tell, forCheck: boolean): Looked
}

/** `files`: that were read beside the settings file and found good; `notes`: what is no mistake, and yet to be known. */
export type Looked = { files: readonly string[]; notes: readonly Message[] }

export function shape<F extends Fields, S>(declared: {
  fields(words: Words): F
  hold(said: Holds<F>, shared: SharedSettings, tell: Tell): S
  metricsPort: number
  look?(held: S, tell: Tell, forCheck: boolean): Looked
}): SettingsShape<S> {
  return declared as SettingsShape<S>
}

/** What every component's own file may say beside its own settings. */
export type CommonSettings = { metricsPort: number; logLevel: LogLevel }
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

export type ReadSettings<S> =
  | {
      ok: true
      settings: S
      shared: SharedSettings
      common: CommonSettings
      inForce: Record<string, unknown>
      /** Everything that was read. */
      files: readonly string[]
      notes: readonly Message[]
      /** Where the shared file would be, if it is not there and its defaults hold. */
      without: string | null
    }
  | { ok: false; problems: readonly Problem[] }

/** Reads a component's file and the shared one. Nothing is thrown for what a person wrote; every problem is in the answer. */
export function readSettings<S>(
  declared: SettingsShape<S>,
  file: string,
  environment: Environment = process.env,
  forCheck = false,
): ReadSettings<S> {
  const own = readFile(
    file,
    (words) => ({ ...declared.fields(words), ...commonFields(words, declared.metricsPort) }),
    environment,
  )
  const named = typeof own.said.shared === 'string' ? resolve(dirname(file), own.said.shared) : undefined
  const beside = named ?? join(dirname(file), 'gatehouse.yaml')
  const without = named === undefined && !existsSync(beside)
  const shared = without ? readText('', beside, sharedFields, environment) : readFile(beside, sharedFields, environment)
  const problems = [...own.problems, ...shared.problems]
  if (own.value === undefined || shared.value === undefined) return { ok: false, problems }
  const holding = shared.value as SharedSettings
  const common = own.value as unknown as Holds<ReturnType<typeof commonFields>>
  // What was not said holds by its default, so it is not missing.
  const tell: Tell = (path, id, args = {}) => {
    const wanted = { id, args }
    problems.push({ ...own.problem(path, wanted), wanted })
  }
  let settings: S
  let looked: Looked = { files: [], notes: [] }
  try {
    settings = declared.hold(own.value as never, holding, tell)
    if (declared.look) looked = declared.look(settings, tell, forCheck)
  } catch (fault) {
    if (fault instanceof BadSettings) return { ok: false, problems: [...problems, ...fault.problems] }
    throw fault
  }
  if (problems.length > 0) return { ok: false, problems }
  return {
    ok: true,
    settings,
    shared: holding,
    common: { metricsPort: common.metrics.port, logLevel: common.log.level ?? holding.log.level },
    inForce: merged(shared.inForce(), own.inForce()),
    files: [file, ...(without ? [] : [beside]), ...looked.files],
    notes: looked.notes,
    without: without ? beside : null,
  }
}

/** Reads gatehouse.yaml alone, as the command line does; a missing file gives the defaults. */
export function readShared(file: string, environment: Environment = process.env): SharedSettings {
  const read = existsSync(file)
    ? readFile(file, sharedFields, environment)
    : readText('', file, sharedFields, environment)
  if (read.value === undefined) throw new BadSettings(read.problems)
  return read.value as SharedSettings
}

/** JSON Schema (2020-12) of a component's file, for editors. */
export function settingsSchema(declared: SettingsShape<unknown>): Record<string, unknown> {
  const words = createWords('/', undefined)
  return jsonSchema(words.group({ ...declared.fields(words), ...commonFields(words, declared.metricsPort) }))
}

export function sharedSchema(): Record<string, unknown> {
  const words = createWords('/', undefined)
  return jsonSchema(words.group(sharedFields(words)))
}

export function told(problem: Problem, text: Catalogue, language: string | undefined): ToldProblem {
  const { id, args } = problem.wanted
  const isForbidden =
    args?.code === 'EACCES' &&
    ['kit-wanted-secret-readable', 'kit-wanted-file-readable', 'kit-wanted-settings-file'].includes(id)
  return {
    ...problem,
    wanted: inWords(problem.wanted, text, language),
    ...(isForbidden ? { forbidden: String(args.path ?? problem.file) } : {}),
  }
}

/** `config/archive.yaml:12: keep_for: "soon": a length of time is wanted, such as 30 days` */
export function problemLine(problem: ToldProblem): string {
  const parts = [`${problem.file}:${problem.line}`, problem.setting, problem.read, problem.wanted]
  return parts.filter((part) => part !== null).join(': ')
}

type Environment = Readonly<Record<string, string | undefined>>

function commonFields(words: Words, metricsPort: number) {
  return {
    version: words.version(SETTINGS_VERSION),
    shared: words.maybe(words.text({ about: 'Path of the shared file; default: gatehouse.yaml beside this file.' })),
    metrics: words.group({
      port: words.whole({
        min: 0,
        max: 65_535,
        default: metricsPort,
        about: 'Port of /metrics, /healthz, /readyz; 0 takes a free one.',
      }),
    }),
    log: words.group({ level: words.maybe(words.choice(['debug', 'info', 'warn', 'error'])) }),
  }
}

type FileRead = {
  said: Record<string, unknown>
  value: Record<string, unknown> | undefined
  problems: Problem[]
  problem(path: readonly PropertyKey[], wanted: Message): Problem
  inForce(): Record<string, unknown>
}

function readFile(file: string, fields: (words: Words) => Fields, environment: Environment): FileRead {
  try {
    return readText(readFileSync(file, 'utf8'), file, fields, environment)
  } catch (fault) {
    const code = fault instanceof Error && 'code' in fault ? String(fault.code) : String(fault)
    const wanted = { id: 'kit-wanted-settings-file', args: { code } }
    const problem = { file, line: 1, setting: null, read: null, wanted }
    return { said: {}, value: undefined, problems: [problem], problem: () => problem, inForce: () => ({}) }
  }
}

function readText(text: string, file: string, fields: (words: Words) => Fields, environment: Environment): FileRead {
  const words = createWords(resolve(dirname(file)), environment.CREDENTIALS_DIRECTORY)
  const schema: Word<Record<string, unknown>> = words.group(fields(words))
  const read = readYaml(text)
  if (!read.ok) {
    const problems = read.faults.map((fault) => ({
      file,
      line: fault.line,
      setting: null,
      read: null,
      wanted: fault.wanted,
    }))
    return { said: {}, value: undefined, problems, problem: () => problems[0] as Problem, inForce: () => ({}) }
  }
  const { yaml } = read
  const said = withoutEmpty(yaml.value)
  const problem = (path: readonly PropertyKey[], wanted: Message) => describe(file, yaml, said, path, wanted)
  const parsed = schema.safeParse(said)
  const json = jsonSchema(schema)
  const problems = parsed.success ? [] : parsed.error.issues.flatMap((issue) => problemsOf(issue, problem, json))
  return {
    said: isGroup(said) ? said : {},
    value: parsed.success ? parsed.data : undefined,
    problems: problems.sort((one, other) => one.line - other.line),
    problem,
    inForce: () => inForce(json, said) as Record<string, unknown>,
  }
}

/** `key:` with nothing behind it was not said. */
function withoutEmpty(value: unknown): unknown {
  if (value === null) return undefined
  if (Array.isArray(value)) return value.map((item) => (item === null ? null : withoutEmpty(item)))
  if (isGroup(value)) return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutEmpty(item)]))
  return value
}

function problemsOf(issue: z.core.$ZodIssue, problem: FileRead['problem'], json: JsonSchema): Problem[] {
  if (issue.code === 'unrecognized_keys') {
    const at = schemaAt(json, issue.path)
    const known = [at, ...(at?.anyOf ?? [])].flatMap((one) => Object.keys(one?.properties ?? {}))
    return issue.keys.map((key) => ({ ...problem([...issue.path, key], unknownName(key, known)), read: null }))
  }
  // Of the forms of an entry, one that fits but for what stands inside it.
  const inside = issue.code === 'invalid_union' ? issue.errors.find((of) => of.every((one) => one.path.length > 0)) : []
  if (inside !== undefined && inside.length > 0)
    return inside.flatMap((one) => problemsOf({ ...one, path: [...issue.path, ...one.path] }, problem, json))
  return [problem(issue.path, carried(issue.message))]
}

function unknownName(key: string, known: readonly string[]): Message {
  const near = nearestName(key, known)
  return near === null
    ? { id: 'kit-setting-unknown', args: { known: known.join(', ') } }
    : { id: 'kit-setting-near', args: { near } }
}

function describe(file: string, yaml: Yaml, said: unknown, path: readonly PropertyKey[], wanted: Message): Problem {
  let read: unknown = said
  for (const step of path)
    read = isGroup(read) || Array.isArray(read) ? (read as Record<PropertyKey, unknown>)[step] : undefined
  const missing = read === undefined
  return {
    file,
    line: yaml.lineOf(path),
    setting: path.length === 0 ? null : path.map(String).join('.'),
    read: missing ? null : JSON.stringify(read).slice(0, 200),
    wanted: missing ? { id: 'kit-setting-missing', args: { wanted } } : wanted,
  }
}

type JsonSchema = {
  properties?: Record<string, JsonSchema>
  additionalProperties?: JsonSchema | boolean
  anyOf?: JsonSchema[]
  items?: JsonSchema
  default?: unknown
  secret?: boolean
}

function jsonSchema(schema: Word<unknown>): JsonSchema & Record<string, unknown> {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema & Record<string, unknown>
}

function schemaAt(json: JsonSchema, path: readonly PropertyKey[]): JsonSchema | undefined {
  let at: JsonSchema | undefined = json
  for (const step of path) {
    const below: JsonSchema | undefined = at?.properties?.[String(step)] ?? at?.items
    at = below ?? (typeof at?.additionalProperties === 'object' ? at.additionalProperties : undefined)
  }
  return at
}

/** What was said, filled with the defaults, as a person would write it; secrets as "set" where one was given. */
function inForce(json: JsonSchema, said: unknown): unknown {
  if (json.secret === true) return (said ?? json.default) === undefined ? undefined : 'set'
  if (json.properties !== undefined) {
    const group = isGroup(said) ? said : {}
    const entries = Object.entries(json.properties).map(([key, below]) => [key, inForce(below, group[key])] as const)
    return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
  }
  if (isGroup(said) && typeof json.additionalProperties === 'object') {
    const below = json.additionalProperties
    return Object.fromEntries(Object.entries(said).map(([key, value]) => [key, inForce(below, value)]))
  }
  return said ?? json.default
}

/** The component's own word counts before the shared one. */
function merged(shared: Record<string, unknown>, own: Record<string, unknown>): Record<string, unknown> {
  const both = Object.entries(own).map(([key, value]) => {
    const other = shared[key]
    return [key, isGroup(value) && isGroup(other) ? merged(other, value) : value]
  })
  return { ...shared, ...Object.fromEntries(both) }
}

function isGroup(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
