// SPDX-License-Identifier: Apache-2.0
// Asks for ad-hoc commands (XEP-0050) as a client would, over whatever brings an iq to a component and its answer back.
import { COMMANDS_NODE } from '../../components/kit/xep/commands.ts'
import type { Element } from '../../components/kit/xml/element.ts'
import { escapeAttribute, escapeText } from '../../components/kit/xml/writer.ts'
import { NS } from '../../components/kit/xmpp/namespaces.ts'

export type AskIq = (type: 'get' | 'set', payload: string, from: string, language?: string) => Promise<Element>

export type Step = {
  status: string
  session: string
  language: string
  actions: string[]
  /** What `execute` means here. */
  execute: string | undefined
  notes: { type: string; text: string }[]
  form: Form | null
  /** As the socket would say them. */
  lines: Readonly<Record<string, unknown>>[]
}

export type Form = {
  type: string
  title: string
  instructions: string[]
  fields: Readonly<
    Record<string, { type: string; label: string; required: boolean; values: string[]; options: string[] }>
  >
  rows: Readonly<Record<string, string>>[]
}

/** A step, or the refusal: `auth forbidden`, with the specific condition where there is one. */
export type Told = Step | { refused: string; text: string }

export function openClient(ask: AskIq, from: string, language?: string) {
  const command = (node: string, attributes: Readonly<Record<string, string>>, form = '') => {
    const said = Object.entries(attributes).map(([name, value]) => ` ${name}='${escapeAttribute(value)}'`)
    const xml = `<command xmlns='${NS.commands}' node='${escapeAttribute(node)}'${said.join('')}>${form}</command>`
    return ask('set', xml, from, language).then(readTold)
  }
  return {
    command,
    start: (node: string) => command(node, { action: 'execute' }),
    /** Starts it and fills its form in. */
    async fill(node: string, values: Readonly<Record<string, string>> = {}): Promise<Told> {
      const first = await command(node, { action: 'execute' })
      if ('refused' in first || first.status !== 'executing') return first
      return command(node, { action: 'next', sessionid: first.session }, submitted(values))
    },
    go: (node: string, action: string, session: string, values?: Readonly<Record<string, string>>) =>
      command(node, { action, sessionid: session }, values === undefined ? '' : submitted(values)),
    /** Nodes and names of the commands that are shown. */
    async list(): Promise<Readonly<Record<string, string>>> {
      const answer = await ask('get', `<query xmlns='${NS.discoItems}' node='${COMMANDS_NODE}'/>`, from, language)
      const items = answer.getChild('query', NS.discoItems)?.getChildren('item') ?? []
      return Object.fromEntries(items.map(({ attrs }) => [attrs.node ?? '', attrs.name ?? '']))
    },
    /** Features, or the refusal. */
    async info(node?: string): Promise<string[]> {
      const at = node === undefined ? '' : ` node='${escapeAttribute(node)}'`
      const answer = await ask('get', `<query xmlns='${NS.discoInfo}'${at}/>`, from, language)
      if (answer.attrs.type === 'error') return [refusalOf(answer).refused]
      const query = answer.getChild('query', NS.discoInfo)
      const identities = query?.getChildren('identity') ?? []
      return [
        ...identities.map(({ attrs }) => `${attrs.category}/${attrs.type}`),
        ...(query?.getChildren('feature') ?? []).map(({ attrs }) => attrs.var ?? ''),
      ]
    },
  }
}

export function submitted(values: Readonly<Record<string, string>>): string {
  const fields = Object.entries(values).map(
    ([name, value]) => `<field var='${escapeAttribute(name)}'><value>${escapeText(value)}</value></field>`,
  )
  return `<x xmlns='${NS.dataForms}' type='submit'>${fields.join('')}</x>`
}

/** The step; a refusal is thrown with what it says. */
export function stepOf(told: Told): Step {
  if ('refused' in told) throw new Error(`refused: ${told.refused} ${told.text}`)
  return told
}

export function readTold(answer: Element): Told {
  if (answer.attrs.type === 'error') return refusalOf(answer)
  const command = answer.getChild('command', NS.commands)
  if (command === undefined) throw new Error(`no command in ${answer}`)
  const actions = command.getChild('actions')
  const json = command.getChild('json', NS.json)?.getText()
  return {
    status: command.attrs.status ?? '',
    session: command.attrs.sessionid ?? '',
    language: command.attrs['xml:lang'] ?? '',
    actions: actions?.getChildElements().map((one) => one.getName()) ?? [],
    execute: actions?.attrs.execute,
    notes: command.getChildren('note').map((one) => ({ type: one.attrs.type ?? '', text: one.getText() })),
    form: readForm(command.getChild('x', NS.dataForms)),
    lines: json === undefined ? [] : JSON.parse(json).said,
  }
}

function refusalOf(answer: Element): { refused: string; text: string } {
  const error = answer.getChild('error')
  const children = error?.getChildElements() ?? []
  const conditions = children.filter((one) => one.getName() !== 'text').map((one) => one.getName())
  return { refused: [error?.attrs.type, ...conditions].join(' '), text: error?.getChild('text')?.getText() ?? '' }
}

function readForm(x: Element | undefined): Form | null {
  if (x === undefined) return null
  const values = (field: Element) => field.getChildren('value').map((one) => one.getText())
  return {
    type: x.attrs.type ?? '',
    title: x.getChild('title')?.getText() ?? '',
    instructions: x.getChildren('instructions').map((one) => one.getText()),
    fields: Object.fromEntries(
      x.getChildren('field').map((field) => [
        field.attrs.var ?? '',
        {
          type: field.attrs.type ?? '',
          label: field.attrs.label ?? '',
          required: field.getChild('required') !== undefined,
          values: values(field),
          options: field.getChildren('option').map((one) => one.getChild('value')?.getText() ?? ''),
        },
      ]),
    ),
    rows: x
      .getChildren('field')
      .filter((field) => field.attrs.var?.startsWith('row-'))
      .map((field) =>
        Object.fromEntries(values(field).map((line) => /^([^:]*): ?(.*)$/su.exec(line)?.slice(1, 3) ?? [])),
      ),
  }
}
