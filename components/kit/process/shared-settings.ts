// SPDX-License-Identifier: Apache-2.0
// What all components share: config/gatehouse.yaml.
import type { Holds, Words } from './words.ts'

export type SharedSettings = Holds<ReturnType<typeof sharedFields>>

/** A person or group of people, as settings name them; without `hosts` for every virtual host. */
export type Named = SharedSettings['people']['operators'][number]

/** Of gatehouse.yaml and of each component's own file. A change that a written file would notice takes the next one. */
export const SETTINGS_VERSION = 1

export function sharedFields(words: Words) {
  const people = (about: string, fallback: readonly unknown[]) =>
    words.list(words.person(['user', 'group', 'jid']), { about, default: fallback, atMost: 1_000 })
  return {
    version: words.version(SETTINGS_VERSION),
    server: words.group({
      host: words.text({ default: '127.0.0.1', about: 'Where the XMPP server takes components (XEP-0114).' }),
      port: words.whole({ min: 1, max: 65_535, default: 5347 }),
      hosts: words.list(words.host(), {
        default: [],
        about:
          'Virtual hosts of that server whose accounts may hold rights by their address (jid:); of no other host anybody does.',
        atMost: 1_000,
      }),
      allow_plain: words.yesNo({ default: false, about: 'Let the stream leave this machine without TLS.' }),
    }),
    folders: words.group({
      state: words.path({ default: '/var/lib/gatehouse', about: 'What components keep, one folder each.' }),
      run: words.path({ default: '/run/gatehouse', about: 'Sockets of the running components.' }),
      journals: words.path({ default: '/var/lib/gatehouse/journals', about: 'Journals, one folder for each writer.' }),
    }),
    log: words.group({ level: words.choice(['debug', 'info', 'warn', 'error'], { default: 'info' }) }),
    metrics: words.group({
      address: words.text({
        default: '127.0.0.1',
        pattern: /^(127(\.\d{1,3}){3}|::1)$/,
        wanted: { id: 'kit-wanted-loopback' },
      }),
    }),
    language: words.choice(['en', 'de'], {
      default: 'en',
      about: 'Language of texts for those who name none we have.',
    }),
    stop_within: words.duration({ default: '20 s', about: 'After SIGTERM a process ends within this time.' }),
    people: words.group({
      operators: people('Who runs the processes; sees counts, never contents.', [{ user: 'root' }]),
      officers: people('Who may look at contents; every look is on record.', []),
      auditors: people('Who may see who has looked.', []),
    }),
  }
}
