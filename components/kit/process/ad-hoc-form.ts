// SPDX-License-Identifier: Apache-2.0
// A declared command as a form (XEP-0004), and the filled form as what was said. Labels are the texts of `--help`.
import type { Catalogue } from '../text/catalogue.ts'
import type { Field, Form } from '../xep/data-forms.ts'
import type { Validation } from '../xep/form-validation.ts'
import type { SaidArgs, WrongArgument } from './arguments.ts'
import type { Caller, Declaration, Hosts, Parameter } from './command.ts'

/** `hosts`: those of the caller's right; `said`: what was filled in before. */
export function formOf(
  command: Declaration,
  { text, language, hosts, said = {} }: { text: Catalogue; language: string; hosts: Hosts; said?: SaidArgs },
): Form {
  return {
    type: 'form',
    title: command.name,
    instructions: [text.say(command.help, language)],
    fields: command.parameters.map((one) => fieldOf(one, { text, language, hosts, said })),
  }
}

/** As it is for this caller: without what only others are asked for. */
export function commandFor<T extends Declaration>(command: T, { rights }: Caller): T {
  return {
    ...command,
    parameters: command.parameters.filter(({ askedOf }) => askedOf === undefined || rights.has(askedOf)),
  }
}

/** The name of a command in a menu: its words on the command line, and what its help begins with. */
export function menuName(command: Declaration, text: Catalogue, language: string): string {
  return `${command.name}: ${labelOf(text.say(command.help, language))}`
}

/** What was filled in, by parameter, as the command line would have it; what is empty was not said. */
export function readForm(command: Declaration, submitted: ReadonlyMap<string, readonly string[]>): SaidArgs {
  return Object.fromEntries(
    command.parameters.flatMap((parameter) => {
      const value = readValue(parameter, submitted.get(parameter.name) ?? [])
      return value === undefined ? [] : [[parameter.name, value]]
    }),
  )
}

/** What is wrong with a value, by the label of its field. */
export function wrongInForm(
  command: Declaration,
  { id, args }: WrongArgument,
  text: Catalogue,
  language: string,
): string {
  const parameter = command.parameters.find(({ name }) => name === args.name)
  const name = parameter === undefined ? (args.name ?? '') : labelOf(text.say(parameter.help, language))
  return text.say(`kit-form-${id.slice('kit-argument-'.length)}`, language, { ...args, name })
}

type Shown = { text: Catalogue; language: string; hosts: Hosts; said: SaidArgs }

function fieldOf(parameter: Parameter, { text, language, hosts, said }: Shown): Field {
  const help = text.say(parameter.help, language)
  const label = labelOf(help)
  const value = said[parameter.name] ?? parameter.default
  const options = optionsOf(parameter, hosts)
  const any = parameter.required === true ? [] : [{ label: text.say('kit-form-any', language), value: '' }]
  const validation = validationOf(parameter)
  return {
    type: options === undefined ? typeOf(parameter) : 'list-single',
    var: parameter.name,
    label,
    ...(help === label ? {} : { description: help }),
    ...(parameter.required === true ? { required: true } : {}),
    ...(validation === undefined ? {} : { validation }),
    ...(options === undefined ? {} : { options: [...any, ...options.map((one) => ({ label: one, value: one }))] }),
    values: valuesOf(parameter, value, options !== undefined),
  }
}

/** A client may take nothing but addresses in a field for one. */
function typeOf({ type, orName, secret }: Parameter): Field['type'] {
  if (secret) return 'text-private'
  return orName ? 'text-single' : TYPES[type]
}

const TYPES = {
  text: 'text-single',
  number: 'text-single',
  flag: 'boolean',
  time: 'text-single',
  jid: 'jid-single',
  path: 'text-single',
  host: 'text-single',
} as const satisfies Record<Parameter['type'], Field['type']>

/** Words to choose from; of hosts those for which the right holds, where it is not for all. */
function optionsOf({ type, choices }: Parameter, hosts: Hosts): readonly string[] | undefined {
  return choices ?? (type === 'host' && hosts !== null ? [...hosts] : undefined)
}

function valuesOf({ type, secret }: Parameter, value: unknown, isList: boolean): readonly string[] {
  if (secret) return []
  if (type === 'flag') return [value === true ? '1' : '0']
  return value === undefined ? (isList ? [''] : []) : [String(value)]
}

function validationOf({ type, range }: Parameter): Validation | undefined {
  if (type === 'time') return { datatype: 'xs:dateTime' }
  if (type !== 'number') return undefined
  return range === undefined ? { datatype: 'xs:decimal' } : { datatype: 'xs:integer', range }
}

function readValue({ type }: Parameter, values: readonly string[]): string | boolean | undefined {
  // A client may give a line of text as several values (text-multi).
  const said = values.join('\n')
  if (said.trim() === '') return undefined
  if (type === 'text') return said
  const word = said.trim()
  if (type !== 'flag') return word
  // XEP-0004 §3.3: the lexical forms of a boolean.
  if (word === '1' || word === 'true') return true
  return word === '0' || word === 'false' ? false : word
}

/** The first clause of a help: what a field is called. */
function labelOf(help: string): string {
  return (/^.*?(?=[.;](?:\s|$))/s.exec(help)?.[0] ?? help).trim()
}
