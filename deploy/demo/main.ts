// SPDX-License-Identifier: Apache-2.0
// npm run demo: a made-up company on loopback. Plays the main job, then stays for a real client until Ctrl-C.
// npm run demo -- --check: plays it in a folder of its own, prints a line per step, and ends; exits 1 when a step does not hold.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { buildHouse, type House } from './house.ts'
import { stepsOf } from './play.ts'
import type { Step } from './step.ts'

const HELP = `npm run demo              plays the main job, then stays until Ctrl-C; everything is below .demo/
npm run demo -- --check   plays it in a temporary folder, verifies each step, and ends
  --server NAME           prosody (default) or ejabberd
  --folder FOLDER         another place than .demo/ (what is in it is removed)
`

process.exitCode = await main()

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      check: { type: 'boolean', default: false },
      server: { type: 'string', default: 'prosody' },
      folder: { type: 'string', default: resolve(import.meta.dirname, '../../.demo') },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(HELP)
    return 0
  }
  const { server } = values
  if (server !== 'prosody' && server !== 'ejabberd') {
    process.stderr.write(`--server ${server}: prosody or ejabberd is wanted\n`)
    return 2
  }
  const asked = Promise.withResolvers<void>()
  let stopped = false
  const stop = () => {
    stopped = true
    asked.resolve()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, stop)

  const folder = values.check
    ? await mkdtemp(join(tmpdir(), 'gatehouse-demo-'))
    : resolve(process.env.INIT_CWD ?? process.cwd(), values.folder)
  if (!values.check) await rm(folder, { recursive: true, force: true })
  const house = await buildHouse(folder, server)
  let held = 0
  let steps: Step[] = []
  {
    await using open = new AsyncDisposableStack()
    steps = stepsOf(house, open)
    if (house.irc === null) process.stdout.write('– inspircd is not installed: no steps on IRC\n')
    for (const step of steps) {
      if (stopped || !(await holds(step))) break
      held += 1
    }
    if (!values.check && held === steps.length) {
      process.stdout.write(invitation(house))
      await asked.promise
      process.stdout.write('\nstopping\n')
    } else if (held < steps.length)
      process.stdout.write(`logs: ${house.logs}, ${join(folder, server, `${server}.log`)}\n`)
  }
  if (values.check) {
    if (held === steps.length) {
      await rm(folder, { recursive: true })
      process.stdout.write(
        'What was played is removed; `npm run demo` plays it and stays, for commands such as those above.\n',
      )
    }
    process.stdout.write(`demo: ${held} of ${steps.length} steps hold\n`)
  }
  return held === steps.length ? 0 : 1
}

async function holds(step: Step): Promise<boolean> {
  try {
    const shown = await step.play()
    process.stdout.write(`✔ ${step.says}\n`)
    for (const line of shown?.split('\n') ?? []) process.stdout.write(`    ${line}\n`)
    return true
  } catch (fault) {
    process.stdout.write(
      `✖ ${step.says}\n    ${String(fault instanceof Error ? fault.message : fault).replaceAll('\n', '\n    ')}\n`,
    )
    return false
  }
}

function invitation(house: House): string {
  const { alice, bob, carol, nora } = house.people
  const accounts = [alice, bob, carol, nora]
    .map(({ jid, password }) => `    ${jid.padEnd(22)}password ${password}`)
    .join('\n')
  return `
Log in with any XMPP client (the certificate is made up: accept it, or trust the file below):
    server 127.0.0.1, port ${house.port}
${accounts}
    room ${house.room}
${overIrc(house)}    certificate ${house.certificate}
Say Nightingale to somebody, then look as the officer:
    ${house.typed('archive', 'search', 'Nightingale')}
    ${house.typed('archive', 'access')}
    ${house.typed('--help')}
Look who is there, or change the company's directory (LDIF on the standard input) and watch the rosters:
    ${house.typed('directory', 'who', 'nora')}
    ldapmodify -x -H ${house.company.url} -D ${house.company.dn} -y ${house.company.passwordFile}
Rules of your own go into ${house.folder}/config/policy-rules.yaml; they count as soon as it is written. One with a mistake
leaves those that hold, and this says what is wrong:
    ${house.typed('check')}
Everything is below ${house.folder}; the next demo starts anew. Ctrl-C stops.
`
}

function overIrc({ irc }: House): string {
  if (irc === null) return ''
  return `    room ${irc.room}, where you meet who enters ${irc.channel} with an IRC client: server 127.0.0.1, port ${irc.port}, without TLS
`
}
