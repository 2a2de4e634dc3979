// SPDX-License-Identifier: Apache-2.0
// A command: what a person can do, declared once; offered on the socket to `gatehouse`, as XEP-0050 ad-hoc command, and later in the console.
import type { Who } from '../facts/facts.ts'

/** Rights are apart: each is named in settings; none includes another. `anyone` is for help and version only. */
export type Right = 'anyone' | 'operator' | 'officer' | 'auditor'

/** Virtual hosts, in lower case; null: all there are and will be. */
export type Hosts = ReadonlySet<string> | null

/**
 * Who asks, as proven by the socket (uid) or as the XMPP server says (bare JID, which is then `user` as well); each right with the
 * virtual hosts it holds for.
 */
export type Caller = { user: string; rights: ReadonlyMap<Right, Hosts> } & (
  | { uid: number; jid?: undefined }
  | { jid: string; uid?: undefined }
)

/** Who looked, and which way he came, as a fact has it. */
export type Came = { who: Who; via?: string }

export function cameOf(caller: Caller): Came {
  return caller.jid === undefined
    ? { who: { uid: caller.uid, user: caller.user } }
    : { who: { jid: caller.jid }, via: 'ad-hoc' }
}

/** A command that a caller wanted without the right to it, or for a host that his right does not cover; `query` as it was said, each value cut. */
export type Denied = Came & { command: string; query: Readonly<Record<string, unknown>> }

export type Parameter = {
  name: string
  /** Message id in the catalogue for the help line. */
  help: string
  /** 'host': a virtual host; one that the caller's right does not cover is refused before the command runs. */
  type: 'text' | 'number' | 'flag' | 'time' | 'jid' | 'path' | 'host'
  required?: boolean
  /** Whatever else somebody is called will do as well; a `jid` only. */
  orName?: true
  /** One of these words; a `text` only. */
  choices?: readonly string[]
  /** The least and the most that makes sense, for forms; a `number` only. The command keeps to them in its own way. */
  range?: readonly [number, number]
  /** Stands without `--name`, in the order of declaration; the last may take several words. */
  positional?: boolean
  default?: string | number | boolean
  /** Who has not this right is not asked for it in a form: he speaks for himself. */
  askedOf?: Right
  /** A `text` that nobody is to see: hidden in forms, and never on record. */
  secret?: true
}

/** What a command says while it runs, in order; on the wire one JSON object a line. */
export type Said =
  | { say: 'row'; row: Readonly<Record<string, unknown>> }
  /** `values`: the numbers in the text, for programs. */
  | { say: 'text'; text: string; values?: Readonly<Record<string, string | number | boolean>> }
  | { say: 'progress'; done: number; total: number | null; unit: string }

export type Args = Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>

export type Asked = {
  caller: Caller
  /** What the caller may see of this command, less what he did not ask for. */
  hosts: Hosts
  language: string
  signal: AbortSignal
}

/** The rights of `rights` suffice, any one of them. A CommandError refuses with a text and an exit code; anything else thrown is a fault. */
export type Command = {
  /** 'archive show': first word is the component. */
  name: string
  help: string
  rights: readonly Right[]
  parameters: readonly Parameter[]
  /** Column order of the table for people; the --json form always carries every field. */
  columns?: readonly string[]
  /** It shows only what belongs to the hosts it is asked for. Without it, a right that holds for some hosts only is not enough. */
  byHost?: true
  /** It gives one row at most, with what belongs to it in texts: in a form a page of fields, not a table. */
  single?: true
  run(args: Args, asked: Asked): AsyncIterable<Said>
}

/** A command without its handler: what help needs, also of a process that does not run. */
export type Declaration = Omit<Command, 'run'>

/** Hosts for which any of these rights holds; undefined: none of them is the caller's. */
export function hostsFor({ rights }: Caller, any: readonly Right[]): Hosts | undefined {
  const held = any.flatMap((right) => {
    const hosts = rights.get(right)
    return hosts === undefined ? [] : [hosts]
  })
  if (held.length === 0) return undefined
  return held.includes(null) ? null : new Set(held.flatMap((hosts) => [...(hosts ?? [])]))
}

/** Exit codes of the command line. */
export const EXIT = { ok: 0, fault: 1, usage: 2, notRunning: 3, forbidden: 4, notFound: 5 } as const

export class CommandError extends Error {
  override name = 'CommandError'
  readonly exitCode: number
  constructor(message: string, exitCode: number) {
    super(message)
    this.exitCode = exitCode
  }
}
