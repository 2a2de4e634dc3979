// SPDX-License-Identifier: Apache-2.0
// Judges long stanzas beside the thread that answers. Started by JudgeAside.
import { parentPort, workerData } from 'node:worker_threads'
import { type Decision, decide } from '../domain/decide.ts'
import { openCut, type PeopleCut } from '../domain/people.ts'
import type { Screened, Text } from '../domain/screened.ts'
import { openRuleSet, type RuleData } from './rule-data.ts'

/** A stanza with its texts read. */
export type Sent = Omit<Screened, 'texts' | 'people'> & { read: readonly Text[]; cut: PeopleCut | null }
export type Judged = { decision: Decision } | { fault: string }

const set = openRuleSet(workerData as RuleData)

parentPort?.on('message', (sent: Sent) => parentPort?.postMessage(judge(sent)))

function judge({ read, cut, ...asked }: Sent): Judged {
  try {
    return { decision: decide({ ...asked, people: cut && openCut(cut), texts: () => read }, set) }
  } catch (error) {
    return { fault: error instanceof Error ? (error.stack ?? error.message) : String(error) }
  }
}
