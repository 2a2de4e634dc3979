// SPDX-License-Identifier: Apache-2.0
// Every look is a fact in the archive's own journal, on disk before anything is shown. What cannot be recorded is not shown.
import type { Journal } from '../kit/bus/journal.ts'
import { writeFact } from '../kit/facts/entries.ts'
import { type Args, type Caller, CommandError, cameOf, EXIT, type Hosts } from '../kit/process/command.ts'

/** `hosts`: what was looked at; null: all virtual hosts. */
export type Look = { caller: Caller; hosts: Hosts; command: string; args: Args; hits: number | null }

export type AccessLog = {
  /** Resolves when the fact is on disk; refuses the look otherwise. */
  record(look: Look): Promise<void>
}

/** `unrecorded`: the text for the one who asked. */
export function openAccessLog(journal: Journal, now: () => number, unrecorded: (error: unknown) => string): AccessLog {
  return {
    async record({ caller, hosts, command, args, hits }) {
      const { reason, host: _, ...said } = args
      const query = hosts === null ? said : { ...said, hosts: [...hosts] }
      const at = new Date(now()).toISOString()
      const given = typeof reason === 'string' && reason !== '' ? { reason } : {}
      try {
        await journal.append([writeFact({ kind: 'access', ...cameOf(caller), command, query, hits, ...given, at })])
      } catch (error) {
        throw new CommandError(unrecorded(error), EXIT.fault)
      }
    },
  }
}
