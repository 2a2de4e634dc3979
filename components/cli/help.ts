// SPDX-License-Identifier: Apache-2.0
import { type Declaration, EXIT, type Parameter } from '../kit/process/command.ts'
import type { Described } from '../kit/process/describe.ts'
import type { Call } from './call.ts'
import { type Found, learn } from './components.ts'

/** All components with what they do. Exit code 2 when help was not asked for, but nothing else either. */
export async function writeHelp(call: Call, found: readonly Found[], asked: boolean): Promise<number> {
  const lines = [call.say('cli-usage'), '', call.say('cli-own-commands')]
  for (const name of ['check', 'status', 'help']) lines.push(`  ${name.padEnd(20)} ${call.say(`cli-help-${name}`)}`)
  lines.push('', call.say('cli-components'))
  for (const component of found) {
    lines.push(`  ${component.name.padEnd(20)} ${await aboutOf(call, component)}`)
  }
  lines.push('', call.say('cli-options'))
  for (const option of ['json', 'config', 'language', 'help', 'version']) {
    lines.push(`  ${call.say(`cli-option-${option}`)}`)
  }
  lines.push('', call.say('cli-exits'))
  await call.output.text(lines.join('\n'))
  return asked ? EXIT.ok : EXIT.usage
}

/** Of a command that no process has. */
export async function writeOwnHelp(call: Call, name: 'check' | 'status'): Promise<number> {
  const lines = [`gatehouse ${name} [--config FOLDER] [--json]`, '', call.say(`cli-about-${name}`)]
  await call.output.text(lines.join('\n'))
  return EXIT.ok
}

/** One that cannot be asked does not hide the others. */
async function aboutOf(call: Call, component: Found): Promise<string> {
  try {
    return (await learn(component, call.language)).about
  } catch (fault) {
    return call.say('cli-cannot-ask', {
      fault: fault instanceof Error ? (fault.message.split('\n')[0] ?? '') : String(fault),
    })
  }
}

export async function writeComponentHelp(call: Call, described: Described, asked: boolean): Promise<number> {
  const wide = Math.max(0, ...described.commands.map((one) => brief(one).length))
  const lines = [`${described.component}: ${described.about}`, '']
  // What follows the first line of a help is shown where one command is asked about.
  for (const command of described.commands)
    lines.push(`  ${brief(command).padEnd(wide)}  ${command.help.split('\n')[0]}`)
  if (described.commands.length === 0) lines.push(`  ${call.say('cli-no-commands')}`)
  await call.output.text(lines.join('\n'))
  return asked ? EXIT.ok : EXIT.usage
}

export async function writeCommandHelp(call: Call, command: Declaration): Promise<number> {
  const lines = [`gatehouse ${synopsis(command)}`, '', command.help]
  if (command.parameters.length > 0) lines.push('')
  for (const one of command.parameters) lines.push(`  ${spelling(one).padEnd(24)} ${one.help}${ending(call, one)}`)
  const rights = command.rights.map((right) => call.say(`kit-right-${right}`)).join(', ')
  lines.push('', call.say('cli-rights', { rights }))
  await call.output.text(lines.join('\n'))
  return EXIT.ok
}

/** What cannot be left out, and a mark for what can be said beside it. */
function brief(command: Declaration): string {
  const parts = command.parameters.filter((one) => one.required).map(spelling)
  const more = command.parameters.length > parts.length ? ['…'] : []
  return [command.name, ...parts, ...more].join(' ')
}

export function synopsis(command: Declaration): string {
  const parts = command.parameters.map((one) => (one.required ? spelling(one) : `[${spelling(one)}]`))
  return [command.name, ...parts].join(' ')
}

function spelling(one: Parameter): string {
  if (one.positional) return one.name.toUpperCase()
  return one.type === 'flag' ? `--${one.name}` : `--${one.name} ${one.type.toUpperCase()}`
}

function ending(call: Call, one: Parameter): string {
  return one.default === undefined || one.type === 'flag'
    ? ''
    : ` ${call.say('cli-default', { value: String(one.default) })}`
}
