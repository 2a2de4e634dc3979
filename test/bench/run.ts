// SPDX-License-Identifier: Apache-2.0
// npm run bench -- NAME [--quick | --long]: measures beside peers in the same run; the last line is one flat JSON object.

import { parseArgs } from 'node:util'
import { build } from '../../deploy/command.ts'
import type { ServerKind } from '../../deploy/demo/server.ts'
import { SERVERS } from '../../deploy/demo/site.ts'
import { archive } from './archive.ts'
import { directory } from './directory.ts'
import { evasion } from './evasion.ts'
import { gate } from './gate.ts'
import { irc } from './irc.ts'
import { screen } from './screen.ts'

const BENCHES = { archive, directory, evasion, gate, irc, screen } as const

const HELP = `npm run bench -- NAME [--quick | --long] [--server NAME] [--generational]

  archive   the archive alone: keeping a backlog, and searching 1,000,000 records while 2,000 a second arrive
  directory a slapd with 50,000 people in 2,000 groups: first reading and plan, memory, polls; on each server how soon colleagues see who
            joins, logins beside the server's own way, pings meanwhile; what the people cost policy
  evasion   how many disguised terms the matcher finds, and how many clean sentences it takes for a hit
  gate      the server bare, with mod_mam, with a do-nothing screen, and with the full suite
  irc       the gateway to IRC beside biboumi, as Debian installs it and without its history: messages both ways, joining 2,000 nicks,
            memory with 500 users
  screen    policy alone behind a mock server, on one core
  --quick   under a minute, larger noise
  --long    more rounds, PostgreSQL as a peer, slow disks
  --server NAME
            (gate) prosody (default) or ejabberd
  --generational
            (gate) every Prosody, bare and peers too, with gc = { mode = "generational" }
`

process.exitCode = await main()

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean' },
      long: { type: 'boolean' },
      generational: { type: 'boolean', default: false },
      server: { type: 'string', default: 'prosody' },
      help: { type: 'boolean' },
    },
  })
  const name = positionals[0]
  const { server } = values
  if (values.help || name === undefined || !Object.hasOwn(BENCHES, name) || !isServer(server)) {
    process.stderr.write(HELP)
    return values.help ? 0 : 2
  }
  // What is measured is what an operator runs.
  build()
  const form = values.quick ? 'quick' : values.long ? 'long' : 'normal'
  return BENCHES[name as keyof typeof BENCHES]({ form, server, generational: values.generational })
}

function isServer(name: string): name is ServerKind {
  return Object.hasOwn(SERVERS, name)
}
