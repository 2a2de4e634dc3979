// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { EXIT } from '../kit/process/command.ts'
import { unknownPeople } from '../kit/process/people.ts'
import type { Checked } from '../kit/process/run.ts'
import { problemLine, readShared } from '../kit/process/settings.ts'
import { bareOf } from '../kit/xmpp/jid.ts'
import type { Call } from './call.ts'
import { type Found, runMain } from './components.ts'
import { NotRunning, status } from './network/ask.ts'

/**
 * Asks each component that has a settings file to check it; nothing need run. 2 if one is bad or none is set up, 4 if none is and
 * whoever asks may not read all of it.
 */
export async function checkAll(call: Call, found: readonly Found[]): Promise<number> {
  let checked = 0
  let exit: number = EXIT.ok
  for (const component of found) {
    if (component.main === undefined) continue
    const file = join(call.config, `${component.name}.yaml`)
    if (!existsSync(file)) {
      await call.output.either(
        { component: component.name, ok: null },
        call.say('cli-check-not-set-up', { component: component.name, file }),
      )
      continue
    }
    checked++
    const ended = await runMain(component.main, ['--check', '--json', '--language', call.language || 'en', file])
    if (ended.stdout === '') {
      exit = worse(exit, ended.exit === EXIT.usage ? EXIT.usage : EXIT.fault)
      await call.output.either(
        { component: component.name, ok: false, fault: ended.stderr },
        `${component.name}: ${ended.stderr}`,
      )
      continue
    }
    const told = JSON.parse(ended.stdout) as Checked
    const hidden = told.problems.flatMap(({ forbidden }) => forbidden ?? [])
    const problems = told.problems.filter(({ forbidden }) => forbidden === undefined)
    if (problems.length > 0) exit = worse(exit, EXIT.usage)
    else if (hidden.length > 0) exit = worse(exit, EXIT.forbidden)
    const lines = told.ok
      ? [
          call.say('cli-check-good', { component: component.name, files: (told.files ?? [file]).join(', ') }),
          ...(told.notes ?? []).map((note) => `${component.name}: ${note}`),
        ]
      : [
          ...(problems.length > 0
            ? [call.say('cli-check-bad', { component: component.name, count: problems.length })]
            : []),
          ...problems.map(problemLine),
          ...hidden.map((path) => call.say('cli-check-hidden', { component: component.name, path })),
        ]
    await call.output.either(told, lines.join('\n'))
    if (told.ok && told.watches) await warnOfDoors(call, component)
  }
  await warn(call)
  if (checked > 0) return exit
  await call.output.refusal(EXIT.usage, call.say('cli-check-nothing', { folder: call.config }))
  return EXIT.usage
}

/** A fault, then a mistake, then what could not be looked at. */
function worse(one: number, other: number): number {
  return [EXIT.fault, EXIT.usage, EXIT.forbidden].find((exit) => exit === one || exit === other) ?? EXIT.ok
}

/** What only the running process knows; changes no exit code. */
async function warnOfDoors(call: Call, component: Found): Promise<void> {
  const warnings = await status(component, call.language).then(
    (told) => told.warnings ?? [],
    (fault) => {
      if (fault instanceof NotRunning)
        return [call.say(component.name === 'policy' ? 'cli-check-not-known' : 'cli-check-not-seen')]
      throw fault
    },
  )
  const lines = warnings.map((one) => `${component.name}: ${one}`)
  if (lines.length > 0) await call.output.either({ component: component.name, ok: true, warnings }, lines.join('\n'))
}

/** What is no mistake, and yet perhaps not meant: changes no exit code. */
async function warn(call: Call): Promise<void> {
  const file = join(call.config, 'gatehouse.yaml')
  const warnings: string[] = []
  if (!existsSync(file)) warnings.push(call.say('cli-check-no-shared', { file }))
  const { people, server } = readShared(file)
  for (const { lack, name, role } of await unknownPeople(people, server.hosts))
    warnings.push(call.say(`cli-check-no-${lack}`, { file, name, role, spelling: bareOf(name) }))
  if (warnings.length > 0) await call.output.either({ file, ok: true, warnings }, warnings.join('\n'))
}
