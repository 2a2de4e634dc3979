// SPDX-License-Identifier: Apache-2.0
// probe: a small real process for the tests of kit/process and of the command line.
import { writeFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import {
  type Command,
  CommandError,
  type Declaration,
  EXIT,
  type Said,
} from '../../../../../components/kit/process/command.ts'
import { run } from '../../../../../components/kit/process/run.ts'
import { BadSettings, shape } from '../../../../../components/kit/process/settings.ts'

const count = {
  name: 'probe count',
  help: 'probe-count',
  rights: ['operator'],
  parameters: [{ name: 'to', help: 'probe-count-to', type: 'number', required: true, positional: true }],
  columns: ['n', 'square'],
} satisfies Declaration
const whoami = { name: 'probe whoami', help: 'probe-whoami', rights: ['anyone'], parameters: [] } satisfies Declaration
const odd = {
  name: 'probe odd',
  help: 'probe-odd',
  rights: ['operator'],
  parameters: [
    { name: 'words', help: 'probe-words', type: 'text', positional: true },
    { name: 'since', help: 'probe-words', type: 'time' },
    { name: 'file', help: 'probe-words', type: 'path' },
    { name: 'loud', help: 'probe-words', type: 'flag', default: false },
  ],
} satisfies Declaration
const wait = { name: 'probe wait', help: 'probe-wait', rights: ['operator'], parameters: [] } satisfies Declaration
const secret = { name: 'probe secret', help: 'probe-secret', rights: ['officer'], parameters: [] } satisfies Declaration
const flood = { name: 'probe flood', help: 'probe-flood', rights: ['operator'], parameters: [] } satisfies Declaration

await run({
  name: 'probe',
  manual: 'probe: a process that only tests start.\nExits: 0 when asked to, 1 on a fault, 2 on bad settings.',
  texts: new URL('./text/', import.meta.url),
  commands: [count, whoami, odd, wait, secret, flood],
  settings: shape({
    metricsPort: 0,
    fields: (words) => ({
      keep_for: words.duration({ default: '30 days' }),
      largest: words.size({ default: '10 GiB' }),
      secret_file: words.secretFile({ default: 'probe.secret' }),
      hosts: words.map(words.group({ on_outage: words.choice(['closed', 'open'], { default: 'closed' }) })),
      behave: words.choice(['well', 'throw at start', 'throw later', 'drain for ever', 'stay open', 'be ill'], {
        default: 'well',
      }),
      mark: words.path({ default: 'mark' }),
    }),
    hold(said, shared, tell) {
      if (said.keep_for > 365 * 86_400_000) tell(['keep_for'], 'probe-wanted-365-days')
      return { ...said, keepForMs: said.keep_for, state: shared.folders.state }
    },
  }),
  async start({ settings, log, metrics, signal, text }) {
    const counted = metrics.counter('rows_total', 'Rows said', { kind: ['odd', 'even'] })
    metrics.gauge('secret_bytes', 'Length of the secret', () => settings.secret_file.reveal().length)
    if (settings.behave === 'throw at start') throw new Error('planted at start')
    if (settings.behave === 'throw later') setTimeout(() => fail('planted later'), 1)
    const open = settings.behave === 'stay open' ? setInterval(() => undefined, 1_000) : undefined
    log.info('started', { secret: settings.secret_file })
    let reloads = 0
    const commands: Command[] = [
      {
        ...count,
        async *run({ to }): AsyncIterable<Said> {
          if (to === 0) throw new CommandError('nothing to count', EXIT.notFound)
          if (to === -1) throw new Error('planted in a command')
          for (let n = 1; n <= Number(to); n++) {
            counted(1, { kind: n % 2 === 0 ? 'even' : 'odd' })
            yield { say: 'progress', done: n, total: Number(to), unit: 'rows' }
            yield { say: 'row', row: { n, square: n * n, pad: 'x'.repeat(100) } }
          }
        },
      },
      {
        ...whoami,
        async *run(_args, { caller, language }): AsyncIterable<Said> {
          yield {
            say: 'row',
            row: { uid: caller.uid, user: caller.user, rights: [...caller.rights.keys()].sort(), language },
          }
        },
      },
      {
        ...odd,
        async *run(args): AsyncIterable<Said> {
          yield { say: 'text', text: 'red \u001b[31m bell \u0007 c1 \u009b31m bidi \u202e end' }
          yield { say: 'row', row: { odd: 'clear \u001b[2J\nnext line', args } }
        },
      },
      {
        ...wait,
        async *run(_args, { signal: asked }): AsyncIterable<Said> {
          yield { say: 'text', text: 'waiting' }
          log.info('waiting')
          try {
            await delay(600_000, undefined, { signal: asked, ref: false })
          } finally {
            writeFileSync(settings.mark, 'aborted')
            log.info('left waiting')
          }
        },
      },
      {
        ...flood,
        // More than the log keeps waiting for its reader.
        async *run(): AsyncIterable<Said> {
          for (let n = 0; n < 300; n++) log.info('flood', { pad: 'x'.repeat(100_000) })
          yield { say: 'text', text: 'written' }
        },
      },
      {
        ...secret,
        async *run(): AsyncIterable<Said> {
          yield { say: 'text', text: 'contents' }
        },
      },
    ]
    return {
      commands,
      healthy: (language) => (settings.behave === 'be ill' ? text.say('probe-ill', language) : null),
      ready: () => (signal.aborted ? 'stopping' : null),
      async reload() {
        reloads++
        if (reloads > 1)
          throw new BadSettings([
            { file: 'rules.yaml', line: 3, setting: 'rule', read: '"x"', wanted: { id: 'probe-wanted-rule' } },
          ])
      },
      async drain() {
        if (settings.behave === 'drain for ever') await new Promise(() => undefined)
        if (open !== undefined) log.info('left open')
        writeFileSync(settings.mark, 'drained')
      },
    }
  },
})

function fail(why: string): never {
  throw new Error(why)
}
