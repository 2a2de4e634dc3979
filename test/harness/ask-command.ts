// SPDX-License-Identifier: Apache-2.0
// Runs a command of a running process over its socket, as the command line does, without a process for each.
import { ask } from '../../components/cli/network/ask.ts'

export type Row = Readonly<Record<string, unknown>>

/** All rows it says. Throws when it ends with another exit code than 0. */
export async function askCommand(
  run: string,
  command: string,
  args: Readonly<Record<string, unknown>> = {},
  language = 'en',
): Promise<Row[]> {
  const rows: Row[] = []
  const name = command.split(' ')[0] ?? ''
  const end = await ask({ name, run }, { command, args, language }, (said) => {
    if (said.say === 'row') rows.push(said.row)
    return Promise.resolve()
  })
  if (end.exit !== 0) throw new Error(`${command} ended with ${end.exit}: ${end.text ?? ''}`)
  return rows
}
