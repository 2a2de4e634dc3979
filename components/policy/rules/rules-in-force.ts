// SPDX-License-Identifier: Apache-2.0
// The rule set in force: one value, put in the place of the one before as a whole. A bad file changes nothing.
import type { RuleSet } from '../domain/rule.ts'
import type { NamedFile } from './named.ts'
import { readAside } from './read-aside.ts'
import type { RuleProblem } from './reading.ts'
import { openRuleSet, type RuleData } from './rule-data.ts'

/** `files`: those that the rule file names. */
export type InForce = {
  set: RuleSet
  data: RuleData
  hash: string
  file: string
  files: readonly NamedFile[]
  loadedAt: string
}

/** A file that was not taken: when, its hash if it could be read, and why. `paths`: the files that it names. */
export type RulesError = {
  at: string
  hash: string | null
  problems: readonly RuleProblem[]
  paths: readonly string[]
}

export type Reloaded = { is: 'new' | 'same' } | { is: 'bad'; error: RulesError }

export type RulesInForce = {
  current(): InForce
  /** The last file that was not taken; null once a good one has been read. */
  error(): RulesError | null
  /** Reads the file again, in a process of its own; one reading at a time. */
  reload(): Promise<Reloaded>
}

/**
 * Reads the file for the first time: null with the problems if it is bad. `announce` puts a rule set on record before the
 * first stanza is judged by it; if that fails, the old set stays, and the first time it throws.
 */
export async function openRules(
  file: string,
  now: () => number,
  announce: (rules: InForce) => Promise<void>,
): Promise<RulesInForce | RulesError> {
  const first = await read()
  if ('problems' in first) return first
  await announce(first)
  let current = first
  let error: RulesError | null = null
  let last: Promise<unknown> = Promise.resolve()
  return {
    current: () => current,
    error: () => error,
    reload: () => {
      const next = last.then(replace)
      last = next.catch(() => {})
      return next
    },
  }

  async function replace(): Promise<Reloaded> {
    const next = await read()
    if ('problems' in next) return refuse(next)
    error = null
    if (next.hash === current.hash) return { is: 'same' }
    try {
      await announce(next)
    } catch (cause) {
      const wanted = { id: 'policy-rules-unrecorded', args: { cause: causeOf(cause) } }
      const paths = next.files.map(({ path }) => path)
      return refuse({ at: next.loadedAt, hash: next.hash, problems: [{ line: 1, wanted }], paths })
    }
    current = next
    return { is: 'new' }
  }

  function refuse(why: RulesError): Reloaded {
    error = why
    return { is: 'bad', error: why }
  }

  async function read(): Promise<InForce | RulesError> {
    const at = new Date(now()).toISOString()
    const rules = await readAside(file)
    if ('cause' in rules) {
      const wanted = { id: 'policy-rules-unreadable', args: { cause: rules.cause } }
      return { at, hash: null, problems: [{ line: 1, wanted }], paths: [] }
    }
    if (!rules.ok) return { at, hash: rules.hash, problems: rules.problems, paths: rules.paths }
    return { set: openRuleSet(rules.data), data: rules.data, hash: rules.hash, file, files: rules.files, loadedAt: at }
  }
}

function causeOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause)
}
