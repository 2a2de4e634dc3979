// SPDX-License-Identifier: Apache-2.0
// config/archive.yaml: what was said, then what holds.
import { isAbsolute, join } from 'node:path'
import { shape } from '../kit/process/settings.ts'
import type { Secret } from '../kit/process/words.ts'
import { parseJid } from '../kit/xmpp/jid.ts'
import type { Patience } from './domain/completeness.ts'

export type ArchiveSettings = {
  domain: string
  /** null: not on the XMPP server; everything else works. */
  secret: Secret | null
  server: { host: string; port: number; allowPlain: boolean }
  store: { file: string; readers: number }
  /** `name` says which journal it is in metrics. */
  follow: { journals: readonly { name: string; folder: string }[]; batch: number; commitEveryMs: number }
  looks: { reasonRequired: boolean }
  /** The archive's own: who has looked, what is missing. */
  journal: { folder: string; maxBytes: number }
  patience: Patience
}

export const archiveSettings = shape({
  metricsPort: 9312,
  fields: (words) => ({
    domain: words.text({
      default: 'archive.gatehouse.internal',
      about: 'XMPP domain of this component, hidden from users.',
    }),
    secret_file: words.maybe(
      words.secretFile({
        about: 'File with the secret that the server has for this domain. Without it the archive is not on the server.',
      }),
    ),
    store: words.group({
      file: words.maybe(
        words.path({
          about:
            'The book; files of virtual hosts and months stand beside it. Default: archive/archive.db in the folder of state of gatehouse.yaml.',
        }),
      ),
      readers: words.whole({ min: 1, max: 16, default: 1, about: 'Searches that run side by side.' }),
    }),
    follow: words.group({
      journals: words.list(words.text({}), {
        default: ['policy'],
        about: 'Journals to keep: a name in the folder of journals of gatehouse.yaml, or a path.',
        atMost: 64,
      }),
      batch: words.whole({ min: 1, max: 10_000, default: 128, about: 'The most entries of one commit.' }),
      commit_every: words.duration({
        default: '100 ms',
        about: 'Commits that are not full are so far apart, unless somebody looks: each is a write to the disk.',
      }),
    }),
    looks: words.group({
      reason_required: words.choice(['no', 'yes'], {
        default: 'no',
        about: 'Whoever looks at contents, exports or copies them must say why.',
      }),
    }),
    journal: words.group({
      folder: words.maybe(words.path({ about: 'Default: archive in the folder of journals of gatehouse.yaml.' })),
      max_bytes: words.size({
        default: '1 GiB',
        about: 'When it holds this much, nothing can be looked at, because it could not be recorded.',
      }),
    }),
    missing: words.group({
      tries: words.whole({ min: 1, max: 10, default: 2, about: 'How often the server helper asks about one stanza.' }),
      try_within: words.duration({ default: '2 s', about: 'How long it waits for each answer.' }),
      margin: words.duration({
        default: '60 s',
        about: 'What is told of and not recorded after tries x try_within + margin is a gap.',
      }),
      silent_after: words.duration({
        default: '5 min',
        about: 'A source that owes answers and says nothing for so long has ended without its closing mark.',
      }),
    }),
  }),
  hold(said, shared, tell): ArchiveSettings {
    const { journals, state } = shared.folders
    const domain = said.domain.toLowerCase()
    const jid = parseJid(domain)
    if (!jid || jid.local || jid.resource) tell(['domain'], 'archive-wanted-domain')
    const own = said.journal.folder ?? join(journals, 'archive')
    const followed = said.follow.journals.map((name) => ({
      name,
      folder: isAbsolute(name) ? name : join(journals, name),
    }))
    followed.forEach(({ folder }, index) => {
      if (folder === own) tell(['follow', 'journals', index], 'archive-wanted-other-journal')
      if (followed.findIndex((other) => other.folder === folder) < index)
        tell(['follow', 'journals', index], 'archive-wanted-journal-once')
    })
    if (said.journal.max_bytes < 4 * 2 ** 20) tell(['journal', 'max_bytes'], 'archive-wanted-4-mib')
    if (said.follow.commit_every > 10_000) tell(['follow', 'commit_every'], 'archive-wanted-10-s')
    return {
      domain,
      secret: said.secret_file ?? null,
      server: { host: shared.server.host, port: shared.server.port, allowPlain: shared.server.allow_plain },
      store: { file: said.store.file ?? join(state, 'archive', 'archive.db'), readers: said.store.readers },
      follow: { journals: followed, batch: said.follow.batch, commitEveryMs: said.follow.commit_every },
      looks: { reasonRequired: said.looks.reason_required === 'yes' },
      journal: { folder: own, maxBytes: said.journal.max_bytes },
      patience: {
        graceMs: said.missing.tries * said.missing.try_within + said.missing.margin,
        silentMs: said.missing.silent_after,
      },
    }
  },
})
