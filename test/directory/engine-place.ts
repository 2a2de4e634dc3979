// SPDX-License-Identifier: Apache-2.0
// An engine on a real store, with made-up directories; closed and opened again as a process would.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type JidTemplate, readJidTemplate } from '../../components/directory/domain/jid-template.ts'
import type { ProvisionedGroup, ProvisionedPerson } from '../../components/directory/domain/provisioned.ts'
import { type RosterRule, rosterRules } from '../../components/directory/domain/roster-rules.ts'
import type { DirectorySource } from '../../components/directory/domain/source.ts'
import type { PlannedRow, StoredPlan } from '../../components/directory/domain/state.ts'
import { type Applying, type Engine, type EngineOptions, openEngine } from '../../components/directory/engine.ts'
import { type DirectoryStore, openDirectoryStore } from '../../components/directory/storage/directory-store.ts'

export const ALL_GROUPS: RosterRule = { groups: ['*'], name: '{name}', shown: 'members', to: [], order: 0 }

export type Options = Partial<Omit<EngineOptions, 'store' | 'sources' | 'template' | 'rosters'>> & {
  template?: string
  rosters?: readonly RosterRule[]
  /** A mark of the settings of the directories. */
  settings?: string
}

export type Opened = AsyncDisposable & {
  engine: Engine
  store: DirectoryStore
  applied: Applying[]
  published: number[]
  held: StoredPlan[]
  failed: string[]
  time: { now: number }
  sync(how?: 'poll' | 'sweep' | 'whole'): Promise<readonly Error[]>
  people(): Promise<ProvisionedPerson[]>
  groups(): Promise<ProvisionedGroup[]>
  planned(): Promise<Omit<PlannedRow, 'body'>[]>
  /** Addresses, sorted. */
  jids(): Promise<string[]>
}

export function enginePlace() {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-engine-'))
  return {
    folder,
    async open(sources: readonly DirectorySource[], options: Options = {}): Promise<Opened> {
      const store = await openDirectoryStore(join(folder, 'directory.db'))
      const time = { now: Date.parse('2026-11-22T10:00:00Z') }
      const applied: Applying[] = []
      const published: number[] = []
      const held: StoredPlan[] = []
      const failed: string[] = []
      const { template = '{uid}@corp.example', rosters = [ALL_GROUPS], settings = 'same', ...rest } = options
      const engine = await openEngine({
        sources: sources.map((source) => ({ source, settings })),
        template: readJidTemplate(template) as JidTemplate,
        hosts: new Set(['corp.example']),
        rosters: rosterRules(rosters),
        cap: 2_000,
        brake: { removeShare: 0.1, removeFew: 5, touch: 1_000 },
        auto: true,
        sweepEveryMs: 0,
        now: () => time.now,
        pause: async () => {},
        signal: new AbortController().signal,
        events: {
          read: () => {},
          failed: (name) => failed.push(name),
          back: () => {},
          cut: () => {},
          held: (plan) => held.push(plan),
          applied: () => {},
        },
        record: async (applying) => void applied.push(applying),
        publish: async (seq) => void published.push(seq),
        confirm: async () => {},
        walls: () => null,
        ...rest,
        store,
      })
      const people = async () => {
        const found: ProvisionedPerson[] = []
        for await (const rows of store.stream('whole', null, { batch: 100 }))
          for (const { kind, text } of rows) if (kind === 'person') found.push(JSON.parse(text) as ProvisionedPerson)
        return found
      }
      return {
        engine,
        store,
        applied,
        published,
        held,
        failed,
        time,
        sync: (how = 'sweep') => engine.sync(how, {}),
        people,
        groups: async () => (await store.read('teams', null)).map((body) => JSON.parse(body) as ProvisionedGroup),
        async planned() {
          const rows: Omit<PlannedRow, 'body'>[] = []
          for await (const some of store.stream('planned', { all: true }, { batch: 100 })) rows.push(...some)
          return rows
        },
        jids: async () => (await people()).map(({ jid }) => jid).sort(),
        [Symbol.asyncDispose]: () => store.close(),
      }
    },
    [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }),
  }
}
